// rollouts/step_N/train.jsonl.zst: what was trained on, for people and scripts.
#pragma once

#include <functional>

#include "actors/messages.h"
#include "runtime/flow/batch_builder.h"

namespace assay::actors {

// Does nothing when the arm keeps no rollout files. A file that cannot be written is no reason to
// end a run: the ledger has the same rollouts.
void write_rollout_file(const ArmOptions& options, std::uint64_t step,
                        const std::vector<flow::ReadyGroup>& groups, const flow::BuiltBatch& built,
                        const std::function<PromptPtr(GroupId)>& prompt_of);

}  // namespace assay::actors
