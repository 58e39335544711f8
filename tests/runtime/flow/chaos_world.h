// A seeded world around a flow. It loses, repeats, delays and reorders messages, kills workers and,
// where something outlives it, the curator itself; and it watches what must hold after every event.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "runtime/core/rng.h"
#include "runtime/flow/group_flow.h"
#include "runtime/wire/prompt.h"

namespace assay::flow::testing {

inline constexpr std::uint64_t kSteps = 6;
inline constexpr std::uint32_t kBatch = 4;
inline constexpr std::uint32_t kGroupSize = 3;
inline constexpr std::uint64_t kRunSeed = 17;

// What outlives the curator: keeps its decisions in order and gives them back.
class Storage {
 public:
  virtual ~Storage() = default;
  // Durable with the next commit. `version` is the policy at the time of the decision.
  virtual void keep(const Effect& effect, PolicyVersion version) = 0;
  virtual void commit() = 0;
  // Commits the update that turns version `step` into the next, with all that was kept before it.
  virtual void commit_step(std::uint64_t step, const std::vector<GroupId>& groups) = 0;
  // The curator died: forgets what was not committed and restores a fresh flow.
  virtual Effects come_back(GroupFlow& flow) = 0;
};

struct ChaosOptions {
  std::uint64_t seed = 1;
  std::uint32_t staleness = 0;
  bool is_deterministic = false;
  // Giving up depends on luck, and what is trained on then does too: 1000 is never.
  std::uint32_t attempts_max = 3;
  double crash_chance = 0;  // of the curator, per event; needs a storage
  double stop_chance = 0;   // that somebody ends the run early, per event
};

// What happened in a run, so that a test can tell that the chaos was one.
struct ChaosCounts {
  std::uint64_t crashes = 0, late = 0, expired = 0, retried_verdicts = 0, unscored = 0, retired = 0;
  std::uint64_t open_most = 0;
  std::map<DropReason, std::uint64_t> dropped;

  void add(const ChaosCounts& other);
};

FlowOptions chaos_flow_options(const ChaosOptions& options);
wire::Prompt chaos_prompt(std::uint64_t index);
IssuedGroup chaos_supply(const Ticket& ticket);
// What an honest verifier says of a rollout: a function of its id.
wire::Verdict chaos_verdict(const wire::Rollout& rollout);

class ChaosWorld {
 public:
  explicit ChaosWorld(const ChaosOptions& options, Storage* storage = nullptr);

  // Runs until the last step is committed or the run is stopped and no update is in hand, then
  // drains. False when it did not come to an end.
  bool run();

  // The groups of each update, in the order of the batch.
  const std::map<std::uint64_t, std::vector<GroupId>>& batches() const { return batches_; }
  const ChaosCounts& counts() const { return counts_; }
  Accounting accounting() const { return flow_->accounting(); }

 private:
  // A set whose members are there once, and what of it survives a crash.
  template <class Id>
  struct Once {
    std::set<Id> live, durable;
    void crash() { live = durable; }
  };
  struct KeptEffect {
    Effect effect;
    PolicyVersion version;
  };
  struct KeptStep {
    std::uint64_t step = 0;
  };

  void start();
  bool is_over() const;
  void one_event();
  void check();
  void finish();

  void restart_worker();
  void retire_worker();
  void join(const std::string& worker);
  void replace_absent();
  void crash();
  void learner_works();
  void keeper_works(std::size_t items);
  void make_durable(const KeptEffect& kept, std::vector<RolloutId>& stored);
  void make_durable(const KeptStep& kept, std::vector<std::uint64_t>& committed);
  void deliver();

  void obey(const Effects& effects);
  void react(const GroupIssued& issued);
  void react(const GroupAdopted& adopted);
  void react(const GenerationGranted& grant);
  void react(const GenerationCancelled&) {}
  void react(const RolloutArrived& arrived);
  void react(const VerificationGranted& grant);
  void react(const VerdictArrived& arrived);
  void react(const LateArrival&) { ++counts_.late; }
  void react(const LeaseExpired& expired);
  void react(const GroupDropped& dropped);
  void react(const WorkerRetired& retired);
  void react(const BatchReady& ready);
  void end_leases(GroupId group);

  void draw(const std::string& worker, RolloutId id, std::uint64_t version);
  void judge(const VerificationGranted& grant);

  ChaosOptions options_;
  FlowOptions flow_options_;
  Storage* storage_;
  Rng rng_;
  std::unique_ptr<GroupFlow> flow_;
  SteadyTime now_{};
  ChaosCounts counts_;

  std::deque<std::function<void()>> mail_;                 // between curator and workers
  std::deque<std::variant<KeptEffect, KeptStep>> keeper_;  // to whoever writes the history
  std::deque<std::uint64_t> training_;                     // steps that the learner has

  Once<GroupId> issued_, ended_;
  Once<RolloutId> drawn_, scored_;
  std::map<std::uint64_t, std::vector<GroupId>> handed_out_, batches_;
  std::map<GroupId, std::string> generating_;  // leases as the effects tell them
  std::map<RolloutId, std::string> judging_;
  std::set<std::string> absent_;  // workers that retired and have not been replaced yet
  std::uint64_t last_version_ = 0;
  bool is_stopping_ = false;
};

// ASSAY_SEED, or 1.
std::uint64_t first_seed();
// ASSAY_SIM_SEEDS, or what the test asks for.
std::uint64_t seed_count(std::uint64_t usual);

}  // namespace assay::flow::testing
