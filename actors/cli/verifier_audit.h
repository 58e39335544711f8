// The audit of a verifier: how many wrong completions it catches, how many right ones it refuses,
// whether it says the same twice, and how long it takes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/algo/confidence.h"
#include "verifiers/case_file.h"

namespace assay::cli {

struct AuditOptions {
  double coverage_min = 0;       // the least lower bound of the error-catch rate; 0: no gate
  double false_rejects_max = 1;  // the greatest upper bound of the false-reject rate; 1: no gate
  bool has_mutants = true;       // judge mutants of the right completions too
  std::uint32_t thread_count = 1;
  // Looked at before and after, where a judge runs that nothing keeps from writing there; empty:
  // nothing is. Others who write there meanwhile are taken for it.
  std::string watched_folder;
};

// Verdicts on completions whose truth is known; those that were unscored count apart.
struct AuditCount {
  std::uint64_t total = 0;  // scored
  std::uint64_t hits = 0;   // wrong ones caught, or right ones refused
  std::uint64_t unscored = 0;

  // Clopper-Pearson, 95 %.
  algo::Interval rate() const { return algo::clopper_pearson(hits, total); }
};

// Completions of one category of the suite, or of one kind of mutant.
struct AuditStratum {
  AuditCount caught, refused;
};

struct AuditFinding {
  std::string id;  // of the case, with the mutant's operation behind it
  std::size_t line = 0;
  std::string completion;
  std::string reason;
};

struct AuditReport {
  std::string verifier;         // identity of the judge; of the first, where cases have their own
  AuditCount caught;            // of wrong completions: the error-catch rate
  AuditCount refused;           // of right completions: the false-reject rate
  AuditCount agreed;            // of all of the suite itself: suite accuracy
  std::uint64_t undecided = 0;  // cases for which either verdict is acceptable
  std::map<std::string, AuditStratum> strata;
  std::vector<AuditFinding> false_accepts, false_rejects;  // the first few of each
  std::uint64_t unstable = 0;                              // said something else the second time
  double p50_ms = 0, p95_ms = 0, p99_ms = 0;
  std::vector<std::string> side_effects;  // what judges did beside judging, or tried
  std::vector<std::string> warnings;

  // What keeps the gates shut, a sentence each; empty: they are open.
  std::vector<std::string> shut_gates(const AuditOptions& options) const;
};

// Wrong completions, all caught, that are still missing before the lower bound reaches
// `coverage_min` with the misses there were. The bound must be in (0, 1).
std::uint64_t missing_cases(const AuditCount& caught, double coverage_min);

// Judges every case and its mutants twice. A case is known right or wrong when `expect` names one
// of correct and incorrect alone.
AuditReport audit(const std::vector<verifiers::Case>& cases, const AuditOptions& options);

}  // namespace assay::cli
