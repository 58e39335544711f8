#include "tests/runtime/flow/chaos_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "runtime/core/digest.h"

namespace assay::flow::testing {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kGeneratorWindow = 6;
constexpr std::uint32_t kVerifierWindow = 8;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Some groups no generator can draw, whichever tries.
bool is_undrawable(GroupId group) {
  return philox(group.value, {0, 0, 0, 7})[0] % 20 == 0;
}

template <class Key>
std::uint32_t held_by(const std::map<Key, std::string>& leases, const std::string& worker) {
  return static_cast<std::uint32_t>(std::count_if(
      leases.begin(), leases.end(), [&](const auto& lease) { return lease.second == worker; }));
}

}  // namespace

std::uint64_t first_seed() {
  return number_from("ASSAY_SEED", 1);
}
std::uint64_t seed_count(std::uint64_t usual) {
  return number_from("ASSAY_SIM_SEEDS", usual);
}

void ChaosCounts::add(const ChaosCounts& other) {
  crashes += other.crashes;
  late += other.late;
  expired += other.expired;
  retried_verdicts += other.retried_verdicts;
  unscored += other.unscored;
  retired += other.retired;
  open_most = std::max(open_most, other.open_most);
  for (const auto& [reason, count] : other.dropped) dropped[reason] += count;
}

FlowOptions chaos_flow_options(const ChaosOptions& chaos) {
  FlowOptions options;
  options.dispatch = {.batch_groups = kBatch,
                      .staleness_max = chaos.staleness,
                      .running_groups_max = 16,
                      .step_count = kSteps,
                      .is_deterministic = chaos.is_deterministic};
  options.group_size = kGroupSize;
  options.is_dynamic_sampling = true;
  options.generation_lease = 5s;
  options.verification_lease = 2s;
  options.attempts_max = chaos.attempts_max;
  options.to_verify_rollouts_max = 12;  // small enough to be reached
  return options;
}

wire::Prompt chaos_prompt(std::uint64_t index) {
  wire::Prompt prompt;
  prompt.source = "chaos";
  prompt.text = std::to_string(index % 7) + "=";
  prompt.verifier = "coin";
  prompt.reference = "heads";
  prompt.id = derive_prompt_id(prompt.source, prompt.text, prompt.reference);
  return prompt;
}

IssuedGroup chaos_supply(const Ticket& ticket) {
  const wire::Prompt prompt = chaos_prompt(ticket.index);
  return {derive_group_id({kRunSeed, "true", 0, ticket.index, 0}, prompt.id), prompt.id,
          prompt.verifier};
}

wire::Verdict chaos_verdict(const wire::Rollout& rollout) {
  const bool is_right = philox(rollout.id.group.value, {rollout.id.index, 0, 0, 0})[0] % 2 == 0;
  wire::Verdict verdict = is_right
                              ? wire::Verdict::correct("heads")
                              : wire::Verdict::incorrect(wire::VerdictCode::kWrongAnswer, "tails");
  verdict.verifier = "coin/1";
  verdict.judged = sha256(rollout.completion);
  return verdict;
}

ChaosWorld::ChaosWorld(const ChaosOptions& options, Storage* storage)
    : options_(options),
      flow_options_(chaos_flow_options(options)),
      storage_(storage),
      rng_(options.seed),
      flow_(std::make_unique<GroupFlow>(flow_options_, chaos_supply)) {}

bool ChaosWorld::run() {
  start();
  for (int event = 0; event < 200'000 && !is_over(); ++event) {
    now_ += std::chrono::milliseconds(10 + rng_.below(50));
    one_event();
    check();
    if (::testing::Test::HasFailure()) return false;
  }
  if (!is_over()) return false;
  finish();
  return true;
}

bool ChaosWorld::is_over() const {
  const auto is_step = [](const auto& item) { return std::holds_alternative<KeptStep>(item); };
  const bool is_in_hand =
      !training_.empty() || std::any_of(keeper_.begin(), keeper_.end(), is_step);
  return flow_->version().value == kSteps || (is_stopping_ && !is_in_hand);
}

void ChaosWorld::start() {
  for (const char* worker : {"generator/0", "generator/1", "verifier/0", "verifier/1"}) {
    join(worker);
  }
  if (!is_stopping_) obey(flow_->batch_requested(now_));
}

