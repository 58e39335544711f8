#include "actors/status_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace assay::actors {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

const SteadyTime kStart{seconds(1000)};

constexpr const char* kCurator = R"json({"state":"running","stage":"training","step":84,
"policy_version":84,"uptime_s":12.5,"waiting":"the learner waits for 12 groups",
"queues":[{"name":"prompts","ready":48},{"name":"to_verify","ready":310},
{"name":"to_train","ready":7}]})json";

class StatusView : public ::testing::Test {
 protected:
  StatusView() {
    facts_.run = "first";
    facts_.max_steps = 200;
    facts_.staleness_bound = 2;
    facts_.staleness = {5, 3, 0};
    facts_.started = kStart;
    facts_.pools = {
        {"generator", "generator", 2}, {"verifier", "math", 1}, {"learner", "learner", 1}};
    add("generator/0", "generator", 2);
    add("generator/1", "generator", 4);
    add("math/0", "verifier", 9);
    add("learner/0", "learner", 1);
  }

  // A worker that was busy so many of the ten seconds since the start.
  void add(const std::string& id, const std::string& role, double busy_s) {
    WatchedWorker worker(kStart);
    worker.last.id = id;
    worker.last.role = role;
    worker.last.busy_s = busy_s;
    facts_.workers.insert_or_assign(id, worker);
  }

  json view(SteadyTime now = kStart + seconds(10)) {
    return json::parse(status_document(facts_, kCurator, now));
  }

  StatusFacts facts_;
};

TEST_F(StatusView, HoldsEveryKeyOfTheContract) {
  const json status = view();

  for (const char* key :
       {"assay", "run", "state", "uptime_s", "step", "max_steps", "policy_version", "queues",
        "pools", "actors", "staleness", "waiting", "bottleneck", "alerts"}) {
    EXPECT_TRUE(status.contains(key)) << key;
  }
  for (const char* key : {"role", "name", "desired", "alive", "busy_fraction"}) {
    EXPECT_TRUE(status["pools"][0].contains(key)) << key;
  }
  for (const char* key : {"id", "role", "node", "state", "busy_fraction", "done", "failed",
                          "p50_ms", "p95_ms", "rss_bytes", "restarts", "policy_version", "doing"}) {
    EXPECT_TRUE(status["actors"][0].contains(key)) << key;
  }
  EXPECT_EQ(status["assay"], 1);
  EXPECT_EQ(status["staleness"]["bound"], 2);
  EXPECT_EQ(status["staleness"]["histogram"], json({5, 3, 0}));
}

TEST_F(StatusView, BusyIsAFractionOfTheLastSecondsAndAMeanOfThePool) {
  const json status = view();

  EXPECT_DOUBLE_EQ(status["actors"][0]["busy_fraction"], 0.2);
  EXPECT_DOUBLE_EQ(status["pools"][0]["busy_fraction"], 0.3);  // (0.2 + 0.4) / 2
  EXPECT_EQ(status["pools"][0]["desired"], 2);
  EXPECT_EQ(status["pools"][0]["alive"], 2);
}

TEST_F(StatusView, TheBusiestPoolNamesTheBottleneckAndWhatToScale) {
  const json status = view();

  EXPECT_EQ(status["bottleneck"], "to_verify");
  EXPECT_THAT(status["advice"], HasSubstr("90 % busy, 310 rollouts wait"));
  EXPECT_THAT(status["advice"], HasSubstr("`assay scale math=2`"));

  add("learner/0", "learner", 9.5);
  EXPECT_EQ(view()["bottleneck"], "to_train");
  EXPECT_THAT(view()["advice"], HasSubstr("learner.threads"));
  add("generator/0", "generator", 10);
  add("generator/1", "generator", 10);
  EXPECT_EQ(view()["bottleneck"], "prompts");
  EXPECT_THAT(view()["advice"], HasSubstr("`assay scale generator=4`"));
}

TEST_F(StatusView, NobodyBusyIsNoBottleneck) {
  add("math/0", "verifier", 4);

  EXPECT_TRUE(view()["bottleneck"].is_null());
  EXPECT_THAT(view()["advice"], HasSubstr("no pool was busy"));
}

TEST_F(StatusView, ACallThatLastsCountsAsBusyAndSaysForHowLong) {
  WorkerState& verifier = facts_.workers.at("math/0").last;
  verifier.busy_s = 1;
  verifier.is_busy = true;
  verifier.doing = "rollout 7f3a:5";
  verifier.doing_since = std::chrono::steady_clock::time_point(kStart + milliseconds(3500));

  const json actor = view()["actors"][3];

  EXPECT_EQ(actor["id"], "math/0");
  EXPECT_EQ(actor["doing"], "rollout 7f3a:5 for 6.5 s");
  EXPECT_DOUBLE_EQ(actor["busy_fraction"], 0.75);  // 1 s before, 6.5 s now, of 10 s
}

TEST_F(StatusView, AlertsAreShownAsTheHealthMonitorRaisedThem) {
  facts_.alerts = {{31, "entropy", algo::HealthLevel::kWarn, 0.12, 0.15, "Few completions."},
                   {40, "grad_norm", algo::HealthLevel::kCritical,
                    std::numeric_limits<double>::infinity(), 1, "Not finite."}};

  const json alerts = view()["alerts"];

  EXPECT_EQ(alerts[0]["step"], 31);
  EXPECT_EQ(alerts[0]["signal"], "entropy");
  EXPECT_EQ(alerts[0]["level"], "warn");
  EXPECT_DOUBLE_EQ(alerts[0]["value"], 0.12);
  EXPECT_EQ(alerts[1]["level"], "critical");
  EXPECT_TRUE(alerts[1]["value"].is_null());
}

TEST_F(StatusView, ACuratorThatSaysNonsenseIsPassedOver) {
  const json status = json::parse(status_document(facts_, "\xff not json", kStart + seconds(1)));

  EXPECT_EQ(status["run"], "first");
  EXPECT_EQ(status["actors"].size(), 4u);
}

}  // namespace
}  // namespace assay::actors
