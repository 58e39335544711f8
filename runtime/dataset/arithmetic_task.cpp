#include "runtime/dataset/arithmetic_task.h"

#include <cmath>
#include <set>
#include <utility>

#include "runtime/core/check.h"
#include "runtime/core/digest.h"
#include "runtime/core/rng.h"

namespace assay::dataset {

namespace {

constexpr std::uint32_t kOperandCountMax = 64;
constexpr std::uint64_t kEvaluationShare = 8;  // one problem in so many is for evaluation

// The independent streams of one seed. The stream of a problem is one of these mixed with its
// index, because an attempt may draw any number of values.
enum Stream : std::uint64_t { kPrompts = 1, kDemonstrations = 2, kDistinct = 3, kStyles = 4 };

std::string two_digits(int state) {
  return {static_cast<char>('0' + state / 10), static_cast<char>('0' + state % 10)};
}

int apply(int state, char operation, int operand) {
  if (operation == '+') return (state + operand) % 100;
  if (operation == '-') return (state + 100 - operand) % 100;
  return state * operand % 100;
}

std::uint64_t seed_of(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const std::array<std::uint32_t, 4> block =
      philox(seed, {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                    static_cast<std::uint32_t>(stream), 0});
  return std::uint64_t{block[0]} | std::uint64_t{block[1]} << 32;
}

Error invalid(std::string message, std::string remedy) {
  return {ErrorCode::kInvalidInput, "arithmetic task: " + std::move(message), std::move(remedy), "",
          ""};
}

Result<void> check_weights(const ArithmeticOptions& options) {
  if (options.operand_count_weights.empty()) return {};
  const std::size_t count = options.operand_count_max - options.operand_count_min + 1;
  if (options.operand_count_weights.size() != count) {
    return invalid(std::to_string(options.operand_count_weights.size()) + " weights for " +
                       std::to_string(count) + " operand counts",
                   "give one weight for each operand count from the least to the most");
  }
  double total = 0;
  for (const double weight : options.operand_count_weights) {
    if (!std::isfinite(weight) || weight < 0) {
      return invalid("an operand count has the weight " + std::to_string(weight),
                     "weights are finite and not negative");
    }
    total += weight;
  }
  if (!(total > 0) || !std::isfinite(total)) {
    return invalid("the weights of the operand counts sum to " + std::to_string(total),
                   "give at least one a positive weight");
  }
  return {};
}

Result<void> check_operators(const std::string& operators) {
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const bool is_known = operators[i] == '+' || operators[i] == '-' || operators[i] == '*';
    if (!is_known || operators.find(operators[i], i + 1) != std::string::npos) {
      return invalid("the operators \"" + operators + "\" hold an unknown or repeated one",
                     "choose each of + - * at most once");
    }
  }
  if (operators.empty()) return invalid("there is no operator", "choose some of + - *");
  return {};
}

}  // namespace

struct ArithmeticTask::Problem {
  std::string text;         // "47+8-5*2="
  std::vector<int> states;  // 55 50 0
  std::uint32_t operand_count = 0;
};

Split arithmetic_split(std::string_view prompt_text) {
  // The constant keeps this split unrelated to any other use of the text's hash.
  Hasher hasher;
  const Digest digest =
      hasher.add_field("assay.arithmetic.split.1").add_field(prompt_text).finish();
  return digest.leading_u64() % kEvaluationShare == 0 ? Split::kEvaluation : Split::kTrain;
}

Result<ArithmeticTask> ArithmeticTask::create(ArithmeticOptions options) {
  if (options.operand_count_min < 2 || options.operand_count_max < options.operand_count_min ||
      options.operand_count_max > kOperandCountMax) {
    return invalid("operand counts from " + std::to_string(options.operand_count_min) + " to " +
                       std::to_string(options.operand_count_max),
                   "choose a range inside 2.." + std::to_string(kOperandCountMax));
  }
  if (options.prompts_per_epoch == 0) {
    return invalid("an epoch of no prompts", "set prompts_per_epoch to at least 1");
  }
  if (auto checked = check_weights(options); !checked) return checked.error();
  if (auto checked = check_operators(options.operators); !checked) return checked.error();
  return ArithmeticTask(std::move(options));
}