void ChaosWorld::join(const std::string& worker) {
  obey(worker.starts_with("generator")
           ? flow_->generator_ready(worker, kGeneratorWindow, now_)
           : flow_->verifier_ready(worker, "coin", kVerifierWindow, now_));
}

void ChaosWorld::one_event() {
  if (storage_ != nullptr && rng_.next_bool(options_.crash_chance)) return crash();
  is_stopping_ = is_stopping_ || rng_.next_bool(options_.stop_chance);
  const double dice = rng_.next_unit();
  if (dice < 0.01) {
    restart_worker();
  } else if (dice < 0.015) {
    retire_worker();
  } else if (dice < 0.05) {
    replace_absent();
    obey(flow_->tick(now_));
  } else if (!training_.empty() && dice < 0.15) {
    learner_works();
  } else if (!keeper_.empty() && dice < 0.35) {
    keeper_works(1 + rng_.below(keeper_.size()));
  } else if (!mail_.empty()) {
    deliver();
  } else {
    now_ += 1s;
    replace_absent();
    obey(flow_->tick(now_));
  }
}

void ChaosWorld::restart_worker() {
  const std::string generator = "generator/" + std::to_string(rng_.below(2));
  const std::string verifier = "verifier/" + std::to_string(rng_.below(2));
  obey(flow_->workers_lost({generator}, now_));
  EXPECT_EQ(held_by(generating_, generator), 0u) << "a lost worker holds nothing";
  obey(flow_->workers_lost({verifier}, now_));
  EXPECT_EQ(held_by(judging_, verifier), 0u) << "a lost worker holds nothing";
  join(generator);
  join(verifier);
}

// Some have time to finish what they hold, some do not.
void ChaosWorld::retire_worker() {
  const std::string worker =
      (rng_.next_bool(0.5) ? "generator/" : "verifier/") + std::to_string(rng_.below(2));
  obey(flow_->worker_retires(worker, now_ + std::chrono::seconds(rng_.below(4)), now_));
}

void ChaosWorld::react(const WorkerRetired& retired) {
  ++counts_.retired;
  EXPECT_EQ(held_by(generating_, retired.worker) + held_by(judging_, retired.worker), 0u)
      << "who leaves holds nothing";
  absent_.insert(retired.worker);
}

// Sooner or later: a world without workers comes to no end.
void ChaosWorld::replace_absent() {
  for (const std::string& worker : std::exchange(absent_, {})) join(worker);
}

// Everything in memory is gone, messages under way included.
void ChaosWorld::crash() {
  ++counts_.crashes;
  mail_.clear();
  keeper_.clear();
  training_.clear();
  handed_out_.clear();
  generating_.clear();
  judging_.clear();
  absent_.clear();
  issued_.crash();
  ended_.crash();
  drawn_.crash();
  scored_.crash();
  flow_ = std::make_unique<GroupFlow>(flow_options_, chaos_supply);
  obey(storage_->come_back(*flow_));
  start();
}

void ChaosWorld::learner_works() {
  keeper_.push_back(KeptStep{training_.front()});
  training_.pop_front();
  if (!is_stopping_) obey(flow_->batch_requested(now_));
}

// The writer of the history takes the oldest items, makes them durable and says so; unless the
// crash comes between.
void ChaosWorld::keeper_works(std::size_t items) {
  std::vector<RolloutId> stored;
  std::vector<std::uint64_t> committed;
  for (; items > 0; --items) {
    const auto item = std::move(keeper_.front());
    keeper_.pop_front();
    if (const auto* kept = std::get_if<KeptEffect>(&item)) make_durable(*kept, stored);
    if (const auto* kept = std::get_if<KeptStep>(&item)) make_durable(*kept, committed);
  }
  if (storage_ != nullptr) storage_->commit();
  if (storage_ != nullptr && rng_.next_bool(10 * options_.crash_chance)) return crash();
  obey(flow_->rollouts_stored(stored, now_));
  for (const std::uint64_t step : committed) obey(flow_->step_committed(step, now_));
}

void ChaosWorld::make_durable(const KeptEffect& kept, std::vector<RolloutId>& stored) {
  if (storage_ != nullptr) storage_->keep(kept.effect, kept.version);
  if (const auto* issued = std::get_if<GroupIssued>(&kept.effect)) {
    issued_.durable.insert(issued->group.id);
  } else if (const auto* arrived = std::get_if<RolloutArrived>(&kept.effect)) {
    drawn_.durable.insert(arrived->rollout->id);
    stored.push_back(arrived->rollout->id);
  } else if (const auto* verdict = std::get_if<VerdictArrived>(&kept.effect)) {
    if (verdict->verdict.is_scored()) scored_.durable.insert(verdict->rollout);
  } else if (const auto* dropped = std::get_if<GroupDropped>(&kept.effect)) {
    EXPECT_TRUE(ended_.durable.insert(dropped->group).second) << "a group ends once";
  }
}

