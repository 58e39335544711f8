// How fast programs are judged, beside a bare fork and beside starting an interpreter for each.
#pragma once

#include <vector>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"
#include "verifiers/verifier_bench.h"

namespace assay::verifiers {

// One trivial Python program with three assertions, again and again (`options.name` is not used):
//   code_split_p50_us, code_split_p99_us, code_same_process_p50_us, code_same_process_p99_us
//       of one check on one thread, warm, beside fork_us;
//   code_split_checks_per_s, code_same_process_checks_per_s   on all threads, beside
//       interpreters_per_s: fresh interpreters that run program and assertions, without a sandbox;
//   code_split_checks_per_s_beside_bwrap, code_same_process_...   the same beside bwrap_per_s: such
//       interpreters in bubblewrap with all its namespaces; absent where bwrap is not installed;
//   code_timeout_overshoot_ms   from the limit to the verdict of a program that never ends.
// Without an interpreter of the machine's own the rates stand beside nothing.
// Errors: kUnavailable where there is no sandbox here.
Result<std::vector<Figure>> code_bench(const VerifierBenchOptions& options);

}  // namespace assay::verifiers
