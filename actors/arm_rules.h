// What an arm's options mean to the flow: which group a ticket stands for, and what a group is
// rewarded with. Pure, so that a restart and a replay decide as the run did.
#pragma once

#include "actors/arm.h"
#include "runtime/algo/control.h"
#include "runtime/flow/group_flow.h"

namespace assay::actors {

// The rewards of a group in this arm.
flow::RewardRule reward_rule(const algo::RewardArmOptions& options);

// The group a ticket stands for.
flow::GroupSupply group_supply(const ArmOptions& options);

}  // namespace assay::actors
