// How fast a worker answers for a trivial function, beside how fast its interpreter calls it.
#pragma once

#include <string>
#include <vector>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"
#include "verifiers/verifier_bench.h"

namespace assay::verifiers {

// One worker, batches of 64 (as a verifier actor hands them over) and single questions:
//   python_verdicts_per_s          beside python_calls_per_s, the bare call in the interpreter's
//   own
//                                  loop; goal 10,000 a worker
//   python_single_p50_us, _p99_us  of one question alone, beside a socket's round trip
// `folder` is an empty folder for the function's file. Errors: E401 without a python3.
Result<std::vector<Figure>> python_bench(const VerifierBenchOptions& options,
                                         const std::string& folder);

}  // namespace assay::verifiers
