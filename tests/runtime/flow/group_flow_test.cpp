#include "runtime/flow/group_flow.h"

#include <gtest/gtest.h>

#include "runtime/core/digest.h"

namespace assay::flow {
namespace {

using namespace std::chrono_literals;
using wire::Verdict;
using wire::VerdictCode;

SteadyTime at(std::chrono::microseconds time) {
  return SteadyTime(time);
}

// A small language to drive a flow: one generator, one verifier, groups of two.
class Scene {
 public:
  explicit Scene(FlowOptions options = small()) : flow_(options, supply) {}

  static FlowOptions small() {
    FlowOptions options;
    options.dispatch = {
        .batch_groups = 1, .staleness_max = 0, .running_groups_max = 8, .step_count = 4};
    options.group_size = 2;
    return options;
  }

  static IssuedGroup supply(const Ticket& ticket) {
    return {GroupId{100 + ticket.index}, PromptId{1}};
  }

  GroupFlow& flow() { return flow_; }

  Effects start() {
    Effects effects = flow_.generator_ready("generator/0", 8, at(0s));
    append(effects, flow_.verifier_ready("verifier/0", "", 64, at(0s)));
    return effects;
  }

  Effects draw(std::uint64_t group, std::uint32_t index, std::uint32_t version = 0) {
    auto rollout = std::make_shared<wire::Rollout>();
    rollout->id = {GroupId{group}, index};
    rollout->versions = {version};
    rollout->completion_tokens = {1};
    rollout->completion = kCompletion;
    Effects effects = flow_.rollouts_arrived("generator/0", {rollout}, at(1s));
    append(effects, flow_.rollouts_stored({rollout->id}, at(1s)));
    return effects;
  }

  Effects judge(std::uint64_t group, std::uint32_t index, Verdict verdict,
                std::uint32_t attempt = 1) {
    return flow_.verdict_arrived("verifier/0", {GroupId{group}, index}, attempt, std::move(verdict),
                                 at(2s));
  }

  // Draws and judges a whole group.
  Effects complete(std::uint64_t group, bool first, bool second, std::uint32_t version = 0) {
    Effects effects = draw(group, 0, version);
    append(effects, draw(group, 1, version));
    append(effects, judge(group, 0, first ? right() : wrong()));
    append(effects, judge(group, 1, second ? right() : wrong()));
    return effects;
  }

  static Verdict right() { return bound(Verdict::correct("yes")); }
  static Verdict wrong() { return bound(Verdict::incorrect(VerdictCode::kWrongAnswer, "no")); }
  static Verdict partly() {
    return bound(Verdict::incorrect(VerdictCode::kWrongAnswer, "the first half", 0.5));
  }
  static Verdict broken() {
    return Verdict::unscored(VerdictCode::kInternalError, "judge crashed");
  }

  static void append(Effects& effects, Effects more) {
    std::move(more.begin(), more.end(), std::back_inserter(effects));
  }

 private:
  static constexpr const char* kCompletion = "42";
  static Verdict bound(Verdict verdict) {
    verdict.judged = sha256(kCompletion);
    return verdict;
  }

