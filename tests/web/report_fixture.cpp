#include "tests/web/report_fixture.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "runtime/core/rng.h"

namespace assay::web {
namespace {

constexpr std::uint32_t kDraws = 32;

using Change = std::function<double(double)>;  // probability of a right answer, before to after

// Draws of prompts whose difficulty follows `power`: probability = unit ^ power.
std::vector<algo::EvaluatedPrompt> draw_prompts(std::uint32_t count, double power,
                                                const Change& change, std::uint64_t seed) {
  Rng difficulty(17), draws(seed);
  std::vector<algo::EvaluatedPrompt> prompts;
  for (std::uint32_t i = 0; i < count; ++i) {
    algo::EvaluatedPrompt prompt;
    prompt.prompt = std::to_string(i);
    prompt.stratum = "n=" + std::to_string(2 + i % 4);
    const double probability = change(std::pow(difficulty.next_unit(), power));
    std::uint64_t chain_correct = 0;
    for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
      const bool is_correct = draws.next_bool(probability);
      ++prompt.n;
      prompt.correct += is_correct;
      chain_correct += is_correct && draws.next_bool(0.8);
    }
    prompt.chain_correct = chain_correct;
    const auto right = static_cast<std::uint32_t>(prompt.correct);
    prompt.answers = {{"42", right, true}, {"41", (kDraws - right) / 2, false}};
    prompt.answers.push_back({"", kDraws - right - prompt.answers[1].count, false});
    prompts.push_back(prompt);
  }
  return prompts;
}

double same(double probability) {
  return probability;
}
double sharpened(double probability) {
  return probability < 0.03 ? probability : std::pow(probability, 0.3);
}
double dulled(double probability) {
  return 0.93 * probability;
}

std::vector<std::optional<double>> rates_of(const std::vector<algo::EvaluatedPrompt>& prompts) {
  std::vector<std::optional<double>> rates;
  for (const algo::EvaluatedPrompt& prompt : prompts) {
    rates.push_back(static_cast<double>(prompt.correct) / static_cast<double>(prompt.n));
  }
  return rates;
}

std::vector<LearningPoint> learning(double top, double entropy_end) {
  Rng rng(3);
  std::vector<LearningPoint> points;
  for (std::uint64_t step = 1; step <= 60; ++step) {
    const double share = 1 - std::exp(-static_cast<double>(step) / 15);
    LearningPoint point;
    point.step = step;
    point.reward_mean = 0.45 + (top - 0.45) * share + 0.03 * rng.next_normal();
    point.zero_signal_fraction = std::clamp(0.2 + 0.5 * share * (top > 0.5), 0.0, 1.0);
    point.all_correct_fraction = *point.zero_signal_fraction * 0.9;
    point.all_wrong_fraction = *point.zero_signal_fraction * 0.1;
    point.entropy = 0.5 + (entropy_end - 0.5) * share;
    point.kl_behaviour = 0.0004 + 0.0002 * rng.next_unit();
    point.clip_low_fraction = 0.004;
    point.clip_high_fraction = 0.01 + 0.005 * rng.next_unit();
    point.ess = 0.97 + 0.02 * rng.next_unit();
    point.grad_norm = 0.6 - 0.3 * share + 0.08 * rng.next_unit();
    point.length_mean = 7.5 + 3 * share;
    point.staleness_mean = 1.1;
    point.chain_fraction = 0.5 + 0.35 * share * (top > 0.5);
    points.push_back(point);
  }
  return points;
}

ReportControl permuted_control(const std::vector<algo::EvaluatedPrompt>& base,
                               const std::vector<algo::EvaluatedPrompt>& after) {
  const std::vector<std::optional<double>> before = rates_of(base), gained = rates_of(after);
  const std::vector<std::optional<double>> control = rates_of(draw_prompts(240, 1.4, dulled, 5));
  algo::ControlOptions options;
  options.bootstrap.replicates = 500;
  return {"random_permute",
          {{"in_range", algo::judge_control({before, gained, control, {}}, options)}},
          learning(0.43, 0.46)};
}

std::vector<InspectedRollout> rollouts() {
  InspectedRollout right;
  right.id = "7f3a00000000000b:3";
  right.step = 58;
  right.prompt = "47+8-5*2=";
  right.reference = "00";
  right.why = "judged right";
  right.judged = {"55;50;00.", "correct", "correct", "the last number is 00, as expected"};
  right.reward = 1;
  right.advantage = 0.375;
  right.version_first = 56;
  right.version_last = 57;
  InspectedRollout hostile = right;
  hostile.judged = {
      "<script>document.title='owned'</script> \"quoted\" "
      "\x1b[31mred\x1b[0m &amp; \xe2\x80\xaereversed",
      "incorrect", "no_answer", "no number was found in <b>this</b>"};
  hostile.advantage = -0.625;
  InspectedRollout unscored = right;
  unscored.judged = {"55;50;00.", "unscored", "internal_error", "the judge ran out of time"};
  unscored.reward.reset();
  unscored.advantage.reset();
  return {right, hostile, unscored};
}

// One prompt that training solved, and one whose completions nobody could score afterwards.
std::vector<ComparedPrompt> compared() {
  return {{"in_range",
           "47+8-5*2=",
           "00",
           3,
           32,
           31,
           32,
           {"55;50;10", "incorrect", "wrong_answer", "the answer is 10, expected 00"},
           {"55;50;00", "correct", "correct", "the answer is 00"}},
          {"in_range",
           "12+3=",
           "15",
           30,
           32,
           0,
           0,
           {"15", "correct", "correct", "the answer is 15"},
           {"", "unscored", "internal_error", "the judge ran out of time"}}};
}

void add_training(ReportInput& input) {
  input.learning = learning(0.93, 0.03);
  input.alerts = {{31, "entropy", algo::HealthLevel::kWarn, 0.12, 0.15,
                   "The policy is committing to few completions."},
                  {44, "zero_signal", algo::HealthLevel::kWarn, 0.67, 0.5,
                   "Most groups are all right or all wrong and teach nothing."}};
  input.staleness = {2, {3120, 9644, 2596}, 0};
  input.time_split = {{"generate", 21.4},
                      {"verify", 0.6},
                      {"train", 18.9},
                      {"learner waits", 4.2},
                      {"ledger", 0.4}};
  input.accounting = {1983, 1920, {{"zero_variance", 41}, {"stale", 6}}, 16, 3};
  input.throughput = {341.0, 3120.5, std::nullopt, 212.0 * 1024 * 1024};
  input.verdicts = {{"wrong_answer", 4100, 1020}, {"correct", 3580, 6660}};
  input.compared = compared();
  input.rollouts = rollouts();
}

}  // namespace

