// Group flow: the curator's brain. Every event of a run goes in, every decision comes out.
//
// A group's life: issued -> leased to a generator -> its rollouts arrive and are stored -> leased
// to verifiers -> complete -> accepted for training, consumed by exactly one update, or dropped
// with a reason. Work is at-least-once (leases expire, workers die, messages repeat); its effect is
// exactly-once, because everything is keyed by derived ids and a second arrival is `late`.
//
// Pure: (event, now) -> effects. No threads, no clock, no I/O; the curator actor turns effects into
// messages and ledger records, in order. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/clock.h"
#include "runtime/core/ids.h"
#include "runtime/flow/batch_queue.h"
#include "runtime/flow/dispatch_plan.h"
#include "runtime/flow/effects.h"
#include "runtime/flow/work_queue.h"
#include "runtime/flow/worker_pools.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/verdict.h"

namespace assay::flow {

struct FlowOptions {
  DispatchOptions dispatch;
  std::uint32_t group_size = 8;
  bool is_dynamic_sampling = false;       // keep groups that are neither all right nor all wrong
  std::uint32_t resample_rounds_max = 3;  // then zero-signal groups are accepted: never starve
  std::chrono::microseconds generation_lease = std::chrono::seconds(60);
  std::chrono::microseconds verification_lease = std::chrono::seconds(10);
  std::uint32_t attempts_max = 3;
  std::uint64_t to_verify_rollouts_max = 4096;  // above these, nothing is leased to generators
  std::uint64_t to_verify_bytes_max = 64 << 20;
};

// Which group a ticket stands for: a pure function of the run's seed and the ticket.
using GroupSupply = std::function<IssuedGroup(const Ticket&)>;

// The rewards a group is trained on, given its verdicts: their own rewards in the true arm,
// something else in a control. An unscored verdict has none. Pure: the same group, the same
// rewards.
using RewardRule =
    std::function<std::vector<std::optional<double>>(GroupId, const std::vector<wire::Verdict>&)>;
std::vector<std::optional<double>> true_rewards(GroupId group,
                                                const std::vector<wire::Verdict>& verdicts);

// issued = consumed + dropped + open, at any moment.
struct Accounting {
  std::uint64_t issued = 0;
  std::uint64_t consumed = 0;
  std::map<DropReason, std::uint64_t> dropped;
  std::uint64_t open = 0;

  bool is_closed() const;
};

class GroupFlow {
 public:
  GroupFlow(const FlowOptions& options, GroupSupply supply, RewardRule rule = true_rewards);

  // A worker is there and may hold this many groups (generator) or rollouts (verifier) in all. The
  // number is a window, not an increment: repeating or losing the message does no harm.
  Effects generator_ready(const std::string& worker, std::uint32_t groups_max, SteadyTime now);
  Effects verifier_ready(const std::string& worker, const std::string& verifier,
                         std::uint32_t rollouts_max, SteadyTime now);
  // Workers are gone; what they held is given to others. Those that go together are named together,
  // or one's work would be given to the next, and an attempt be lost with each.
  Effects workers_lost(const std::vector<std::string>& workers, SteadyTime now);
  // A worker takes nothing more. WorkerRetired follows once it holds nothing: when it has finished,
  // or at the deadline, when the rest is given to others.
  Effects worker_retires(const std::string& worker, SteadyTime deadline, SteadyTime now);

  // Rollouts came in. Each new one is answered by RolloutArrived and waits until it is stored.
  Effects rollouts_arrived(const std::string& worker, std::vector<RolloutPtr> rollouts,
                           SteadyTime now);
  // No generator can draw this group: it is dropped as kGeneratorGaveUp. Ignored unless the worker
  // holds the group's lease.
  Effects generation_refused(const std::string& worker, GroupId group, std::string why,
                             SteadyTime now);
  // These are durable now and may be judged.
  Effects rollouts_stored(const std::vector<RolloutId>& rollouts, SteadyTime now);
  // The answer to the lease with this attempt number. A scored verdict of the right bytes is
  // accepted whoever gives it, as long as there is none. A judge's failure, or an answer for other
  // bytes, ends the lease it belongs to and counts; one of a lease that had ended is late. Any
  // verdict renews what its worker still holds.
  Effects verdict_arrived(const std::string& worker, RolloutId rollout, std::uint32_t attempt,
                          wire::Verdict verdict, SteadyTime now);