  GroupFlow flow_;
};

template <class Kind>
std::vector<Kind> all(const Effects& effects) {
  std::vector<Kind> found;
  for (const Effect& effect : effects) {
    if (const Kind* one = std::get_if<Kind>(&effect)) found.push_back(*one);
  }
  return found;
}

TEST(GroupFlow, AGroupGoesFromIssueToBatch) {
  Scene scene;
  const Effects started = scene.start();
  ASSERT_EQ(all<GenerationGranted>(started).size(), 1u);

  Effects effects = scene.complete(100, true, false);
  Scene::append(effects, scene.flow().batch_requested(at(3s)));

  const auto ready = all<BatchReady>(effects);
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready[0].step, 0u);
  EXPECT_EQ(ready[0].groups[0].rewards, (std::vector<std::optional<double>>{1.0, 0.0}));
  scene.flow().step_committed(0, at(4s));
  EXPECT_EQ(scene.flow().accounting().consumed, 1u);
  EXPECT_TRUE(scene.flow().accounting().is_closed());
}

TEST(GroupFlow, ARolloutIsJudgedOnlyOnceItIsStored) {
  Scene scene;
  scene.start();
  auto rollout = std::make_shared<wire::Rollout>();
  rollout->id = {GroupId{100}, 0};
  rollout->versions = {0};

  const Effects arrived = scene.flow().rollouts_arrived("generator/0", {rollout}, at(1s));
  EXPECT_TRUE(all<VerificationGranted>(arrived).empty());
  const Effects stored = scene.flow().rollouts_stored({rollout->id}, at(1s));

  EXPECT_EQ(all<VerificationGranted>(stored).size(), 1u);
}

TEST(GroupFlow, ASecondRolloutOrVerdictIsLateAndChangesNothing) {
  Scene scene;
  scene.start();
  scene.draw(100, 0);
  scene.judge(100, 0, Scene::right());

  EXPECT_EQ(all<LateArrival>(scene.draw(100, 0)).size(), 1u);
  EXPECT_EQ(all<LateArrival>(scene.judge(100, 0, Scene::wrong())).size(), 1u);
  EXPECT_EQ(all<LateArrival>(scene.judge(999, 0, Scene::wrong())).size(), 1u);
}

TEST(GroupFlow, AnUnscoredVerdictIsTriedAgainAndThenMaskedNeverZero) {
  Scene scene;
  scene.start();
  scene.draw(100, 0);
  scene.draw(100, 1);
  scene.judge(100, 1, Scene::right());

  for (std::uint32_t attempt = 1; attempt < 3; ++attempt) {
    const Effects effects = scene.judge(100, 0, Scene::broken(), attempt);
    EXPECT_FALSE(all<VerdictArrived>(effects)[0].is_final);
    EXPECT_EQ(all<VerificationGranted>(effects)[0].attempt, attempt + 1);
  }
  const Effects last = scene.judge(100, 0, Scene::broken(), 3);

  const auto dropped = all<GroupDropped>(last);
  ASSERT_EQ(dropped.size(), 1u);  // one scored rollout of two has no baseline
  EXPECT_EQ(dropped[0].reason, DropReason::kVerifierGaveUp);
}

TEST(GroupFlow, AFailureThatIsRepeatedCountsOnce) {
  Scene scene;
  scene.start();
  scene.draw(100, 0);
  scene.judge(100, 0, Scene::broken(), 1);

  const Effects repeated = scene.judge(100, 0, Scene::broken(), 1);

  EXPECT_EQ(all<LateArrival>(repeated).size(), 1u);
  EXPECT_TRUE(all<VerdictArrived>(repeated).empty());
  EXPECT_FALSE(all<VerdictArrived>(scene.judge(100, 0, Scene::broken(), 2))[0].is_final);
}

TEST(GroupFlow, AVerdictIsAcceptedFromALeaseThatHadEnded) {
  Scene scene;
  scene.start();
  scene.draw(100, 0);
  ASSERT_EQ(all<VerificationGranted>(scene.flow().tick(at(11s)))[0].attempt, 2u);

  const Effects late = scene.judge(100, 0, Scene::right(), 1);

  ASSERT_EQ(all<VerdictArrived>(late).size(), 1u);
  EXPECT_EQ(all<VerdictArrived>(late)[0].attempt, 1u);
  EXPECT_EQ(scene.flow().to_verify_queue(at(12s)).unacked, 0u) << "the second lease ended too";
}

TEST(GroupFlow, AVerdictOfOtherBytesIsAFailureOfTheJudge) {
  Scene scene;
  scene.start();
  scene.draw(100, 0);
  Verdict verdict = Scene::right();
  verdict.judged = sha256("41");

  const Effects effects = scene.judge(100, 0, verdict);

  const auto arrived = all<VerdictArrived>(effects);
  ASSERT_EQ(arrived.size(), 1u);
  EXPECT_FALSE(arrived[0].verdict.is_scored());
  EXPECT_FALSE(arrived[0].is_final);
  EXPECT_EQ(all<VerificationGranted>(effects).size(), 1u) << "it is judged again";
}

TEST(GroupFlow, AnAttemptNumberThatNobodyWasGivenIsNotRecorded) {
  Scene scene;
  scene.start();
  scene.draw(100, 0);

  const Effects effects = scene.judge(100, 0, Scene::right(), 900);

  EXPECT_EQ(all<VerdictArrived>(effects)[0].attempt, 1u);
}

TEST(GroupFlow, ALostGeneratorsGroupsGoToAnother) {
  Scene scene;
  scene.start();
  scene.draw(100, 0);
  scene.flow().generator_ready("generator/1", 8, at(1s));

  const Effects effects = scene.flow().workers_lost({"generator/0"}, at(2s));

  const auto granted = all<GenerationGranted>(effects);
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_EQ(granted[0].worker, "generator/1");
  EXPECT_EQ(granted[0].attempt, 2u);
  EXPECT_EQ(granted[0].indices, (std::vector<std::uint32_t>{1}));  // rollout 0 is kept
}

TEST(GroupFlow, AGroupThatALateWorkerFinishedIsNotDrawnAgain) {
  Scene scene;
  scene.start();
  scene.draw(100, 0);
  scene.flow().generator_ready("generator/0", 0, at(1s));  // no room: the group has to wait
  scene.flow().tick(at(100s));
  scene.draw(100, 1);

  const Effects effects = scene.flow().generator_ready("generator/1", 8, at(101s));

  EXPECT_TRUE(all<GenerationGranted>(effects).empty());
  EXPECT_EQ(scene.flow().prompts_queue(at(101s)).unacked, 0u);
}

TEST(GroupFlow, AnOverdueLeaseIsTakenBackAndGivenUpAfterTheLastAttempt) {
  Scene scene;
  scene.start();

  for (int attempt = 1; attempt < 3; ++attempt) {
    const Effects effects = scene.flow().tick(at(attempt * 100s));
    EXPECT_EQ(all<LeaseExpired>(effects).size(), 1u);
    EXPECT_EQ(all<GenerationGranted>(effects).size(), 1u);
  }
  const Effects last = scene.flow().tick(at(300s));

  EXPECT_EQ(all<GroupDropped>(last)[0].reason, DropReason::kGeneratorGaveUp);
  EXPECT_EQ(all<GroupIssued>(last).size(), 1u);  // its place is issued again
}

TEST(GroupFlow, DynamicSamplingJudgesRawCorrectnessNotTheShapedReward) {
  FlowOptions options = Scene::small();
  options.is_dynamic_sampling = true;
  Scene scene(options);
  scene.start();
  Effects effects = scene.draw(100, 0);
  Scene::append(effects, scene.draw(100, 1));
  // Both wrong, one with partial credit: the rewards differ, the group teaches nothing true.
  Scene::append(effects, scene.judge(100, 0, Scene::wrong()));
  Scene::append(effects, scene.judge(100, 1, Scene::partly()));

  const auto dropped = all<GroupDropped>(effects);
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].reason, DropReason::kZeroVariance);
  EXPECT_EQ(dropped[0].detail, "no completion is correct");
}

