// How fast the ledger makes events durable, beside the disk's own ceiling in the same run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"

namespace assay::store {

struct LedgerBenchOptions {
  std::string folder;  // where to measure; the files are removed afterwards
  std::uint32_t groups = 400;
  std::uint32_t group_size = 8;
  std::uint32_t completion_tokens = 32;
  std::uint32_t events_per_commit = 512;
};

struct LedgerBenchReport {
  std::uint64_t events = 0;
  double events_per_s = 0;      // durable, rollouts and verdicts included
  double cpu_us_per_event = 0;  // of this thread: encoding, hashing, SQLite
  double commit_p50_ms = 0;
  double commit_p99_ms = 0;
  double fsyncs_per_s = 0;             // the ceiling: one page appended and fsynced at a time
  double events_per_s_at_ceiling = 0;  // events_per_commit * fsyncs_per_s
  double checked_events_per_s = 0;     // LedgerChecker over the same events in memory
};

// One round: the fsyncs first, then the ledger.
Result<LedgerBenchReport> ledger_bench(const LedgerBenchOptions& options);

// `repeats` rounds as figures:
//   ledger_durable_events_per_s   beside fsync_bound_events_per_s, what events_per_commit events
//       with every fsync would give
//   ledger_commit_p50_ms, ledger_commit_p99_ms   beside fsync_ms, the mean of the same round
//   ledger_cpu_us_per_event, ledger_checked_events_per_s
Result<std::vector<Figure>> ledger_figures(const LedgerBenchOptions& options, std::size_t repeats);

}  // namespace assay::store
