// SqliteEngine: runs queries on SQLite in companion processes that can be killed.
//
// Companions persist from query to query, keep their databases open, and are shared by all engines
// of this process; there are never more of them than threads can use. One that hangs is killed and
// replaced.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "verifiers/sql/query_answer.h"
#include "verifiers/sql/query_codec.h"

namespace assay::verifiers::sql {

class CompanionPool;

class SqliteEngine final : public QueryEngine {
 public:
  // Starts nothing: companions come with the first query. `sources` is not empty.
  explicit SqliteEngine(std::vector<DatabaseSource> sources);
  ~SqliteEngine() override;

  std::size_t database_count() const override { return sources_.size(); }
  // Statuses as QueryStatus says. kUnavailable: the companion is missing, cannot be started or
  // dies, or the database cannot be opened.
  QueryAnswer run(std::size_t database, std::string_view query, QueryAuthor author,
                  const QueryLimits& limits) override;

 private:
  std::vector<DatabaseSource> sources_;
  std::vector<Digest> digests_;
  std::shared_ptr<CompanionPool> pool_;
};

}  // namespace assay::verifiers::sql
