// One run from the first word to the report: its files, its numbers, its history, its repeats.
#include "tests/e2e/tiny_run.h"

#include <filesystem>

namespace assay::e2e {
namespace {

class WholeRun : public TinyRun {};

void expect_keys(const json& object, const std::vector<std::string>& keys, const char* what) {
  for (const std::string& key : keys) {
    EXPECT_TRUE(object.is_object() && object.contains(key)) << what << " lacks `" << key << "`";
  }
}

// A rate with its interval, or null with a reason.
void expect_rate(const json& rate, const std::string& what) {
  expect_keys(rate, {"value", "low", "high"}, what.c_str());
  if (rate.at("value").is_null()) {
    EXPECT_TRUE(rate.value("null_reason", json()).is_string()) << what << ": " << rate.dump();
    return;
  }
  const double low = rate.at("low"), value = rate.at("value"), high = rate.at("high");
  EXPECT_LE(0, low) << what;
  EXPECT_LE(low, value) << what;
  EXPECT_LE(value, high) << what;
  EXPECT_LE(high, 1) << what;
}

void expect_curve(const json& policy, const std::string& what) {
  double before = 0;
  for (const char* key : {"pass@1", "pass@2", "pass@4", "pass@8"}) {
    ASSERT_TRUE(policy.contains(key)) << what << " lacks " << key;
    expect_rate(policy.at(key), what + " " + key);
    const double value = policy.at(key).at("value");
    EXPECT_GE(value, before) << what << ": pass@k never falls with k";
    before = value;
  }
}

// A difference or a ratio: any finite number with its interval around it, or null with a reason.
void expect_estimate(const json& estimate, const std::string& what) {
  expect_keys(estimate, {"value", "low", "high"}, what.c_str());
  if (estimate.at("value").is_null()) {
    EXPECT_TRUE(estimate.at("null_reason").is_string()) << what << ": " << estimate.dump();
    return;
  }
  EXPECT_LE(estimate.at("low"), estimate.at("value")) << what;
  EXPECT_LE(estimate.at("value"), estimate.at("high")) << what;
}

void expect_source(const json& source, const std::string& name, std::uint64_t prompts) {
  expect_keys(source,
              {"n_prompts", "n_samples", "clustered_by", "base", "after", "guess_floor",
               "compression_ratio", "capability_gain", "crossing_k", "reading"},
              name.c_str());
  EXPECT_EQ(source.at("n_prompts"), prompts) << name;
  EXPECT_EQ(source.at("n_samples"), prompts * 8) << name;
  EXPECT_EQ(source.at("clustered_by"), "prompt") << name;
  expect_curve(source.at("base"), name + " base");
  expect_curve(source.at("after"), name + " after");
  EXPECT_DOUBLE_EQ(source.at("guess_floor").at("pass@1"), 0.01) << name;
  expect_estimate(source.at("compression_ratio"), name + " compression_ratio");
  expect_estimate(source.at("capability_gain"), name + " capability_gain");
  EXPECT_TRUE(source.at("reading").is_string()) << name;
  const json& crossing = source.at("crossing_k");
  EXPECT_TRUE(crossing.is_number() || source.at("crossing_k_null_reason").is_string()) << name;
}

TEST_F(WholeRun, MakesEveryFileOfTheContract) {
  const ProgramOutcome outcome = run();

  expect_finished(outcome);
  for (const char* name :
       {"configs/resolved.toml", "ledger.sqlite", "metrics.jsonl", "logs/latest",
        "checkpoints/latest/model.safetensors", "checkpoints/step_10/model.safetensors",
        "checkpoints/base/model.safetensors", "rollouts/step_1/train.jsonl.zst",
        "rollouts/step_10/train.jsonl.zst", "eval/step_0/in_range/results.json",
        "eval/step_0/in_range/samples.jsonl", "eval/step_0/longer/results.json",
        "eval/step_10/in_range/results.json", "eval/step_10/longer/samples.jsonl",
        "report/index.html", "report/summary.json"}) {
    EXPECT_TRUE(path_exists(in_run(name))) << name;
  }
  for (const char* actor : {"curator", "generator-0", "chain-0", "learner-0"}) {
    EXPECT_TRUE(path_exists(in_run(std::string("logs/latest/") + actor + ".log"))) << actor;
  }
  EXPECT_FALSE(path_exists(in_run("status.sock"))) << "nobody answers there any more";
  EXPECT_EQ(std::filesystem::read_symlink(in_run("checkpoints/latest")), "step_10");
}

TEST_F(WholeRun, SummaryHasEveryKeyOfTheContract) {
  const ProgramOutcome outcome = run();

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const json all = summary();
  expect_keys(all,
              {"assay", "run", "config_sha256", "seed", "steps", "wall_s", "eval", "controls",
               "health", "throughput", "accounting"},
              "summary");
  EXPECT_EQ(all.at("assay"), 1);
  EXPECT_EQ(all.at("run"), "tiny");
  EXPECT_EQ(all.at("config_sha256").get<std::string>().size(), 64u);
  EXPECT_EQ(all.at("seed"), 17);
  EXPECT_EQ(all.at("steps"), 10);
  double stages = 0;
  for (const char* stage : {"sft", "base_eval", "rl", "final_eval"}) {
    ASSERT_TRUE(all.at("wall_s").at(stage).is_number()) << stage;
    EXPECT_GT(all.at("wall_s").at(stage), 0.0) << stage;
    stages += all.at("wall_s").at(stage).get<double>();
  }
  EXPECT_LE(stages, all.at("wall_s").at("total"));
  expect_source(all.at("eval").at("in_range"), "in_range", 16);
  expect_source(all.at("eval").at("longer"), "longer", 16);
  ASSERT_TRUE(all.at("controls").contains("random_permute")) << all.at("controls").dump();
  for (const json& alert : all.at("health").at("alerts")) {
    expect_keys(alert, {"step", "signal", "level", "value"}, "alert");
  }
  for (const char* rate : {"rollouts_per_s", "generated_tokens_per_s", "trained_tokens_per_s"}) {
    ASSERT_TRUE(all.at("throughput").at(rate).is_number()) << rate;
    EXPECT_GT(all.at("throughput").at(rate), 0.0) << rate;
  }
  EXPECT_EQ(all.at("accounting").at("consumed"), 10 * 4);
}

TEST_F(WholeRun, HistoryIsExportedInTheContractsForm) {
  const ProgramOutcome outcome = run();

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::set<std::string> known = {"issued",   "leased",   "lease_expired", "generated",
                                       "verified", "unscored", "late",          "consumed",
                                       "dropped",  "step",     "fence"};
  std::map<std::string, std::uint64_t> counts;
  std::uint64_t seq = 0;
  for (const json& event : events()) {
    expect_keys(event,
                {"seq", "t_ms", "kind", "group", "rollout", "attempt", "actor", "fence",
                 "policy_version", "hash", "reason", "step", "chain"},
                "event");
    EXPECT_EQ(event.at("seq"), ++seq);
    EXPECT_TRUE(known.contains(event.at("kind"))) << event.dump();
    ++counts[event.at("kind")];
    if (event.at("kind") == "step") {
      expect_keys(event, {"version_in", "version_out", "weights_in", "weights_out", "groups"},
                  "step");
      EXPECT_EQ(event.at("groups").size(), 4u);
    }
  }
  const json accounting = summary().at("accounting");
  EXPECT_EQ(counts["step"], 10u);
  EXPECT_EQ(accounting.at("issued"), counts["issued"]);
  EXPECT_EQ(accounting.at("consumed"), counts["consumed"]);
  EXPECT_EQ(counts["generated"], counts["verified"] + counts["unscored"]);
  // The control has a history of its own, of the same number of updates.
  EXPECT_EQ(steps("random_permute").size(), 10u);
}

TEST_F(WholeRun, MetricsHoldOneLineAStep) {
  const ProgramOutcome outcome = run();

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<RecordedStep> history = steps();
  const std::vector<json> lines = metrics();
  ASSERT_EQ(lines.size(), history.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].at("step"), i + 1);
    EXPECT_EQ(lines[i].at("weights"), history[i].weights_out);
    EXPECT_LE(lines[i].at("off_policy/steps/max"), 2);
    for (const char* rate : {"reward/all/mean", "frac_reward_zero_std", "importance/ess"}) {
      EXPECT_GE(lines[i].at(rate), 0.0) << rate;
      EXPECT_LE(lines[i].at(rate), 1.0) << rate;
    }
  }
}