ArithmeticTask::Problem ArithmeticTask::draw_with(std::uint64_t stream, std::uint64_t index,
                                                  std::uint32_t operand_count) const {
  Rng rng(seed_of(options_.seed, stream, index), operand_count);
  // A draw of the other split is thrown away; the chance to need more than a thousand attempts is
  // below 1e-57.
  for (;;) {
    Problem problem;
    problem.operand_count = operand_count;
    int state = static_cast<int>(rng.below(100));
    problem.text = two_digits(state);
    for (std::uint32_t i = 1; i < operand_count; ++i) {
      const char operation = options_.operators[rng.below(options_.operators.size())];
      const int operand =
          operation == '*' ? 2 + static_cast<int>(rng.below(2)) : static_cast<int>(rng.below(10));
      problem.text += operation;
      problem.text += static_cast<char>('0' + operand);
      state = apply(state, operation, operand);
      problem.states.push_back(state);
    }
    problem.text += '=';
    if (arithmetic_split(problem.text) == options_.split) return problem;
  }
}

ArithmeticTask::Problem ArithmeticTask::draw(std::uint64_t stream, std::uint64_t index) const {
  const std::uint32_t choices = options_.operand_count_max - options_.operand_count_min + 1;
  Rng rng(seed_of(options_.seed, stream, index), 0);
  const std::vector<double>& weights = options_.operand_count_weights;
  std::uint32_t chosen = choices - 1;
  if (weights.empty()) {
    chosen = static_cast<std::uint32_t>(rng.below(choices));
  } else {
    double total = 0;
    for (const double weight : weights) total += weight;
    double left = rng.next_unit() * total;
    for (std::uint32_t i = 0; i < choices; ++i) {
      if (weights[i] <= 0) continue;
      chosen = i;  // the last positive weight catches what rounding leaves over
      if (left < weights[i]) break;
      left -= weights[i];
    }
  }
  return draw_with(stream, index, options_.operand_count_min + chosen);
}

wire::Prompt ArithmeticTask::to_prompt(const Problem& problem, std::uint64_t row) const {
  wire::Prompt prompt;
  prompt.source = options_.source;
  prompt.text = problem.text;
  prompt.verifier = options_.verifier;
  prompt.reference = two_digits(problem.states.back());
  prompt.stratum = "n=" + std::to_string(problem.operand_count);
  prompt.row = row;
  prompt.id = derive_prompt_id(prompt.source, prompt.text, prompt.reference);
  return prompt;
}

wire::Prompt ArithmeticTask::prompt(std::uint64_t epoch, std::uint64_t index) const {
  const std::uint64_t row = epoch * options_.prompts_per_epoch + index;
  return to_prompt(draw(kPrompts, row), row);
}

Demonstration ArithmeticTask::demonstration(std::uint64_t index, double chain_fraction) const {
  const Problem problem = draw(kDemonstrations, index);
  Rng style(seed_of(options_.seed, kStyles, index));
  Demonstration demonstration;
  demonstration.prompt = problem.text;
  demonstration.is_chain = style.next_bool(chain_fraction);
  if (!demonstration.is_chain) {
    demonstration.completion = two_digits(problem.states.back());
    return demonstration;
  }
  for (const int state : problem.states) {
    if (!demonstration.completion.empty()) demonstration.completion += ';';
    demonstration.completion += two_digits(state);
  }
  return demonstration;
}

Result<std::vector<wire::Prompt>> ArithmeticTask::distinct_prompts(
    std::uint64_t count_per_operand_count) const {
  std::vector<wire::Prompt> prompts;
  for (std::uint32_t n = options_.operand_count_min; n <= options_.operand_count_max; ++n) {
    std::set<std::string> seen;
    // Far more draws than a random walk over twice as many problems needs; beyond that the split
    // is (nearly) used up.
    const std::uint64_t attempts_max = 64 * count_per_operand_count + 64;
    for (std::uint64_t attempt = 0; seen.size() < count_per_operand_count; ++attempt) {
      if (attempt == attempts_max) {
        return invalid("only " + std::to_string(seen.size()) + " different problems with " +
                           std::to_string(n) + " operands were found in this split, " +
                           std::to_string(count_per_operand_count) + " were asked for",
                       "ask for fewer, or allow more operators or operands");
      }
      Problem problem = draw_with(kDistinct, attempt, n);
      if (!seen.insert(problem.text).second) continue;
      prompts.push_back(to_prompt(problem, prompts.size()));
    }
  }
  return prompts;
}

std::string ArithmeticTask::describe() const {
  return options_.source + ": chain arithmetic mod 100, " +
         std::to_string(options_.operand_count_min) + " to " +
         std::to_string(options_.operand_count_max) + " operands, operators " + options_.operators +
         ", split " + (options_.split == Split::kTrain ? "train" : "evaluation") + ", seed " +
         std::to_string(options_.seed) + ", first prompt " + prompt(0, 0).text;
}

}  // namespace assay::dataset
