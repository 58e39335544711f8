// The whole loop in simulation: a seeded world that loses, repeats, delays and reorders messages
// and kills workers, while separate checkers watch what must always hold.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>
#include <set>

#include "runtime/core/rng.h"
#include "runtime/flow/group_flow.h"

namespace assay::flow {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSteps = 6;
constexpr std::uint32_t kBatch = 4;
constexpr std::uint32_t kGroupSize = 3;

class World {
 public:
  World(std::uint64_t seed, std::uint32_t staleness, bool is_deterministic)
      : rng_(seed),
        staleness_(staleness),
        is_lossless_(is_deterministic),
        flow_(options(staleness, is_deterministic), supply) {}

  static FlowOptions options(std::uint32_t staleness, bool is_deterministic) {
    FlowOptions options;
    options.dispatch = {.batch_groups = kBatch,
                        .staleness_max = staleness,
                        .running_groups_max = 16,
                        .step_count = kSteps,
                        .is_deterministic = is_deterministic};
    options.group_size = kGroupSize;
    options.is_dynamic_sampling = true;
    options.generation_lease = is_deterministic ? 1h : 5s;
    options.verification_lease = is_deterministic ? 1h : 2s;
    return options;
  }

  static IssuedGroup supply(const Ticket& ticket) {
    return {GroupId{1000 + ticket.index}, PromptId{ticket.index % 7}};
  }

  // Runs until the last step is committed. False when it did not come to an end.
  bool run() {
    for (const char* worker : {"generator/0", "generator/1"})
      obey(flow_.generator_ready(worker, 6, now_));
    for (const char* worker : {"verifier/0", "verifier/1"})
      obey(flow_.verifier_ready(worker, 8, now_));
    obey(flow_.batch_requested(now_));
    for (int event = 0; event < 200'000 && flow_.version().value < kSteps; ++event) {
      now_ += std::chrono::milliseconds(10 + rng_.below(50));
      one_event();
      check();
    }
    return flow_.version().value == kSteps;
  }

  const std::vector<std::vector<std::uint64_t>>& batches() const { return batches_; }

 private:
  void one_event() {
    const double dice = rng_.next_unit();
    if (dice < 0.01 && !is_lossless_) {
      restart_worker();
    } else if (dice < 0.05) {
      obey(flow_.tick(now_));
    } else if (!training_.empty() && dice < 0.15) {
      const std::uint64_t step = training_.front();
      training_.pop_front();
      obey(flow_.step_committed(step, now_));
    } else if (!mail_.empty()) {
      deliver();
    } else {
      now_ += 1s;
      obey(flow_.tick(now_));
    }
  }

  void restart_worker() {
    const std::string generator = "generator/" + std::to_string(rng_.below(2));
    const std::string verifier = "verifier/" + std::to_string(rng_.below(2));
    obey(flow_.worker_lost(generator, now_));
    obey(flow_.worker_lost(verifier, now_));
    obey(flow_.generator_ready(generator, 6, now_));
    obey(flow_.verifier_ready(verifier, 8, now_));
  }

  // A message somewhere in the queue arrives; sometimes never, sometimes twice.
  void deliver() {
    const std::size_t place = rng_.below(std::min<std::size_t>(mail_.size(), 8));
    const std::function<void()> message = mail_[place];
    mail_.erase(mail_.begin() + static_cast<std::ptrdiff_t>(place));
    if (!is_lossless_ && rng_.next_bool(0.02)) return;
    message();
    if (rng_.next_bool(0.05)) message();
  }

  void obey(const Effects& effects) {
    for (const Effect& effect : effects) {
      std::visit([this](const auto& one) { react(one); }, effect);
    }
  }