TEST_F(WholeRun, EvaluatesWhileItTrainsWhereTheConfigAsksForIt) {
  const ProgramOutcome outcome =
      run({"--curator.eval.source.in_range.interval", "5",
           "--curator.eval.source.in_range.interval_samples", "2", "control.arms=[]"});

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "step 5 in_range")) << outcome.err;
  // The last step has the evaluation after training; one more in between would say nothing new.
  for (const json& line : metrics()) {
    const bool is_due = line.at("step") == 5;
    EXPECT_EQ(line.contains("eval/in_range/pass@1"), is_due) << line.dump();
    EXPECT_FALSE(line.contains("eval/longer/pass@1")) << line.dump();
  }
  EXPECT_TRUE(holds(read(in_run("report/index.html")), "pass@1 on evaluation prompts"));
}

TEST_F(WholeRun, ReportCanBeWrittenAgain) {
  ASSERT_EQ(run().exit_code, 0);
  const std::string before = read(in_run("report/index.html"));
  std::filesystem::remove(in_run("report/index.html"));

  const ProgramOutcome again = assay({"report", "outputs/tiny"});

  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(read(in_run("report/index.html")) == before);
}

// ---- repeats

class Repeats : public TinyRun {
 protected:
  // The steps of a fresh run with these arguments.
  std::vector<RecordedStep> fresh(std::vector<std::string> more) {
    more.insert(more.end(), {"--clean", "control.arms=[]", "--deterministic", "true"});
    const ProgramOutcome outcome = run(more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return steps();
  }
};

TEST_F(Repeats, DeterministicRunsGiveTheSameWeightsAtEveryStep) {
  for (const char* bound : {"0", "2"}) {
    SCOPED_TRACE(std::string("staleness bound ") + bound);
    const std::vector<std::string> more = {"--curator.max-off-policy-steps", bound};

    const std::vector<RecordedStep> first = fresh(more), second = fresh(more);

    EXPECT_EQ(first.size(), 10u);
    EXPECT_TRUE(first == second) << "other weights";
    EXPECT_NE(first.front().weights_out, first.back().weights_out);
  }
}

// One thread or two, one generator or two, one verifier or three: only the speed may change.
TEST_F(Repeats, TheNumberOfWorkersDoesNotChangeTheWeights) {
  const std::vector<RecordedStep> plain = fresh({});

  EXPECT_TRUE(plain == fresh({"--learner.threads", "2"}));
  EXPECT_TRUE(plain == fresh({"--generator.replicas", "2"}));
  EXPECT_TRUE(plain == fresh({"--verifier.chain.replicas", "3"}));
}

TEST_F(Repeats, AnotherSeedGivesOtherWeights) {
  const std::vector<RecordedStep> first = fresh({"--seed", "17"}), other = fresh({"--seed", "18"});

  ASSERT_EQ(first.size(), other.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_NE(first[i].weights_out, other[i].weights_out) << "step " << i + 1;
  }
}

TEST_F(Repeats, TheStalenessBoundChangesWhatIsTrainedOn) {
  EXPECT_NE(fresh({"--curator.max-off-policy-steps", "0"}).back().weights_out,
            fresh({"--curator.max-off-policy-steps", "2"}).back().weights_out);
}

}  // namespace
}  // namespace assay::e2e
