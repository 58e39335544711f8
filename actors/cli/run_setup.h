// From a checked config to the live parts of a run: tokenizer, prompts, verifiers, model, engine
// options.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/arm.h"
#include "actors/cli/run_config.h"
#include "gpu/backend.h"
#include "runtime/dataset/arithmetic_task.h"
#include "runtime/dataset/prompt_source.h"
#include "runtime/model/model_config.h"
#include "runtime/store/run_folder.h"
#include "runtime/text/tokenizer.h"
#include "verifiers/verifier.h"

namespace assay::cli {

// One evaluation source, its prompts fixed.
struct EvalSet {
  EvalSourceSettings settings;
  std::vector<wire::Prompt> prompts;
  double guess_chance = 0;  // that one blind guess is right; 0 = none worth naming
  bool is_procedural = false;
};

struct RunSetup {
  RunConfig config;
  Digest config_sha256;
  Digest warm_up_sha256;  // of everything the base policy depends on
  std::string name;       // of the run's folder
  std::shared_ptr<const text::Tokenizer> tokenizer;
  model::ModelConfig model;
  std::shared_ptr<const dataset::PromptSource> prompts;
  std::string prompts_description;
  std::optional<dataset::ArithmeticTask> warm_up_task;
  std::vector<EvalSet> eval_sets;
  std::map<std::string, std::shared_ptr<const verifiers::Verifier>> verifiers;
  gpu::BackendOptions backend;
};

// Reads datasets and makes everything. Errors: those of datasets, tokenizers and verifiers, and
// kInvalidInput for a source whose verifier is not declared.
Result<RunSetup> make_run_setup(const LoadedConfig& loaded);

// The same without prompts and evaluation sets, and without reading a dataset: enough to judge the
// run's completions again and to repeat its updates.
Result<RunSetup> make_setup_without_data(const LoadedConfig& loaded);

// A learner of the run's shape with fresh weights.
Result<std::unique_ptr<gpu::Learner>> make_run_learner(const RunSetup& setup,
                                                       const gpu::OptimiserOptions& optimiser);

// The options of one arm: "true" or a control's name. `reward_mean` is what random_iid matches.
Result<actors::ArmOptions> make_arm_options(const RunSetup& setup, const store::RunPaths& paths,
                                            const std::string& arm, double reward_mean,
                                            bool is_resume);

}  // namespace assay::cli
