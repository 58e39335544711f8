// ReferenceResults: what reference queries return, run once and remembered.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/digest.h"
#include "verifiers/sql/query_answer.h"
#include "verifiers/sql/sql_options.h"

namespace assay::verifiers::sql {

struct ReferenceResult {
  QueryAnswer answer;
  // Sizes of the runs of rows whose order is not told apart by the reference's ORDER BY; empty:
  // the reference orders nothing, or nobody asked.
  std::vector<std::size_t> groups;
};

// Thread-safe. Remembers only what succeeded, up to a bound of bytes.
class ReferenceResults {
 public:
  ReferenceResults(QueryEngine& engine, const SqlOptions& options)
      : engine_(engine), options_(options) {}

  // Never null. A reference may take longer than a completion: it was written to be right, and runs
  // once.
  std::shared_ptr<const ReferenceResult> of(std::string_view reference, std::size_t database);

 private:
  ReferenceResult run(std::string_view reference, std::size_t database) const;

  QueryEngine& engine_;
  const SqlOptions& options_;
  std::mutex mutex_;
  std::map<std::pair<Digest, std::size_t>, std::shared_ptr<const ReferenceResult>> results_;
  std::size_t bytes_ = 0;
};

// The runs of rows of `answer` that the order leaves untold, given the answer of the order's
// keyed_query where a key is not a column of the result. Where the keys cannot be told, every row
// is a run of its own. Pure.
std::vector<std::size_t> runs_of_equal_keys(const OutermostOrder& order, const QueryAnswer& answer,
                                            const QueryAnswer* keyed);

}  // namespace assay::verifiers::sql
