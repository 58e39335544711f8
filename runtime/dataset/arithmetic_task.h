// ArithmeticTask: chain arithmetic mod 100, the procedural task of the first run.
//
// A prompt such as `47+8-5*2=` starts at 00..99 and applies operators with one-digit operands
// strictly from left to right; every state is taken mod 100 and written with two digits. A chain
// demonstration writes all states, `55;50;00`; a direct one only the last, `00`. The end of a
// completion is the tokenizer's end token, which the texts here do not contain.
//
// Problems are drawn on demand from a seed, nothing is stored. The digest of the prompt text alone
// decides whether a problem is for training or evaluation, so the two never meet, whatever the
// seeds and options of the two sides are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/dataset/prompt_source.h"
#include "runtime/wire/prompt.h"

namespace assay::dataset {

// All characters a prompt or a completion of the task can hold, the end symbol excluded.
inline constexpr std::string_view kArithmeticAlphabet = "0123456789+-*=;";

enum class Split { kTrain, kEvaluation };

// The split of a problem: one in eight is for evaluation.
Split arithmetic_split(std::string_view prompt_text);

struct ArithmeticOptions {
  std::uint32_t operand_count_min = 2;  // `47+8-5*2=` has four operands, hence three states
  std::uint32_t operand_count_max = 5;  // at most 64
  // How often each operand count is drawn, [operand_count_max - operand_count_min + 1], relative;
  // empty means equally often.
  std::vector<double> operand_count_weights = {};
  std::string operators = "+-*";  // * takes the operands 2 and 3, + and - take 0..9
  Split split = Split::kTrain;
  std::uint64_t seed = 17;
  std::uint64_t prompts_per_epoch = 65'536;
  std::string source = "arithmetic";  // wire::Prompt::source
  std::string verifier = "chain";     // wire::Prompt::verifier
};

// What supervised warm-up imitates: a prompt and one way to answer it.
struct Demonstration {
  std::string prompt;
  std::string completion;  // without the end token
  bool is_chain = false;
};

class ArithmeticTask final : public PromptSource {
 public:
  // Errors: kInvalidInput for an empty or too long operand range, weights that do not fit it or
  // are negative, not finite or all zero, an unknown or repeated operator, an empty epoch.
  static Result<ArithmeticTask> create(ArithmeticOptions options);

  // Its reference is the last state ("00"), its stratum the operand count ("n=4").
  wire::Prompt prompt(std::uint64_t epoch, std::uint64_t index) const override;
  std::uint64_t prompts_per_epoch() const override { return options_.prompts_per_epoch; }
  std::string describe() const override;

  // The index-th demonstration: a chain with the given probability, else the direct style. The
  // stream of demonstrations is independent of the stream of prompts.
  Demonstration demonstration(std::uint64_t index, double chain_fraction) const;

  // `count` different problems of each operand count, ordered by operand count: a fixed set to
  // evaluate on. Depends on the options, not on what was drawn before.
  // Errors: kInvalidInput when some operand count has too few problems in this split.
  Result<std::vector<wire::Prompt>> distinct_prompts(std::uint64_t count_per_operand_count) const;

 private:
  struct Problem;
  explicit ArithmeticTask(ArithmeticOptions options) : options_(std::move(options)) {}

  Problem draw(std::uint64_t stream, std::uint64_t index) const;
  Problem draw_with(std::uint64_t stream, std::uint64_t index, std::uint32_t operand_count) const;
  wire::Prompt to_prompt(const Problem& problem, std::uint64_t row) const;

  ArithmeticOptions options_;
};

}  // namespace assay::dataset