TEST(GroupFlow, DynamicSamplingReplacesZeroSignalGroupsButNeverStarves) {
  FlowOptions options = Scene::small();
  options.is_dynamic_sampling = true;
  options.resample_rounds_max = 2;
  Scene scene(options);
  scene.start();

  EXPECT_EQ(all<GroupDropped>(scene.complete(100, true, true))[0].reason,
            DropReason::kZeroVariance);
  EXPECT_EQ(all<GroupDropped>(scene.complete(101, false, false)).size(), 1u);
  EXPECT_TRUE(all<GroupDropped>(scene.complete(102, true, true)).empty());  // the pool ran dry

  EXPECT_EQ(all<BatchReady>(scene.flow().batch_requested(at(3s))).size(), 1u);
  EXPECT_EQ(scene.flow().zero_signal_groups(), 3u);
}

TEST(GroupFlow, AGroupOlderThanTheBoundIsDroppedAsStale) {
  FlowOptions options = Scene::small();
  options.dispatch.staleness_max = 1;
  options.dispatch.step_count = 9;
  Scene scene(options);
  scene.start();
  for (std::uint64_t step = 0; step < 2; ++step) {  // two updates go by while group 101 waits
    scene.complete(100 + 2 * step, true, false, static_cast<std::uint32_t>(step));
    scene.flow().batch_requested(at(3s));
    scene.flow().step_committed(step, at(3s));
  }
  scene.complete(101, true, false, 0);

  const Effects effects = scene.flow().batch_requested(at(4s));

  const auto dropped = all<GroupDropped>(effects);
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].group, GroupId{101});
  EXPECT_EQ(dropped[0].reason, DropReason::kStale);
  EXPECT_TRUE(scene.flow().accounting().is_closed());
}

TEST(GroupFlow, DrainingEndsEverythingOpenWithAReason) {
  Scene scene;
  scene.start();

  const Effects effects = scene.flow().drain(at(5s));

  EXPECT_EQ(all<GroupDropped>(effects)[0].reason, DropReason::kDrained);
  EXPECT_EQ(scene.flow().accounting().open, 0u);
  EXPECT_TRUE(scene.flow().accounting().is_closed());
}

TEST(GroupFlow, WaitingIsExplainedInWords) {
  Scene scene;
  scene.start();
  scene.flow().batch_requested(at(1s));

  EXPECT_EQ(scene.flow().waiting_sentence(),
            "the learner waits for 1 groups: 0 wait for a generator, 1 are being drawn, "
            "0 rollouts wait for a verifier, 0 are being judged");
}

