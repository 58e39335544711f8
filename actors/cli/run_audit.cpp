#include "actors/cli/run_audit.h"

#include <utility>

#include "actors/cli/policy_eval.h"
#include "actors/replay.h"
#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "runtime/dataset/jsonl_reader.h"

namespace assay::cli {

namespace {

Result<std::shared_ptr<const RunSetup>> read_setup(const store::RunPaths& paths) {
  config::Request request;
  request.files = {paths.resolved_config()};
  Result<LoadedConfig> loaded = load_run_config(request);
  if (!loaded) return loaded.error();
  Result<RunSetup> setup = make_setup_without_data(*loaded);
  if (!setup) return setup.error();
  return std::make_shared<const RunSetup>(std::move(*setup));
}

Error error_of(ErrorCode code, std::string message) {
  return Error{code, std::move(message), {}, {}, {}};
}

// The mean reward that the random_iid control was told to match; other arms need none.
Result<double> reward_mean_of(const store::RunPaths& paths, const std::string& arm) {
  if (arm != "random_iid") return correct_fraction({});
  Result<std::vector<algo::EvaluatedPrompt>> base = read_results(paths.training_rewards());
  if (!base) return base.error();
  return correct_fraction(*base);
}

Result<store::Acknowledgement> acknowledgement_of(const dataset::JsonlLine& line,
                                                  const std::string& path) {
  const nlohmann::json object = parse_json(line.text);
  const auto seq = object.find("seq");
  const auto chain = object.find("chain");
  if (object.is_object() && seq != object.end() && seq->is_number_unsigned() &&
      chain != object.end() && chain->is_string()) {
    const Result<Digest> digest = parse_digest(chain->get_ref<const std::string&>());
    if (digest) return store::Acknowledgement{seq->get<std::uint64_t>(), *digest};
  }
  return Error{ErrorCode::kCorrupt, "a line of the outside record is malformed",
               "each line is an object with seq, a number, and chain, 64 hex digits",
               path + ":" + std::to_string(line.number), ""};
}

}  // namespace

RunAudit::RunAudit(store::RunPaths paths) : paths_(std::move(paths)), setup_(read_setup(paths_)) {}

store::CheckOptions RunAudit::options_for(const store::LedgerHeader& header,
                                          bool is_replay_wanted) const {
  store::CheckOptions options;
  options.no_replay_reason = "not asked for; --replay does the updates again";
  std::string obstacle;
  if (!setup_) {
    obstacle = setup_.error().message;
  } else if ((*setup_)->config_sha256 != header.config_sha256) {
    obstacle = paths_.resolved_config() + " is not the configuration of this ledger";
  }
  if (!obstacle.empty()) {
    options.no_verify_reason = obstacle;
    if (is_replay_wanted) options.no_replay_reason = obstacle;
    return options;
  }
  add_verify(options);
  if (!is_replay_wanted) return options;
  if (auto added = add_replay(header, options); !added) {
    options.no_replay_reason = added.error().message;
  }
  return options;
}

void RunAudit::add_verify(store::CheckOptions& options) const {
  options.verify = [setup = *setup_](const wire::Prompt& prompt,
                                     const wire::Rollout& rollout) -> Result<wire::Verdict> {
    if (setup->tokenizer->decode(rollout.completion_tokens) != rollout.completion) {
      return error_of(ErrorCode::kCorrupt, "the text of rollout " + to_string(rollout.id) +
                                               " is not what its tokens say");
    }
    const auto verifier = setup->verifiers.find(prompt.verifier);
    if (verifier == setup->verifiers.end()) {
      return error_of(ErrorCode::kNotFound, "rollout " + to_string(rollout.id) +
                                                " was judged by the undeclared verifier '" +
                                                prompt.verifier + "'");
    }
    return verifier->second->verify(prompt, rollout.completion);
  };
}

Result<void> RunAudit::add_replay(const store::LedgerHeader& header,
                                  store::CheckOptions& options) const {
  const Result<double> reward_mean = reward_mean_of(paths_, header.arm);
  if (!reward_mean) return reward_mean.error();
  Result<actors::ArmOptions> arm =
      make_arm_options(**setup_, paths_, header.arm, *reward_mean, true);
  if (!arm) return arm.error();
  if (!path_exists(arm->base_folder)) {
    return error_of(ErrorCode::kNotFound, "the base policy " + arm->base_folder + " is missing");
  }
  Result<std::unique_ptr<gpu::Learner>> made = actors::make_arm_learner(*arm);
  if (!made) return made.error();
  const std::shared_ptr<gpu::Learner> learner = std::move(*made);
  if (auto restored = actors::restore_base(*arm, *learner); !restored) return restored.error();
  const bool is_same_base =
      header.weights_base.is_zero() || learner->publish()->digest() == header.weights_base;
  options.replay = [arm = *arm, learner, is_same_base](
                       const store::StepRecord& step,
                       const std::vector<store::GroupRecord>& groups) -> Result<Digest> {
    if (is_same_base) return actors::replay_step(arm, *learner, step, groups);
    return error_of(ErrorCode::kCorrupt,
                    "the run did not begin from the base policy in " + arm.base_folder);
  };
  return {};
}

Result<std::vector<store::Acknowledgement>> read_acknowledged(const std::string& path) {
  Result<dataset::JsonlReader> reader = dataset::JsonlReader::open(path);
  if (!reader) return reader.error();
  std::vector<store::Acknowledgement> acknowledged;
  for (;;) {
    Result<std::optional<dataset::JsonlLine>> line = reader->next();
    if (!line) return line.error();
    if (!*line) return acknowledged;
    Result<store::Acknowledgement> one = acknowledgement_of(**line, path);
    if (!one) return one.error();
    acknowledged.push_back(*one);
  }
}

}  // namespace assay::cli
