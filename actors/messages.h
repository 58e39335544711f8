// The messages between the actors of one process, and the one place where CAF's version shows.
//
// Messages are values or shared_ptr<const T>. None of these types ever crosses a process border:
// only wire frames do, so CAF's serialiser never sees a float.
#pragma once

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/arm.h"
#include "actors/ledger_records.h"
#include "actors/worker_state.h"
#include "gpu/weights.h"
#include "runtime/core/digest.h"
#include "runtime/flow/group_flow.h"
#include "runtime/store/ledger.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/train_batch.h"
#include "runtime/wire/verdict.h"

namespace assay::actors {

// curator -> generator: draw these rollouts of a group.
struct Generate {
  GroupId group;
  PromptId prompt;
  std::vector<std::uint32_t> indices;
  std::vector<wire::TokenId> prompt_tokens;
  std::optional<PolicyVersion> version;
};
struct Cancel {
  GroupId group;
};
// generator -> curator: this group cannot be drawn at all, by any generator.
struct GenerationRefused {
  std::string worker;
  GroupId group;
  Error error;
};
// curator -> generators and supervisor: new weights are committed.
struct NewWeights {
  std::shared_ptr<const gpu::Weights> weights;
};
// generator -> itself: draw the next token.
struct Advance {};
// generator -> curator
struct GeneratorReady {
  std::string worker;
  std::uint32_t groups_max = 0;
};
struct RolloutsDrawn {
  std::string worker;
  std::vector<RolloutPtr> rollouts;
  std::uint64_t generated_tokens = 0;  // by this worker so far
  double busy_s = 0;                   // likewise
};

// curator -> verifier, verifier -> curator
struct VerifyItem {
  RolloutPtr rollout;
  PromptPtr prompt;
  std::uint32_t attempt = 1;  // of the lease; comes back with the verdict
};
struct Verify {
  std::vector<VerifyItem> items;
};
struct VerifierReady {
  std::string worker;
  std::string verifier;  // whose prompts it judges
  std::uint32_t rollouts_max = 0;
};
struct Judged {
  RolloutId rollout;
  std::uint32_t attempt = 1;
  wire::Verdict verdict;
};
struct Verdicts {
  std::string worker;
  std::vector<Judged> verdicts;
  double busy_s = 0;
};

// learner -> curator -> learner
struct WantBatch {};
struct Train {
  std::uint64_t step = 0;  // version before the update
  std::shared_ptr<const flow::BuiltBatch> built;
};
struct Trained {
  std::uint64_t step = 0;
  gpu::UpdateReport report;
  std::shared_ptr<const gpu::Weights> weights;
  Digest weights_in, weights_out;
  std::string checkpoint;  // folder's name; empty when none was made
  double wait_s = 0, update_s = 0;
};
// supervisor -> curator: the ledger's keeper, before anyone else speaks.
struct Introduce {
  caf::actor keeper;
};
// supervisor -> curator: what these workers held must be given to others.
struct WorkersLost {
  std::vector<std::string> workers;
};
// supervisor -> curator: give this worker nothing more. curator -> supervisor: it holds nothing
// now.
struct Retire {
  std::string worker;
};
struct Retired {
  std::string worker;
};
// curator -> supervisor, now and then: what waits for a pool.
struct PoolLoad {
  std::string pool;
  std::uint64_t ready = 0;
  double oldest_s = 0;
};
// status -> supervisor, answered by PoolsResized: people want other sizes, by pool.
struct ResizePools {
  std::map<std::string, std::uint32_t> sizes;
};
struct PoolsResized {
  std::optional<Error> refusal;                                          // then nothing changed
  std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> sizes;  // before and now, by pool
};
// supervisor -> status: how many workers a pool is to have.
struct PoolSize {
  std::string pool;
  std::uint32_t wanted = 0;
};
// worker -> supervisor: it cannot go on and wants to be replaced.
struct WorkerFailed {
  std::string worker;
  Error error;
  bool is_nodes_fault = false;  // its node went: says nothing about the worker
};
// supervisor -> itself
struct Restart {
  std::string worker;
};
// supervisor -> learner: after the update in hand, make a checkpoint and want no more.
struct FinishUp {};

// curator -> ledger keeper
struct Record {
  std::vector<LedgerRecord> records;
};
struct CommitStep {
  store::StepCommit commit;
  store::EventOrigin origin;
};
struct Flush {};
struct FinishLedger {
  bool is_complete = true;
};  // false: groups stay open, to be resumed
// ledger keeper -> curator
struct Stored {
  std::vector<RolloutId> rollouts;
};
struct StepDurable {
  std::uint64_t step = 0;
};
struct LedgerFinished {
  double busy_s = 0;
  std::uint64_t events = 0;
};

// curator -> status -> observer
struct StepDone {
  StepReport report;
  std::shared_ptr<const gpu::Weights> weights;  // null where the observer does not want them
};
// observer -> status
struct Observed {
  StepFinding finding;
};
// anyone -> supervisor
struct Failed {
  Error error;
};
struct StopRun {
  ArmEnd end = ArmEnd::kDone;
};
struct ArmFinished {
  ArmOutcome outcome;
};
struct Tick {};
// the arm's owner -> supervisor: the end; the team leaves.
struct Dismiss {};
struct Drain {
  ArmEnd end = ArmEnd::kDone;
};

// status plane
struct GetStatus {};
struct CuratorStatus {
  std::string json;
};
struct ReportState {
  WorkerState state;
};
// supervisor -> status: whether a worker lives; `state` is one of Ray's words, as `assay status`
// shows.
struct WorkerLife {
  std::string id, role, state;
  std::uint64_t restarts = 0;
  std::string node = "local";
};
struct DescribeGroup {
  GroupId group;
};

}  // namespace assay::actors

