#include "runtime/algo/evaluation.h"

#include <algorithm>
#include <functional>
#include <map>

#include "runtime/algo/pass_at_k.h"

namespace assay::algo {
namespace {

constexpr double kProminentFloor = 0.25;  // of the value beside it

using PromptRates = std::vector<std::optional<double>>;  // [prompt_count]; absent = excluded
using Clusters = std::vector<std::uint32_t>;             // [prompt_count] or empty

Error invalid(std::string message, std::string remedy = "") {
  return {ErrorCode::kInvalidInput, std::move(message), std::move(remedy), "", ""};
}

std::string name_of(const EvaluatedPrompt& prompt, std::size_t index) {
  return prompt.prompt.empty() ? "prompt " + std::to_string(index) : "prompt " + prompt.prompt;
}

Result<void> check_prompt(const EvaluatedPrompt& prompt, std::size_t index) {
  const std::string name = name_of(prompt, index);
  if (prompt.correct > prompt.n) {
    return invalid(name + " has " + std::to_string(prompt.correct) + " correct of " +
                   std::to_string(prompt.n) + " completions");
  }
  if (prompt.chain_correct && *prompt.chain_correct > prompt.correct) {
    return invalid(name + " has more right chains than right answers");
  }
  std::uint64_t votes = 0;
  for (const AnswerClass& answer : prompt.answers) votes += answer.count;
  if (!prompt.answers.empty() && votes != prompt.n) {
    return invalid(name + " has " + std::to_string(votes) + " answers for " +
                   std::to_string(prompt.n) + " completions");
  }
  return {};
}

Result<void> check_evaluation(std::span<const EvaluatedPrompt> prompts,
                              const EvaluationOptions& options) {
  if (prompts.empty()) return invalid("an evaluation needs at least one prompt");
  const std::vector<std::uint32_t>& ks = options.ks;
  const bool is_ascending =
      std::adjacent_find(ks.begin(), ks.end(), std::greater_equal<>()) == ks.end();
  if (ks.empty() || ks.front() != 1 || !is_ascending) {
    return invalid("ks must ascend from 1", "use e.g. 1, 2, 4, 8");
  }
  if (std::find(ks.begin(), ks.end(), options.headline_k) == ks.end()) {
    return invalid("headline_k = " + std::to_string(options.headline_k) + " is not among ks",
                   "add it to ks");
  }
  std::uint64_t n_max = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (const auto checked = check_prompt(prompts[i], i); !checked) return checked.error();
    n_max = std::max(n_max, prompts[i].n + prompts[i].unscored);
  }
  if (ks.back() > n_max) {
    return invalid("pass@" + std::to_string(ks.back()) + " cannot be estimated from " +
                       std::to_string(n_max) + " completions a prompt",
                   "draw at least that many, better twice as many, or lower ks");
  }
  return {};
}

// Each prompt's estimate at k from a count of right completions.
template <class CountRight>
PromptRates rates_at(std::span<const EvaluatedPrompt> prompts, std::uint32_t k,
                     const CountRight& count_right) {
  PromptRates rates;
  for (const EvaluatedPrompt& prompt : prompts) {
    const auto rate = pass_at_k(prompt.n, count_right(prompt), k);
    rates.push_back(rate ? std::optional(*rate) : std::nullopt);
  }
  return rates;
}

PromptRates pass_rates(std::span<const EvaluatedPrompt> prompts, std::uint32_t k) {
  return rates_at(prompts, k, [](const EvaluatedPrompt& prompt) { return prompt.correct; });
}

PromptRates chain_rates(std::span<const EvaluatedPrompt> prompts, std::uint32_t k) {
  return rates_at(prompts, k, [](const EvaluatedPrompt& prompt) { return *prompt.chain_correct; });
}

PromptRates majority_rates(std::span<const EvaluatedPrompt> prompts, std::uint32_t k,
                           std::uint64_t seed) {
  PromptRates rates;
  MajorityOptions options;
  for (const EvaluatedPrompt& prompt : prompts) {
    options.seed = seed + rates.size();
    const auto rate = majority_at_k(prompt.answers, k, options);
    rates.push_back(rate ? std::optional(*rate) : std::nullopt);
  }
  return rates;
}

// The prompts that have a value, with their clusters.
struct Present {
  std::vector<double> values;
  Clusters clusters;
};

Present present(const PromptRates& rates, const Clusters& clusters) {
  Present kept;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (!rates[i]) continue;
    kept.values.push_back(*rates[i]);
    if (!clusters.empty()) kept.clusters.push_back(clusters[i]);
  }
  return kept;
}