void ChaosWorld::make_durable(const KeptStep& kept, std::vector<std::uint64_t>& committed) {
  const std::vector<GroupId>& groups = handed_out_.at(kept.step);
  if (storage_ != nullptr) storage_->commit_step(kept.step, groups);
  EXPECT_EQ(kept.step, batches_.size()) << "updates follow each other, none twice";
  for (const GroupId group : groups) {
    EXPECT_TRUE(ended_.durable.insert(group).second) << "a group ends once";
  }
  batches_[kept.step] = groups;
  committed.push_back(kept.step);
}

// A message somewhere in the queue arrives; sometimes never, sometimes twice.
void ChaosWorld::deliver() {
  const std::size_t place = rng_.below(std::min<std::size_t>(mail_.size(), 8));
  const std::function<void()> message = mail_[place];
  mail_.erase(mail_.begin() + static_cast<std::ptrdiff_t>(place));
  if (rng_.next_bool(0.02)) return;
  message();
  if (rng_.next_bool(0.05)) mail_.push_back(message);
}

void ChaosWorld::obey(const Effects& effects) {
  for (const Effect& effect : effects) {
    std::visit([this](const auto& one) { react(one); }, effect);
    keeper_.push_back(KeptEffect{effect, flow_->version()});
  }
}

void ChaosWorld::react(const GroupIssued& issued) {
  EXPECT_TRUE(issued_.live.insert(issued.group.id).second) << "a group is issued once";
}

void ChaosWorld::react(const GroupAdopted& adopted) {
  EXPECT_TRUE(issued_.durable.contains(adopted.group.id)) << "only what was recorded comes back";
}

void ChaosWorld::react(const GenerationGranted& grant) {
  EXPECT_TRUE(generating_.emplace(grant.group, grant.worker).second) << "one lease at a time";
  EXPECT_LE(held_by(generating_, grant.worker), kGeneratorWindow);
  EXPECT_LE(grant.attempt, flow_options_.attempts_max);
  if (is_undrawable(grant.group)) {
    mail_.push_back([this, grant] {
      obey(flow_->generation_refused(grant.worker, grant.group, "too long", now_));
    });
    return;
  }
  for (const std::uint32_t index : grant.indices) {
    const std::uint64_t version = grant.version ? grant.version->value : flow_->version().value;
    mail_.push_back([this, grant, index, version] {
      draw(grant.worker, {grant.group, index}, version);
    });
  }
}

void ChaosWorld::draw(const std::string& worker, RolloutId id, std::uint64_t version) {
  auto rollout = std::make_shared<wire::Rollout>();
  rollout->id = id;
  rollout->seed = derive_sampling_seed(kRunSeed, id);
  rollout->completion_tokens = {1};
  rollout->logprobs = {-0.5f};
  rollout->versions = {static_cast<std::uint32_t>(version)};
  rollout->completion = to_string(id);
  obey(flow_->rollouts_arrived(worker, {rollout}, now_));
}

void ChaosWorld::react(const RolloutArrived& arrived) {
  const RolloutId id = arrived.rollout->id;
  EXPECT_TRUE(drawn_.live.insert(id).second) << "a rollout is accepted once";
  std::uint32_t there = 0;
  for (std::uint32_t index = 0; index < kGroupSize; ++index) {
    there += drawn_.live.contains({id.group, index});
  }
  if (there == kGroupSize) generating_.erase(id.group);
}

void ChaosWorld::react(const VerificationGranted& grant) {
  const RolloutId id = grant.rollout->id;
  EXPECT_TRUE(drawn_.durable.contains(id)) << "a rollout is stored before anyone judges it";
  EXPECT_TRUE(judging_.emplace(id, grant.worker).second) << "one lease at a time";
  EXPECT_LE(held_by(judging_, grant.worker), kVerifierWindow);
  EXPECT_LE(grant.attempt, flow_options_.attempts_max);
  mail_.push_back([this, grant] { judge(grant); });
}