ReportInput finished_run() {
  ReportInput input;
  input.run = "arithmetic--tiny--e1880e";
  input.command = "assay run @ configs/arithmetic.toml --seed 17";
  input.config_sha256 = "9b1c0de4f5a6978812233445566778899aabbccddeeff00112233445566778899";
  input.seed = 17;
  input.steps = 60;
  input.wall = {181.2, 58.3, 11.9, 45.1, 12.3, 53.6, false};
  input.provenance = {{"assay", "0.1.0"}, {"processor", "2 cores, AVX-512"}, {"data", ""}};

  algo::EvaluationOptions options;
  options.guess_chance = 0.01;
  options.bootstrap.replicates = 500;
  const auto base = draw_prompts(240, 1.4, same, 1);
  const auto after = draw_prompts(240, 1.4, sharpened, 2);
  ReportSource in_range{"in_range", "As long as trained on (2 to 5 steps)", false, true, {}};
  in_range.evaluation = algo::evaluate_source(base, after, options).value();
  ReportSource longer{"longer", "Longer than trained on (6 to 8 steps)", true, false, {}};
  longer.evaluation =
      algo::evaluate_source(draw_prompts(80, 30, same, 3), draw_prompts(80, 30, same, 4), options)
          .value();
  input.sources = {in_range, longer};
  input.controls = {permuted_control(base, after)};
  add_training(input);
  return input;
}

ReportInput bare_evaluation() {
  ReportInput input;
  input.run = "gsm8k";
  algo::EvaluationOptions options;
  options.ks = {1, 2};
  options.headline_k = 2;
  std::vector<algo::EvaluatedPrompt> prompts(3);
  for (algo::EvaluatedPrompt& prompt : prompts) prompt.n = 4;
  ReportSource source{"test", "GSM8K test", false, true, {}};
  source.evaluation = algo::evaluate_source(prompts, {}, options).value();
  input.sources = {source};
  return input;
}

}  // namespace assay::web