#define ASSAY_LOCAL_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::type)
ASSAY_LOCAL_MESSAGE(Generate)
ASSAY_LOCAL_MESSAGE(Cancel)
ASSAY_LOCAL_MESSAGE(GenerationRefused)
ASSAY_LOCAL_MESSAGE(NewWeights)
ASSAY_LOCAL_MESSAGE(Advance)
ASSAY_LOCAL_MESSAGE(GeneratorReady)
ASSAY_LOCAL_MESSAGE(RolloutsDrawn)
ASSAY_LOCAL_MESSAGE(Verify)
ASSAY_LOCAL_MESSAGE(VerifierReady)
ASSAY_LOCAL_MESSAGE(Verdicts)
ASSAY_LOCAL_MESSAGE(WantBatch)
ASSAY_LOCAL_MESSAGE(Train)
ASSAY_LOCAL_MESSAGE(Trained)
ASSAY_LOCAL_MESSAGE(Introduce)
ASSAY_LOCAL_MESSAGE(WorkersLost)
ASSAY_LOCAL_MESSAGE(Retire)
ASSAY_LOCAL_MESSAGE(Retired)
ASSAY_LOCAL_MESSAGE(PoolLoad)
ASSAY_LOCAL_MESSAGE(ResizePools)
ASSAY_LOCAL_MESSAGE(PoolsResized)
ASSAY_LOCAL_MESSAGE(PoolSize)
ASSAY_LOCAL_MESSAGE(WorkerFailed)
ASSAY_LOCAL_MESSAGE(Restart)
ASSAY_LOCAL_MESSAGE(FinishUp)
ASSAY_LOCAL_MESSAGE(Record)
ASSAY_LOCAL_MESSAGE(CommitStep)
ASSAY_LOCAL_MESSAGE(Flush)
ASSAY_LOCAL_MESSAGE(FinishLedger)
ASSAY_LOCAL_MESSAGE(Stored)
ASSAY_LOCAL_MESSAGE(StepDurable)
ASSAY_LOCAL_MESSAGE(LedgerFinished)
ASSAY_LOCAL_MESSAGE(StepDone)
ASSAY_LOCAL_MESSAGE(Observed)
ASSAY_LOCAL_MESSAGE(Failed)
ASSAY_LOCAL_MESSAGE(StopRun)
ASSAY_LOCAL_MESSAGE(ArmFinished)
ASSAY_LOCAL_MESSAGE(Tick)
ASSAY_LOCAL_MESSAGE(Dismiss)
ASSAY_LOCAL_MESSAGE(Drain)
ASSAY_LOCAL_MESSAGE(GetStatus)
ASSAY_LOCAL_MESSAGE(CuratorStatus)
ASSAY_LOCAL_MESSAGE(ReportState)
ASSAY_LOCAL_MESSAGE(WorkerLife)
ASSAY_LOCAL_MESSAGE(DescribeGroup)
#undef ASSAY_LOCAL_MESSAGE
