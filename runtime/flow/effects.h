// Effects: what the flow decided. The curator obeys them in order; each is a message, a ledger
// record or both.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/core/clock.h"
#include "runtime/core/ids.h"
#include "runtime/flow/dispatch_plan.h"
#include "runtime/wire/drop_reason.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/verdict.h"

namespace assay::flow {

using wire::DropReason;
using RolloutPtr = std::shared_ptr<const wire::Rollout>;

struct IssuedGroup {
  GroupId id;
  PromptId prompt;
  std::string verifier{};  // whose pool judges its rollouts
};

// A complete group on its way to training. verdicts[i] judges rollouts[i].
struct ReadyGroup {
  GroupId id;
  PromptId prompt;
  Ticket ticket;
  std::vector<RolloutPtr> rollouts;            // [group_size]
  std::vector<wire::Verdict> verdicts;         // [group_size]
  std::vector<std::optional<double>> rewards;  // [group_size], by the arm's rule
  bool is_zero_signal = false;
  SteadyTime ready_since;
};

struct GroupIssued {
  IssuedGroup group;
  Ticket ticket;
};
// Issued before a restart: the history knows it already.
struct GroupAdopted {
  IssuedGroup group;
  Ticket ticket;
};
struct GenerationGranted {
  std::string worker;
  GroupId group;
  PromptId prompt;
  std::uint32_t attempt = 1;
  std::vector<std::uint32_t> indices;    // the rollouts still missing
  std::optional<PolicyVersion> version;  // draw with exactly this one
};
struct GenerationCancelled {
  std::string worker;
  GroupId group;
};
struct RolloutArrived {
  RolloutPtr rollout;
  std::uint32_t attempt = 1;
  std::string worker;
};
struct VerificationGranted {
  std::string worker;
  RolloutPtr rollout;
  std::uint32_t attempt = 1;
};
struct VerdictArrived {
  RolloutId rollout;
  wire::Verdict verdict;
  std::uint32_t attempt = 1;
  std::string worker;
  bool is_final = true;  // false: unscored, and the rollout will be judged again
};
struct LateArrival {
  RolloutId rollout;
  std::string worker;
  std::string what;
};
struct LeaseExpired {
  GroupId group;
  std::optional<std::uint32_t> index;  // present for a verification lease
  std::uint32_t attempt = 1;
  std::string worker;
  std::string reason;
};
struct GroupDropped {
  GroupId group;
  DropReason reason;
  std::string detail;
};
// The worker was told to retire and holds nothing any more: it may go.
struct WorkerRetired {
  std::string worker;
};
struct BatchReady {
  std::uint64_t step = 0;          // this update turns version `step` into `step + 1`
  std::vector<ReadyGroup> groups;  // [batch_groups], in the order they will be packed
};

using Effect = std::variant<GroupIssued, GroupAdopted, GenerationGranted, GenerationCancelled,
                            RolloutArrived, VerificationGranted, VerdictArrived, LateArrival,
                            LeaseExpired, GroupDropped, WorkerRetired, BatchReady>;
using Effects = std::vector<Effect>;

}  // namespace assay::flow