  void react(const GroupIssued& issued) {
    EXPECT_TRUE(issued_.insert(issued.group.id).second) << "a group is issued once";
  }
  void react(const GroupAdopted&) {}
  void react(const GenerationGranted& grant) {
    for (const std::uint32_t index : grant.indices) {
      const std::uint64_t version = grant.version ? grant.version->value : flow_.version().value;
      mail_.push_back([this, grant, index, version] {
        draw(grant.worker, {grant.group, index}, version);
      });
    }
  }
  void react(const GenerationCancelled&) {}
  void react(const RolloutArrived& arrived) {
    EXPECT_TRUE(drawn_.insert(arrived.rollout->id).second) << "a rollout is accepted once";
    const RolloutId id = arrived.rollout->id;
    obey_later([this, id] { obey(flow_.rollouts_stored({id}, now_)); });
  }
  void react(const VerificationGranted& grant) {
    mail_.push_back([this, grant] {
      obey(flow_.verdict_arrived(grant.worker, grant.rollout->id, verdict_of(grant.rollout->id),
                                 now_));
    });
  }
  void react(const VerdictArrived& arrived) {
    if (!arrived.is_final) return;
    EXPECT_TRUE(judged_.insert(arrived.rollout).second) << "a verdict is accepted once";
  }
  void react(const LateArrival&) {}
  void react(const LeaseExpired&) {}
  void react(const GroupDropped& dropped) {
    EXPECT_TRUE(ended_.insert(dropped.group).second) << "a group ends once";
  }
  void react(const BatchReady& ready) {
    std::vector<std::uint64_t> ids;
    EXPECT_EQ(ready.step, batches_.size());
    EXPECT_EQ(ready.groups.size(), kBatch);
    for (const ReadyGroup& group : ready.groups) {
      EXPECT_TRUE(ended_.insert(group.id).second) << "a group ends once";
      for (const RolloutPtr& rollout : group.rollouts) {
        EXPECT_LE(ready.step - wire::oldest_version(*rollout).value, staleness_);
      }
      ids.push_back(group.id.value);
    }
    batches_.push_back(ids);
    training_.push_back(ready.step);
    obey_later([this] { obey(flow_.batch_requested(now_)); });
  }

  // Stored and wanted never get lost: the ledger keeper and the learner share the curator's
  // process.
  void obey_later(std::function<void()> action) {
    pending_.push_back(std::move(action));
    drain_pending();
  }
  void drain_pending() {
    if (is_draining_) return;
    is_draining_ = true;
    while (!pending_.empty()) {
      const auto action = pending_.front();
      pending_.pop_front();
      action();
    }
    is_draining_ = false;
  }

  void draw(const std::string& worker, RolloutId id, std::uint64_t version) {
    auto rollout = std::make_shared<wire::Rollout>();
    rollout->id = id;
    rollout->completion_tokens = {1};
    rollout->versions = {static_cast<std::uint32_t>(version)};
    obey(flow_.rollouts_arrived(worker, {rollout}, now_));
  }

  // What a verifier says is a function of the rollout; now and then the judge itself fails.
  wire::Verdict verdict_of(RolloutId id) {
    if (!is_lossless_ && rng_.next_bool(0.02)) {
      return wire::Verdict::unscored(wire::VerdictCode::kInternalError, "chaos");
    }
    const bool is_right = philox(id.group.value, {id.index, 0, 0, 0})[0] % 2 == 0;
    return is_right ? wire::Verdict::correct("right")
                    : wire::Verdict::incorrect(wire::VerdictCode::kWrongAnswer, "wrong");
  }

  void check() {
    const Accounting accounting = flow_.accounting();
    ASSERT_TRUE(accounting.is_closed()) << "issued = consumed + dropped + open";
    ASSERT_EQ(accounting.issued, issued_.size());
    ASSERT_GE(flow_.version().value, last_version_) << "the version never decreases";
    last_version_ = flow_.version().value;
  }

  Rng rng_;
  std::uint64_t staleness_;
  bool is_lossless_;  // messages are delayed, reordered and repeated, but none is lost
  GroupFlow flow_;
  SteadyTime now_{0s};
  std::deque<std::function<void()>> mail_, pending_;
  bool is_draining_ = false;
  std::deque<std::uint64_t> training_;
  std::set<GroupId> issued_, ended_;
  std::set<RolloutId> drawn_, judged_;
  std::vector<std::vector<std::uint64_t>> batches_;
  std::uint64_t last_version_ = 0;
};

std::uint64_t first_seed() {
  const char* text = std::getenv("ASSAY_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

TEST(GroupFlowSim, EveryScheduleEndsWithTheInvariantsIntact) {
  const std::uint64_t first = first_seed();
  for (std::uint64_t seed = first; seed < first + 300; ++seed) {
    SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
    World world(seed, static_cast<std::uint32_t>(seed % 4), false);
    ASSERT_TRUE(world.run()) << "the run must come to an end";
    if (HasFailure()) return;
  }
}

// What is given up depends on luck; everything else must not.
TEST(GroupFlowSim, DeterministicBatchesDoNotDependOnTheSchedule) {
  const std::uint64_t first = first_seed();
  for (std::uint32_t staleness : {0u, 1u, 2u}) {
    std::vector<std::vector<std::uint64_t>> expected;
    for (std::uint64_t seed = first; seed < first + 60; ++seed) {
      SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
      World world(seed, staleness, true);
      ASSERT_TRUE(world.run());
      if (expected.empty()) expected = world.batches();
      EXPECT_EQ(world.batches(), expected);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace assay::flow
