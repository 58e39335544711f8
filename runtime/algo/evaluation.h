// Evaluation: from counts per prompt to everything the report says about one source of prompts.
//
// A source's prompts are evaluated under the base policy and again after training, paired by
// position. Completions whose judge failed are not counted in n; a prompt with fewer than k scored
// completions leaves the pass@k mean of that k and is counted as excluded.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/algo/bootstrap.h"
#include "runtime/algo/compression.h"
#include "runtime/algo/confidence.h"
#include "runtime/algo/majority.h"
#include "runtime/algo/reading.h"
#include "runtime/core/result.h"

namespace assay::algo {

// Draws of one prompt under one policy.
struct EvaluatedPrompt {
  std::string prompt;   // its id, to check that pairs belong together
  std::string stratum;  // sub-population, e.g. "n=4"; may be empty
  std::uint64_t n = 0;  // scored completions, truncated ones included as incorrect
  std::uint64_t correct = 0;
  std::optional<std::uint64_t> chain_correct;  // answer and chain right; absent = chain unchecked
  std::uint64_t unscored = 0;
  std::vector<AnswerClass> answers;  // counts sum to n; empty = no maj@k

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("prompt", self.prompt, "stratum", self.stratum, "n", self.n, "correct", self.correct,
             "chain_correct", self.chain_correct, "unscored", self.unscored, "answers",
             self.answers);
  }
};

struct EvaluationOptions {
  std::vector<std::uint32_t> ks{1, 2, 4, 8, 16};  // ascending, first 1
  std::uint32_t headline_k = 8;                   // of the ratio, the gain and the reading
  double guess_chance = 0;    // that one blind guess is right; 0 = no floor worth naming
  bool is_clustered = false;  // prompts of a stratum share a template: cluster errors on it
  BootstrapOptions bootstrap;
};

// An estimate at one k.
struct CurvePoint {
  std::uint32_t k = 1;
  Interval rate;
  std::uint32_t excluded = 0;  // prompts with fewer than k scored completions

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("k", self.k, "rate", self.rate, "excluded", self.excluded);
  }
};

struct StratumRates {
  std::string stratum;
  std::uint32_t prompt_count = 0;
  Interval pass_1, pass_k;  // k = headline_k

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("stratum", self.stratum, "prompt_count", self.prompt_count, "pass_1", self.pass_1,
             "pass_k", self.pass_k);
  }
};

// One policy on one source.
struct PolicyEvaluation {
  std::uint32_t prompt_count = 0;
  std::uint64_t completion_count = 0;  // scored
  std::uint64_t unscored = 0;
  std::vector<CurvePoint> pass_curve;
  std::vector<CurvePoint> chain_curve;              // empty where chains were not checked
  std::vector<CurvePoint> majority_curve;           // empty where answers were not kept
  std::optional<double> chain_fraction;             // P(chain right | answer right)
  std::vector<StratumRates> strata;                 // in order of first appearance
  std::vector<std::optional<double>> prompt_rates;  // [prompt_count] pass@1; absent = unscored

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("prompt_count", self.prompt_count, "completion_count", self.completion_count,
             "unscored", self.unscored, "pass_curve", self.pass_curve, "chain_curve",
             self.chain_curve, "majority_curve", self.majority_curve, "chain_fraction",
             self.chain_fraction, "strata", self.strata, "prompt_rates", self.prompt_rates);
  }
};

struct FloorPoint {
  std::uint32_t k = 1;
  double floor = 0;           // what guessing reaches
  bool is_prominent = false;  // more than a quarter of the base policy's value

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("k", self.k, "floor", self.floor, "is_prominent", self.is_prominent);
  }
};

struct RatioPoint {
  std::uint32_t k = 2;
  RatioEstimate ratio;
  std::optional<double> gap_closed;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("k", self.k, "ratio", self.ratio, "gap_closed", self.gap_closed);
  }
};

// What training changed on one source.
struct Comparison {
  std::uint32_t headline_k = 8;
  Interval compression_gain;                // pass@1, paired
  Interval capability_gain;                 // pass@headline_k, paired
  std::vector<CurvePoint> gain_curve;       // after - base for each k, paired
  RatioEstimate ratio;                      // at headline_k
  std::optional<double> gap_closed;         // at headline_k
  std::vector<RatioPoint> ratio_curve;      // every k above 1
  std::optional<std::uint32_t> crossing_k;  // absent: none up to the largest k
  Direction pass_1 = Direction::kFlat;
  Direction pass_k = Direction::kFlat;
  Reading reading = Reading::kNoEffect;
  PromptShift shift;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("headline_k", self.headline_k, "compression_gain", self.compression_gain,
             "capability_gain", self.capability_gain, "gain_curve", self.gain_curve, "ratio",
             self.ratio, "gap_closed", self.gap_closed, "ratio_curve", self.ratio_curve,
             "crossing_k", self.crossing_k, "pass_1", self.pass_1, "pass_k", self.pass_k, "reading",
             self.reading, "shift", self.shift);
  }
};

struct SourceEvaluation {
  std::string clustered_by = "prompt";  // or "stratum"
  std::vector<FloorPoint> guess_floors;
  PolicyEvaluation base;
  std::optional<PolicyEvaluation> after;
  // Present with `after`, unless no prompt has headline_k scored completions on both sides.
  std::optional<Comparison> comparison;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("clustered_by", self.clustered_by, "guess_floors", self.guess_floors, "base",
             self.base, "after", self.after, "comparison", self.comparison);
  }
};

// The stratum of each prompt as a number, in order of first appearance: clusters for intervals.
std::vector<std::uint32_t> stratum_numbers(std::span<const EvaluatedPrompt> prompts);

// One policy alone.
// Errors: kInvalidInput when there is no prompt, ks do not ascend from 1 or lack headline_k, a
// count contradicts another, or a k exceeds the completions (scored or not) of every prompt.
Result<PolicyEvaluation> evaluate_policy(std::span<const EvaluatedPrompt> prompts,
                                         const EvaluationOptions& options);

// A source under the base policy, and after training where there is an after.
//   base, after  the same prompts in the same order; `after` may be empty
// Paired figures use the prompts that both evaluations cover at that k.
// Errors: as evaluate_policy, and when the two do not hold the same prompts.
Result<SourceEvaluation> evaluate_source(std::span<const EvaluatedPrompt> base,
                                         std::span<const EvaluatedPrompt> after,
                                         const EvaluationOptions& options);

}  // namespace assay::algo