  // The learner wants the next batch; BatchReady follows now or later, once.
  Effects batch_requested(SteadyTime now);
  // The update of this step is durable: its groups are consumed, version step + 1 exists.
  Effects step_committed(std::uint64_t step, SteadyTime now);

  Effects tick(SteadyTime now);   // ends overdue leases
  Effects drain(SteadyTime now);  // drops everything open; nothing is issued afterwards

  // Continue after a restart; call before any event, in issue order. A verdict that is given is
  // final, an unscored one too: leave out those that shall be sought again.
  void restore(std::uint64_t steps, std::uint64_t issued, const Accounting& past);
  Effects adopt_open(const IssuedGroup& group, std::uint64_t index,
                     std::vector<RolloutPtr> rollouts,
                     std::vector<std::optional<wire::Verdict>> verdicts, SteadyTime now);
  void adopt_dropped(std::uint64_t index);

  Accounting accounting() const;
  QueueView prompts_queue(SteadyTime now) const;
  QueueView to_verify_queue(SteadyTime now) const;                          // of all verifiers
  std::map<std::string, QueueView> to_verify_queues(SteadyTime now) const;  // by verifier
  QueueView to_train_queue(SteadyTime now) const;
  PolicyVersion version() const { return plan_.version(); }
  std::uint64_t next_step() const { return batches_.next_step(); }
  std::uint64_t zero_signal_groups() const { return zero_signal_count_; }
  // One sentence: what the learner is waiting for, or that it is not.
  std::string waiting_sentence() const;
  // What is known of a group that is still open.
  std::optional<std::string> describe(GroupId group, SteadyTime now) const;

 private:
  struct OpenGroup {
    IssuedGroup group;
    Ticket ticket;
    std::vector<RolloutPtr> rollouts;                    // [group_size], null = missing
    std::vector<bool> is_stored;                         // [group_size]
    std::vector<std::optional<wire::Verdict>> verdicts;  // [group_size]
    SteadyTime issued_at;
  };

  void pump(SteadyTime now, Effects& effects);
  void offer_batch(Effects& effects);
  void issue(SteadyTime now, Effects& effects);
  void grant_generation(SteadyTime now, Effects& effects);
  void grant_verification(SteadyTime now, Effects& effects);
  void grant_verification(const std::string& pool, WorkQueue<RolloutId>& queue, SteadyTime now,
                          Effects& effects);
  void requeue_all_of(const std::vector<std::string>& workers, const std::string& reason,
                      SteadyTime now, Effects& effects);

  OpenGroup& open_group(const IssuedGroup& group, const Ticket& ticket, SteadyTime now);
  void accept_rollout(OpenGroup& group, const RolloutPtr& rollout, const std::string& worker,
                      Effects& effects);
  void enqueue_verification(const OpenGroup& group, const wire::Rollout& rollout, SteadyTime now);
  WorkQueue<RolloutId>& queue_of(const OpenGroup& group) {
    return to_verify_.of(group.group.verifier);
  }
  OpenGroup* find_unjudged(RolloutId rollout);
  void take_verdict(OpenGroup& group, VerdictArrived arrived, SteadyTime now, Effects& effects);
  void finish_verdict(OpenGroup& group, VerdictArrived arrived, SteadyTime now, Effects& effects);
  void complete_if_judged(OpenGroup& group, SteadyTime now, Effects& effects);
  bool is_resampled(const ReadyGroup& ready);
  bool may_resample(const Ticket& ticket) const;
  void drop_open(GroupId id, DropReason reason, std::string detail, Effects& effects);
  void requeue_generation(const Lease<GroupId>& lease, std::string reason, SteadyTime now,
                          Effects& effects);
  void requeue_verification(const Lease<RolloutId>& lease, std::string reason, SteadyTime now,
                            Effects& effects);
  std::vector<std::uint32_t> missing_indices(const OpenGroup& group) const;

  FlowOptions options_;
  GroupSupply supply_;
  RewardRule rule_;
  DispatchPlan plan_;
  bool is_draining_ = false;

  WorkerPools<GroupId> generators_;
  WorkerPools<RolloutId> verifiers_;
  std::map<GroupId, OpenGroup> open_;
  WorkQueue<GroupId> to_generate_;
  PooledQueue<RolloutId> to_verify_;
  BatchQueue batches_;

  std::uint64_t zero_dropped_since_batch_ = 0;
  std::uint64_t zero_signal_count_ = 0;
  Accounting past_;  // issued, consumed and dropped so far; `open` is derived
};

}  // namespace assay::flow
