// quarantine.jsonl: the completions that tripped a wire, for people to look at.
//
// A view of the ledger, which has the same rollouts and verdicts: a line is written once its
// verdict is durable there, in the order of the ledger and with the number of its event. So a file
// that a kill left behind says itself where to go on, and no verdict stands in it twice. What a
// model wrote is escaped and cut; the file is bounded, and its last line says so when it is full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/file.h"
#include "runtime/core/ids.h"
#include "runtime/core/limits.h"
#include "runtime/core/result.h"
#include "runtime/store/ledger_reader.h"
#include "runtime/wire/verdict.h"

namespace assay::store {

// A durable verdict of which wire::tripped_wires() is not empty.
struct TrippedVerdict {
  std::uint64_t seq = 0;  // of its event in the ledger
  RolloutId rollout;
  wire::Verdict verdict;
};

// One thread owns it. There is no file before the first line.
class Quarantine {
 public:
  // Goes on with the file where there is one, less an unfinished last line, and takes up the
  // verdicts that the ledger has beyond it: the whole ledger is read where nothing was tripped.
  // Errors: those of the ledger's reader and of the file, which
  // may not be a symbolic link.
  static Result<Quarantine> open(const std::string& path, const std::string& ledger_path,
                                 std::size_t bytes_max = limits::kQuarantineBytesMax);

  // Appends a line for each and makes them durable; does nothing once the file is full. `tripped`
  // are in the ledger, in its order, behind all that were added before. After an error call it no
  // more: the next open() goes on behind the last whole line.
  Result<void> add(const std::vector<TrippedVerdict>& tripped);

  bool is_full() const { return is_full_; }

 private:
  Quarantine(std::string path, LedgerReader ledger, std::size_t bytes_max)
      : path_(std::move(path)), ledger_(std::move(ledger)), bytes_max_(bytes_max) {}

  Result<void> recall();
  Result<void> catch_up();
  Result<void> open_file();
  Result<std::string> line_of(const TrippedVerdict& tripped);

  std::string path_;
  LedgerReader ledger_;
  std::size_t bytes_max_;
  FileDescriptor file_;
  std::size_t bytes_ = 0;       // of whole lines
  std::uint64_t last_seq_ = 0;  // of the last line
  bool is_full_ = false;
};

}  // namespace assay::store
