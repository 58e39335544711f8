// Measuring a policy on fixed prompts: draw, verify, count.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/cli/run_setup.h"
#include "gpu/weights.h"
#include "runtime/algo/evaluation.h"

namespace assay::cli {

struct EvalProgress {
  std::string source;
  std::uint64_t done = 0, total = 0;  // completions
};

struct EvalRequest {
  std::uint32_t samples = 16;     // completions a prompt
  std::uint64_t prompts_max = 0;  // 0 = all
  std::uint64_t seed = 0;         // the same seed gives the same draws from the same weights
  std::string samples_path;       // samples.jsonl; empty: not written
};

// Counts per prompt, in prompt order; each prompt's own verifier judges. Errors: those of the
// engine and of files; kUnavailable when interrupted.
Result<std::vector<algo::EvaluatedPrompt>> evaluate_set(
    const RunSetup& setup, const std::shared_ptr<const gpu::Weights>& weights, const EvalSet& set,
    const EvalRequest& request, const std::function<void(const EvalProgress&)>& progress,
    const std::atomic<bool>& interrupt);

// The first prompts of training as a set to evaluate on, at most `prompts_max`.
EvalSet training_sample(const RunSetup& setup, std::uint64_t prompts_max);

// results.json: the counts, re-readable.
Result<void> write_results(const std::string& path,
                           const std::vector<algo::EvaluatedPrompt>& results);
Result<std::vector<algo::EvaluatedPrompt>> read_results(const std::string& path);

// Mean over prompts of the share of scored completions that are correct; nothing without any.
std::optional<double> pass_at_1(const std::vector<algo::EvaluatedPrompt>& results);

// Completions that were correct, of all; one half when there are none.
double correct_fraction(const std::vector<algo::EvaluatedPrompt>& results);

algo::EvaluationOptions evaluation_options(const EvalSet& set, std::uint64_t seed);

}  // namespace assay::cli