// Now and then the judge itself fails, or answers for bytes that nobody drew.
void ChaosWorld::judge(const VerificationGranted& grant) {
  wire::Verdict verdict = chaos_verdict(*grant.rollout);
  if (rng_.next_bool(0.02)) {
    verdict = wire::Verdict::unscored(wire::VerdictCode::kInternalError, "chaos");
  } else if (rng_.next_bool(0.01)) {
    verdict.judged = sha256("something else");
  }
  obey(flow_->verdict_arrived(grant.worker, grant.rollout->id, grant.attempt, verdict, now_));
}

void ChaosWorld::react(const VerdictArrived& arrived) {
  judging_.erase(arrived.rollout);
  EXPECT_GE(arrived.attempt, 1u);
  EXPECT_LE(arrived.attempt, flow_options_.attempts_max);
  EXPECT_EQ(arrived.is_final,
            arrived.verdict.is_scored() || arrived.attempt == flow_options_.attempts_max);
  if (!arrived.verdict.is_scored()) {
    ++(arrived.is_final ? counts_.unscored : counts_.retried_verdicts);
    return;
  }
  EXPECT_EQ(arrived.verdict.judged, sha256(to_string(arrived.rollout)))
      << "a verdict is bound to the bytes that were drawn";
  EXPECT_TRUE(scored_.live.insert(arrived.rollout).second) << "a verdict is accepted once";
}

void ChaosWorld::react(const LeaseExpired& expired) {
  ++counts_.expired;
  if (expired.index) {
    const RolloutId id{expired.group, *expired.index};
    EXPECT_EQ(judging_[id], expired.worker);
    judging_.erase(id);
  } else {
    EXPECT_EQ(generating_[expired.group], expired.worker);
    generating_.erase(expired.group);
  }
}

void ChaosWorld::react(const GroupDropped& dropped) {
  ++counts_.dropped[dropped.reason];
  EXPECT_TRUE(ended_.live.insert(dropped.group).second) << "a group ends once";
  end_leases(dropped.group);
}

void ChaosWorld::end_leases(GroupId group) {
  generating_.erase(group);
  for (std::uint32_t index = 0; index < kGroupSize; ++index) judging_.erase({group, index});
}

void ChaosWorld::react(const BatchReady& ready) {
  EXPECT_EQ(ready.groups.size(), kBatch);
  std::vector<GroupId>& groups = handed_out_[ready.step];
  for (const ReadyGroup& group : ready.groups) {
    EXPECT_TRUE(ended_.live.insert(group.id).second) << "a group ends once";
    for (const RolloutPtr& rollout : group.rollouts) {
      EXPECT_LE(ready.step - wire::oldest_version(*rollout).value, options_.staleness);
      EXPECT_TRUE(drawn_.durable.contains(rollout->id));
    }
    groups.push_back(group.id);
  }
  training_.push_back(ready.step);
}

void ChaosWorld::check() {
  const Accounting accounting = flow_->accounting();
  EXPECT_TRUE(accounting.is_closed()) << "issued = consumed + dropped + open";
  EXPECT_EQ(accounting.issued, issued_.live.size());
  EXPECT_LE(accounting.open, open_groups_max(flow_options_.dispatch));
  counts_.open_most = std::max(counts_.open_most, accounting.open);
  EXPECT_GE(flow_->version().value, last_version_) << "the version never decreases";
  last_version_ = flow_->version().value;
  EXPECT_EQ(flow_->prompts_queue(now_).unacked, generating_.size()) << "every lease ends";
  EXPECT_EQ(flow_->to_verify_queue(now_).unacked, judging_.size()) << "every lease ends";
}

void ChaosWorld::finish() {
  options_.crash_chance = 0;
  obey(flow_->drain(now_));
  keeper_works(keeper_.size());
  for (const std::function<void()>& message : mail_) message();
  for (const auto& item : keeper_) {
    const auto* kept = std::get_if<KeptEffect>(&item);
    EXPECT_TRUE(kept != nullptr && std::holds_alternative<LateArrival>(kept->effect))
        << "what arrives after the end changes nothing";
  }
  EXPECT_EQ(flow_->accounting().open, 0u);
  EXPECT_TRUE(flow_->accounting().is_closed());
  EXPECT_EQ(issued_.durable, ended_.durable) << "every group ends";
  EXPECT_TRUE(generating_.empty() && judging_.empty()) << "every lease ends";
}

}  // namespace assay::flow::testing
