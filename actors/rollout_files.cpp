#include "actors/rollout_files.h"

#include "runtime/store/rollout_log.h"

namespace assay::actors {

void write_rollout_file(const ArmOptions& options, std::uint64_t step,
                        const std::vector<flow::ReadyGroup>& groups, const flow::BuiltBatch& built,
                        const std::function<PromptPtr(GroupId)>& prompt_of) {
  if (options.rollouts_folder.empty()) return;
  const std::string path =
      options.rollouts_folder + "/step_" + std::to_string(step) + "/train.jsonl.zst";
  Result<store::RolloutLog> log = store::RolloutLog::create(path);
  if (!log) return;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const PromptPtr prompt = prompt_of(groups[g].id);
    for (std::size_t i = 0; i < groups[g].rollouts.size(); ++i) {
      store::LoggedRollout line;
      line.prompt = prompt.get();
      line.rollout = groups[g].rollouts[i].get();
      line.verdict = &groups[g].verdicts[i];
      if (groups[g].rewards[i]) line.advantage = built.advantages[g][i];
      if (!log->write(line)) return;
    }
  }
  static_cast<void>(log->close().has_value());
}

}  // namespace assay::actors
