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
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/core/clock.h"
#include "runtime/core/ids.h"
#include "runtime/flow/dispatch_plan.h"
#include "runtime/flow/lease_table.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/verdict.h"

namespace assay::flow {

using RolloutPtr = std::shared_ptr<const wire::Rollout>;

// The closed list of reasons for which work ends untrained.
enum class DropReason : std::uint8_t {
  kStale,
  kZeroVariance,
  kVerifierGaveUp,
  kGeneratorGaveUp,
  kQuarantined,
  kCurated,
  kDrained,
  kOperator,
};
inline constexpr std::size_t kDropReasonCount = 8;
std::string_view to_string(DropReason reason);
std::optional<DropReason> parse_drop_reason(std::string_view text);

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

struct IssuedGroup {
  GroupId id;
  PromptId prompt;
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

// Effects. The curator obeys them in order.
struct GroupIssued {
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
struct BatchReady {
  std::uint64_t step = 0;          // this update turns version `step` into `step + 1`
  std::vector<ReadyGroup> groups;  // [batch_groups], in the order they will be packed
};

using Effect = std::variant<GroupIssued, GenerationGranted, GenerationCancelled, RolloutArrived,
                            VerificationGranted, VerdictArrived, LateArrival, LeaseExpired,
                            GroupDropped, BatchReady>;
using Effects = std::vector<Effect>;

struct QueueView {
  std::uint64_t ready = 0;    // waiting
  std::uint64_t unacked = 0;  // with a worker
  std::uint64_t limit = 0;
  std::uint64_t bytes = 0;
  std::uint64_t limit_bytes = 0;
  double oldest_s = 0;            // age of the oldest item waiting
  std::uint64_t in = 0, out = 0;  // totals since the start
  std::uint64_t redelivered = 0;
  std::uint64_t dead = 0;  // given up after attempts_max
};

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
  Effects verifier_ready(const std::string& worker, std::uint32_t rollouts_max, SteadyTime now);
  // A worker is gone; what it held is given to others.
  Effects worker_lost(const std::string& worker, SteadyTime now);

  // Rollouts came in. Each new one is answered by RolloutArrived and waits until it is stored.
  Effects rollouts_arrived(const std::string& worker, std::vector<RolloutPtr> rollouts,
                           SteadyTime now);
  // These are durable now and may be judged.
  Effects rollouts_stored(const std::vector<RolloutId>& rollouts, SteadyTime now);
  Effects verdict_arrived(const std::string& worker, RolloutId rollout, wire::Verdict verdict,
                          SteadyTime now);

  // The learner wants the next batch; BatchReady follows now or later, once.
  Effects batch_requested(SteadyTime now);
  // The update of this step is durable: its groups are consumed, version step + 1 exists.
  Effects step_committed(std::uint64_t step, SteadyTime now);

  Effects tick(SteadyTime now);   // ends overdue leases
  Effects drain(SteadyTime now);  // drops everything open; nothing is issued afterwards

  // Continue after a restart; call before any event, in issue order.
  void restore(std::uint64_t steps, std::uint64_t issued, const Accounting& past);
  Effects adopt_open(const IssuedGroup& group, std::uint64_t index,
                     std::vector<RolloutPtr> rollouts,
                     std::vector<std::optional<wire::Verdict>> verdicts, SteadyTime now);
  void adopt_dropped(std::uint64_t index);

  Accounting accounting() const;
  QueueView prompts_queue(SteadyTime now) const;
  QueueView to_verify_queue(SteadyTime now) const;
  QueueView to_train_queue(SteadyTime now) const;
  PolicyVersion version() const { return plan_.version(); }
  std::uint64_t next_step() const { return next_step_; }
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
  struct WaitingRollout {
    RolloutId id;
    std::uint64_t bytes = 0;
    SteadyTime since;
  };
  struct WaitingGroup {
    GroupId id;
    SteadyTime since;
  };
  struct Worker {
    std::uint32_t window = 0;
  };

  void pump(SteadyTime now, Effects& effects);
  void issue(SteadyTime now, Effects& effects);
  void grant_generation(SteadyTime now, Effects& effects);
  void grant_verification(SteadyTime now, Effects& effects);
  void offer_batch(Effects& effects);
  void drop_stale(Effects& effects);
  void complete_if_judged(OpenGroup& group, SteadyTime now, Effects& effects);
  void accept(OpenGroup& group, ReadyGroup ready);
  void enqueue_verification(const wire::Rollout& rollout, SteadyTime now, bool is_urgent);
  void drop_open(GroupId id, DropReason reason, std::string detail, Effects& effects);
  void requeue_generation(const Lease<GroupId>& lease, std::string reason, SteadyTime now,
                          Effects& effects);
  void requeue_verification(const Lease<RolloutId>& lease, std::string reason, SteadyTime now,
                            Effects& effects);
  void finish_verdict(OpenGroup& group, RolloutId rollout, wire::Verdict verdict, SteadyTime now,
                      Effects& effects);
  bool is_group_generated(const OpenGroup& group) const;
  bool may_resample(const Ticket& ticket) const;
  bool is_verify_queue_full() const;
  std::vector<std::uint32_t> missing_indices(const OpenGroup& group) const;
  template <class Key>
  std::string* find_free_worker(std::map<std::string, Worker>& workers,
                                const LeaseTable<Key>& leases);

  FlowOptions options_;
  GroupSupply supply_;
  RewardRule rule_;
  DispatchPlan plan_;
  bool is_draining_ = false;

  std::map<std::string, Worker> generators_;
  std::map<std::string, Worker> verifiers_;
  LeaseTable<GroupId> generation_leases_;
  LeaseTable<RolloutId> verification_leases_;

  std::map<GroupId, OpenGroup> open_;
  std::deque<WaitingGroup> to_generate_;
  std::deque<WaitingRollout> to_verify_;
  std::uint64_t to_verify_bytes_ = 0;
  std::deque<ReadyGroup> ready_;                               // accepted, waiting for the learner
  std::map<std::uint64_t, std::vector<GroupId>> in_training_;  // step -> groups handed out

  bool is_batch_wanted_ = false;
  std::uint64_t next_step_ = 0;
  std::uint64_t zero_dropped_since_batch_ = 0;
  std::uint64_t zero_signal_count_ = 0;

  Accounting past_;  // issued, consumed and dropped so far; `open` is derived
  QueueView prompts_counts_, to_verify_counts_, to_train_counts_;
  std::string last_worker_;
};

}  // namespace assay::flow