CurvePoint point_of(std::uint32_t k, const PromptRates& rates, const Clusters& clusters) {
  const Present kept = present(rates, clusters);
  return {k, rate_interval(kept.values, kept.clusters),
          static_cast<std::uint32_t>(rates.size() - kept.values.size())};
}

std::vector<StratumRates> strata_of(std::span<const EvaluatedPrompt> prompts,
                                    std::uint32_t headline_k) {
  const Clusters numbers = stratum_numbers(prompts);
  std::vector<std::vector<EvaluatedPrompt>> members;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (numbers[i] == members.size()) members.emplace_back();
    members[numbers[i]].push_back(prompts[i]);
  }
  std::vector<StratumRates> strata;
  for (const std::vector<EvaluatedPrompt>& stratum : members) {
    strata.push_back({stratum.front().stratum, static_cast<std::uint32_t>(stratum.size()),
                      point_of(1, pass_rates(stratum, 1), {}).rate,
                      point_of(headline_k, pass_rates(stratum, headline_k), {}).rate});
  }
  return strata;
}

std::optional<double> chain_fraction_of(std::span<const EvaluatedPrompt> prompts) {
  std::uint64_t correct = 0, chain_correct = 0;
  for (const EvaluatedPrompt& prompt : prompts) {
    correct += prompt.correct;
    chain_correct += *prompt.chain_correct;
  }
  if (correct == 0) return std::nullopt;
  return static_cast<double>(chain_correct) / static_cast<double>(correct);
}

PolicyEvaluation describe(std::span<const EvaluatedPrompt> prompts,
                          const EvaluationOptions& options) {
  PolicyEvaluation result;
  result.prompt_count = static_cast<std::uint32_t>(prompts.size());
  bool has_chains = true, has_answers = true;
  for (const EvaluatedPrompt& prompt : prompts) {
    result.completion_count += prompt.n;
    result.unscored += prompt.unscored;
    has_chains &= prompt.chain_correct.has_value();
    has_answers &= prompt.n == 0 || !prompt.answers.empty();
  }
  const Clusters clusters = options.is_clustered ? stratum_numbers(prompts) : Clusters();
  for (const std::uint32_t k : options.ks) {
    result.pass_curve.push_back(point_of(k, pass_rates(prompts, k), clusters));
    if (has_chains) {
      result.chain_curve.push_back(point_of(k, chain_rates(prompts, k), clusters));
    }
    if (has_answers) {
      const PromptRates rates = majority_rates(prompts, k, options.bootstrap.seed);
      result.majority_curve.push_back(point_of(k, rates, clusters));
    }
  }
  if (has_chains) result.chain_fraction = chain_fraction_of(prompts);
  result.strata = strata_of(prompts, options.headline_k);
  result.prompt_rates = pass_rates(prompts, 1);
  return result;
}

// Base and after, prompt by prompt.
class Pairs {
 public:
  Pairs(std::span<const EvaluatedPrompt> base, std::span<const EvaluatedPrompt> after,
        const EvaluationOptions& options)
      : base_(base), after_(after), options_(options) {
    if (options.is_clustered) clusters_ = stratum_numbers(base);
  }

  bool is_comparable() const { return !covered(options_.headline_k).base_1.empty(); }

  Comparison compare() const {
    Comparison comparison;
    comparison.headline_k = options_.headline_k;
    for (const std::uint32_t k : options_.ks) add_k(k, comparison);
    comparison.crossing_k = crossing();
    comparison.pass_1 = direction_of(comparison.compression_gain);
    comparison.pass_k = direction_of(comparison.capability_gain);
    comparison.reading = read(comparison.pass_1, comparison.pass_k);
    comparison.shift = shift();
    return comparison;
  }

 private:
  struct Rates {
    std::vector<double> base_1, base_k, after_1, after_k;
    Clusters clusters;
    std::uint32_t excluded = 0;
  };

  // Prompts that both evaluations cover at k, hence also at 1.
  Rates covered(std::uint32_t k) const {
    const PromptRates base_k = pass_rates(base_, k), after_k = pass_rates(after_, k);
    const PromptRates base_1 = pass_rates(base_, 1), after_1 = pass_rates(after_, 1);
    Rates rates;
    for (std::size_t i = 0; i < base_.size(); ++i) {
      if (!base_k[i] || !after_k[i]) {
        ++rates.excluded;
        continue;
      }
      rates.base_1.push_back(*base_1[i]);
      rates.after_1.push_back(*after_1[i]);
      rates.base_k.push_back(*base_k[i]);
      rates.after_k.push_back(*after_k[i]);
      if (!clusters_.empty()) rates.clusters.push_back(clusters_[i]);
    }
    return rates;
  }

