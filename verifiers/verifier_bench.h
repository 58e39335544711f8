// How fast a verifier judges, beside a verdict that asks nothing and beside starting a process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// A completion whose verdict is known: what is not judged right is not measured.
struct BenchCase {
  wire::Prompt prompt;
  std::string completion;
  bool is_correct = false;  // false: anything but correct is right
};

struct VerifierBenchOptions {
  std::string name;      // begins the figures' names
  unsigned threads = 0;  // of the second rate; 0 = one per core
  double round_s = 0.2;  // at least so long on one thread, and again on all; whole passes
  std::size_t repeats = 5;
};

// Judges all cases again and again. With a name "math":
//   math_checks_per_s_1_thread, math_checks_per_s_all_threads   beside noop_checks_per_s_...: the
//       same completions, hashed as every verdict demands, and called correct;
//   math_p50_us, math_p95_us, math_p99_us   of one check on one thread, beside fork_us, the least
//       that a check in a process of its own would cost.
// Errors: kInvalidInput without cases; kCorrupt naming a case whose verdict is not the known one.
Result<std::vector<Figure>> verifier_bench(const Verifier& verifier,
                                           std::span<const BenchCase> cases,
                                           const VerifierBenchOptions& options);

// Solutions of word problems as models write them, right and wrong: prose, boxes, `####`,
// fractions, decimals, thousands separators, percent, LaTeX. The same for the same seed.
std::vector<BenchCase> math_bench_cases(std::size_t count, std::uint64_t seed);

// Answers that only algebra decides: factored and expanded polynomials, fractions, surds,
// equations, right and wrong. The same for the same seed.
std::vector<BenchCase> algebra_bench_cases(std::size_t count, std::uint64_t seed);

// Answers that balls decide: trigonometric and exponential identities, logarithms, right and wrong.
std::vector<BenchCase> numeric_bench_cases(std::size_t count, std::uint64_t seed);

// Completions made to be slow: towers of powers, expansions, long numbers, deep nesting, thousands
// of candidate answers, inputs at the size limit.
std::vector<BenchCase> hard_math_bench_cases();

}  // namespace assay::verifiers