TEST(GroupFlow, AWorkerThatRetiresFinishesWhatItHoldsAndGetsNothingMore) {
  Scene scene;
  scene.start();
  scene.draw(100, 0);

  EXPECT_TRUE(
      all<WorkerRetired>(scene.flow().worker_retires("verifier/0", at(60s), at(2s))).empty());
  EXPECT_TRUE(all<VerificationGranted>(scene.draw(100, 1)).empty());
  const Effects ready = scene.flow().verifier_ready("verifier/0", "", 64, at(2s));
  EXPECT_TRUE(all<VerificationGranted>(ready).empty()) << "it may not talk itself back in";
  const Effects judged = scene.judge(100, 0, Scene::right());

  const auto retired = all<WorkerRetired>(judged);
  ASSERT_EQ(retired.size(), 1u);
  EXPECT_EQ(retired[0].worker, "verifier/0");
  EXPECT_TRUE(all<LeaseExpired>(judged).empty()) << "nothing was lost by leaving";
  EXPECT_EQ(
      all<VerificationGranted>(scene.flow().verifier_ready("verifier/1", "", 64, at(3s))).size(),
      1u);
}

TEST(GroupFlow, AtItsDeadlineARetiringWorkerGivesBackWhatItHolds) {
  Scene scene;
  scene.start();
  scene.flow().generator_ready("generator/1", 8, at(1s));
  scene.flow().worker_retires("generator/0", at(5s), at(1s));
  EXPECT_TRUE(all<WorkerRetired>(scene.flow().tick(at(4s))).empty());

  const Effects effects = scene.flow().tick(at(5s));

  EXPECT_EQ(all<WorkerRetired>(effects).size(), 1u);
  EXPECT_EQ(all<LeaseExpired>(effects).at(0).reason, "the worker retires");
  EXPECT_EQ(all<GenerationGranted>(effects).at(0).worker, "generator/1");
}

TEST(GroupFlow, AnIdleWorkerRetiresAtOnce) {
  Scene scene;
  scene.start();
  EXPECT_EQ(all<WorkerRetired>(scene.flow().worker_retires("verifier/0", at(9s), at(1s))).size(),
            1u);
  EXPECT_TRUE(all<WorkerRetired>(scene.flow().worker_retires("stranger", at(9s), at(1s))).empty());
}

// A slow verifier's queue does not hold up a fast one's.
TEST(GroupFlow, RolloutsGoToThePoolOfTheirPromptsVerifier) {
  FlowOptions options = Scene::small();
  options.dispatch.staleness_max = 1;
  GroupFlow flow(options, [](const Ticket& ticket) {
    return IssuedGroup{GroupId{100 + ticket.index}, PromptId{1},
                       ticket.index == 0 ? "sql" : "math"};
  });
  flow.generator_ready("generator/0", 8, at(0s));
  flow.verifier_ready("math/0", "math", 64, at(0s));
  for (const std::uint64_t group : {100, 101}) {
    auto rollout = std::make_shared<wire::Rollout>();
    rollout->id = {GroupId{group}, 0};
    rollout->versions = {0};
    flow.rollouts_arrived("generator/0", {rollout}, at(1s));
    const Effects stored = flow.rollouts_stored({rollout->id}, at(1s));
    EXPECT_EQ(all<VerificationGranted>(stored).size(), group == 101 ? 1u : 0u);
  }

  const auto queues = flow.to_verify_queues(at(3s));
  EXPECT_EQ(queues.at("sql").ready, 1u);
  EXPECT_EQ(queues.at("sql").oldest_s, 2.0);
  EXPECT_EQ(queues.at("math").unacked, 1u);
  EXPECT_EQ(flow.to_verify_queue(at(3s)).ready, 1u);
  const Effects joined = flow.verifier_ready("sql/0", "sql", 64, at(3s));
  EXPECT_EQ(all<VerificationGranted>(joined).at(0).worker, "sql/0");
}

// One after the other each would be given what the one before held, and three deaths of one node
// would use up every attempt.
TEST(GroupFlow, WorkersThatGoTogetherCostOneAttempt) {
  Scene scene;
  scene.start();
  scene.flow().verifier_ready("verifier/1", "", 64, at(0s));
  scene.flow().verifier_ready("verifier/2", "", 64, at(0s));
  scene.draw(100, 0);

  const Effects lost =
      scene.flow().workers_lost({"verifier/0", "verifier/1", "verifier/2"}, at(2s));
  const Effects joined = scene.flow().verifier_ready("verifier/0", "", 64, at(3s));

  EXPECT_EQ(all<LeaseExpired>(lost).size(), 1u);
  EXPECT_TRUE(all<VerificationGranted>(lost).empty());
  EXPECT_EQ(all<VerificationGranted>(joined).at(0).attempt, 2u);
}

}  // namespace
}  // namespace assay::flow
