#include "actors/arm_rules.h"

namespace assay::actors {

flow::RewardRule reward_rule(const algo::RewardArmOptions& options) {
  return [options](GroupId group, const std::vector<wire::Verdict>& verdicts) {
    return algo::arm_rewards(flow::true_rewards(group, verdicts), group, options);
  };
}

flow::GroupSupply group_supply(const ArmOptions& options) {
  const auto prompts = options.prompts;
  const std::uint64_t seed = options.ledger.seed;
  const std::string arm = options.ledger.arm;
  return [prompts, seed, arm](const flow::Ticket& ticket) {
    const wire::Prompt prompt = prompts->prompt(0, ticket.index);
    const GroupPlace place{seed, arm, 0, ticket.index, 0};
    return flow::IssuedGroup{derive_group_id(place, prompt.id), prompt.id, prompt.verifier};
  };
}

}  // namespace assay::actors