  void add_k(std::uint32_t k, Comparison& comparison) const {
    const Rates rates = covered(k);
    const Interval gain = paired_interval(rates.base_k, rates.after_k, rates.clusters);
    comparison.gain_curve.push_back({k, gain, rates.excluded});
    if (k == 1) comparison.compression_gain = gain;
    if (k == options_.headline_k) comparison.capability_gain = gain;
    if (k == 1) return;
    const RatioPoint point = ratio_at(k, rates);
    comparison.ratio_curve.push_back(point);
    if (k != options_.headline_k) return;
    comparison.ratio = point.ratio;
    comparison.gap_closed = point.gap_closed;
  }

  RatioPoint ratio_at(std::uint32_t k, const Rates& rates) const {
    std::vector<GainRates> prompts;
    GainRates sums;
    for (std::size_t i = 0; i < rates.base_1.size(); ++i) {
      prompts.push_back({rates.base_1[i], rates.base_k[i], rates.after_1[i], rates.after_k[i]});
      sums.base_1 += rates.base_1[i];
      sums.base_k += rates.base_k[i];
      sums.after_1 += rates.after_1[i];
      sums.after_k += rates.after_k[i];
    }
    RatioPoint point{k, compression_ratio(prompts, rates.clusters, options_.bootstrap), {}};
    // Both are shares of the same gap: where the ratio has no value, neither has this.
    if (point.ratio.value) point.gap_closed = gains_of(sums).gap_closed;
    return point;
  }

  std::optional<std::uint32_t> crossing() const {
    std::vector<double> base, after;
    for (const std::uint32_t k : options_.ks) {
      const Rates rates = covered(k);
      base.push_back(mean_interval(rates.base_k, {}).value);
      after.push_back(mean_interval(rates.after_k, {}).value);
    }
    return crossing_k(options_.ks, base, after);
  }

  PromptShift shift() const {
    std::vector<PromptCounts> counts;
    for (std::size_t i = 0; i < base_.size(); ++i) {
      counts.push_back({base_[i].n, base_[i].correct, after_[i].n, after_[i].correct});
    }
    return prompt_shift(counts);
  }

  std::span<const EvaluatedPrompt> base_;
  std::span<const EvaluatedPrompt> after_;
  const EvaluationOptions& options_;
  Clusters clusters_;
};

Result<void> check_pairs(std::span<const EvaluatedPrompt> base,
                         std::span<const EvaluatedPrompt> after) {
  if (base.size() != after.size()) {
    return invalid("the evaluations before and after cover " + std::to_string(base.size()) +
                   " and " + std::to_string(after.size()) + " prompts");
  }
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (base[i].prompt != after[i].prompt) {
      return invalid(name_of(base[i], i) + " before is paired with " + name_of(after[i], i) +
                     " after");
    }
  }
  return {};
}

}  // namespace

std::vector<std::uint32_t> stratum_numbers(std::span<const EvaluatedPrompt> prompts) {
  std::map<std::string, std::uint32_t, std::less<>> numbers;
  std::vector<std::uint32_t> clusters;
  for (const EvaluatedPrompt& prompt : prompts) {
    const auto next = static_cast<std::uint32_t>(numbers.size());
    clusters.push_back(numbers.try_emplace(prompt.stratum, next).first->second);
  }
  return clusters;
}

Result<PolicyEvaluation> evaluate_policy(std::span<const EvaluatedPrompt> prompts,
                                         const EvaluationOptions& options) {
  if (const auto checked = check_evaluation(prompts, options); !checked) return checked.error();
  return describe(prompts, options);
}

Result<SourceEvaluation> evaluate_source(std::span<const EvaluatedPrompt> base,
                                         std::span<const EvaluatedPrompt> after,
                                         const EvaluationOptions& options) {
  SourceEvaluation evaluation;
  evaluation.clustered_by = options.is_clustered ? "stratum" : "prompt";
  auto described = evaluate_policy(base, options);
  if (!described) return described.error();
  evaluation.base = std::move(*described);
  for (const CurvePoint& point : evaluation.base.pass_curve) {
    const double floor = guess_floor(options.guess_chance, point.k);
    evaluation.guess_floors.push_back(
        {point.k, floor, floor > 0 && floor > kProminentFloor * point.rate.value});
  }
  if (after.empty()) return evaluation;

  if (const auto checked = check_pairs(base, after); !checked) return checked.error();
  auto described_after = evaluate_policy(after, options);
  if (!described_after) return described_after.error();
  evaluation.after = std::move(*described_after);
  const Pairs pairs(base, after, options);
  if (pairs.is_comparable()) evaluation.comparison = pairs.compare();
  return evaluation;
}

}  // namespace assay::algo
