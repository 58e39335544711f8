// What people and scripts see of a run: while it lives, from another terminal, and when they are
// wrong.
#include "tests/e2e/tiny_run.h"

#include <csignal>
#include <filesystem>

namespace assay::e2e {
namespace {

namespace fs = std::filesystem;

class Live : public TinyRun {
 protected:
  // A run that goes on until told to stop, once its first update is durable.
  std::unique_ptr<RunningProgram> start_long() {
    auto running = start({"--max-steps", "100000", "--control.arms", "[]"});
    EXPECT_TRUE(running->wait_for_file(in_run("rollouts/step_1"), 60s)) << running->err();
    return running;
  }

  static void stop(RunningProgram& running) {
    running.send(SIGINT);
    EXPECT_EQ(running.wait().exit_code, 130) << running.err();
  }

  static void expect_keys(const json& object, std::initializer_list<const char*> keys) {
    for (const char* key : keys)
      EXPECT_TRUE(object.contains(key)) << key << " of " << object.dump();
  }
};

TEST_F(Live, StatusHasEveryKeyOfTheContract) {
  const auto running = start_long();

  const ProgramOutcome outcome = assay({"status", "outputs/tiny", "-o", "json"});

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const json status = json::parse(outcome.out);
  expect_keys(status,
              {"assay", "run", "state", "uptime_s", "step", "max_steps", "policy_version", "queues",
               "pools", "actors", "staleness", "waiting", "bottleneck", "alerts"});
  EXPECT_EQ(status.at("assay"), 1);
  EXPECT_EQ(status.at("run"), "tiny");
  EXPECT_EQ(status.at("state"), "running");
  EXPECT_EQ(status.at("max_steps"), 100000);
  std::set<std::string> queues;
  for (const json& queue : status.at("queues")) {
    queues.insert(queue.at("name"));
    expect_keys(queue, {"ready", "unacked", "limit", "bytes", "limit_bytes", "oldest_s", "in_per_s",
                        "out_per_s", "redelivered", "dead", "consumers"});
    EXPECT_LE(queue.at("ready").get<std::uint64_t>() + queue.at("unacked").get<std::uint64_t>(),
              queue.at("limit").get<std::uint64_t>())
        << queue.dump();
  }
  EXPECT_EQ(queues, (std::set<std::string>{"prompts", "to_verify", "to_train"}));
  std::set<std::string> roles;
  for (const json& actor : status.at("actors")) {
    roles.insert(actor.at("role"));
    expect_keys(actor, {"id", "node", "state", "busy_fraction", "done", "failed", "p50_ms",
                        "p95_ms", "rss_bytes", "restarts", "policy_version", "doing"});
    EXPECT_EQ(actor.at("state"), "ALIVE");
    EXPECT_GE(actor.at("busy_fraction"), 0.0);
    EXPECT_LE(actor.at("busy_fraction"), 1.0);
  }
  EXPECT_EQ(roles, (std::set<std::string>{"generator", "learner", "verifier"}));
  for (const json& pool : status.at("pools")) EXPECT_EQ(pool.at("desired"), pool.at("alive"));
  EXPECT_EQ(status.at("staleness").at("bound"), 2);
  EXPECT_EQ(status.at("staleness").at("histogram").size(), 3u);
  stop(*running);
}

TEST_F(Live, PoolsGrowAndShrinkWhileTheRunGoesOn) {
  const auto running = start_long();
  const auto workers = [&](const std::string& pool) {
    std::set<std::string> ids;
    const json status = json::parse(assay({"status", "-o", "json"}).out);
    for (const json& actor : status.at("actors")) {
      const std::string id = actor.at("id");
      if (id.starts_with(pool + "/")) ids.insert(id);
    }
    return ids;
  };

  const ProgramOutcome more = assay({"scale", "verifier=3", "generator=2", "--wait"});
  EXPECT_EQ(more.exit_code, 0) << more.err;
  EXPECT_EQ(more.out, "chain: 1 -> 3\ngenerator: 1 -> 2\n");
  EXPECT_EQ(workers("chain"), (std::set<std::string>{"chain/0", "chain/1", "chain/2"}));
  const ProgramOutcome fewer = assay({"scale", "tiny", "chain=1", "generator=1", "--wait"});
  EXPECT_EQ(fewer.exit_code, 0) << fewer.err;
  EXPECT_EQ(workers("generator"), (std::set<std::string>{"generator/0"}));

  expect_one_error(assay({"scale", "sql=2"}), 2, {"no pool is named 'sql'", "chain, generator"});
  expect_one_error(assay({"scale", "chain=0"}), 2, {"1 to 4096"});
  expect_one_error(assay({"scale", "chain"}), 2, {"no pool is named"});
  stop(*running);
  expect_clean_ledger("true");
}

TEST_F(Live, StatusOfAnEndedRunSaysThatNobodyAnswers) {
  ASSERT_EQ(run().exit_code, 0);

  expect_one_error(assay({"status", "outputs/tiny"}), 4, {"tiny"});
  expect_one_error(assay({"status", "outputs/absent"}), 2, {"absent", "runs under outputs: tiny"});
}

TEST_F(Live, ExplainTellsTheStoryOfATrainedAndOfADroppedGroup) {
  ASSERT_EQ(run().exit_code, 0);
  std::string consumed, dropped;
  for (const json& event : events()) {
    if (event.at("kind") == "consumed") consumed = event.at("group");
    if (event.at("kind") == "dropped") dropped = event.at("group");
  }
  ASSERT_FALSE(consumed.empty());
  ASSERT_FALSE(dropped.empty());

  const ProgramOutcome trained = assay({"explain", "outputs/tiny", consumed});
  const ProgramOutcome left = assay({"explain", "outputs/tiny", dropped});

  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  for (const char* word : {"issued", "generated", "verified", "consumed"}) {
    EXPECT_TRUE(holds(trained.out, word)) << word << "\n" << trained.out;
  }
  EXPECT_EQ(left.exit_code, 0) << left.err;
  EXPECT_TRUE(holds(left.out, "zero_variance") || holds(left.out, "drained")) << left.out;
}

TEST_F(Live, ASecondRunOnTheSameFolderIsRefusedAndTheFirstGoesOn) {
  const auto first = start_long();

  const std::vector<std::string> same = {"--max-steps", "100000", "--control.arms", "[]"};
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"--resume"}, {"--clean"}}) {
    std::vector<std::string> args = same;
    args.insert(args.end(), more.begin(), more.end());
    expect_one_error(run(args), 2, {"in use by process " + std::to_string(first->pid())});
  }

  EXPECT_TRUE(first->is_running());
  stop(*first);
  expect_clean_ledger("true", false);
}

TEST_F(Live, ProgressIsPlainLinesInAPipe) {
  const ProgramOutcome outcome = run();

  ASSERT_EQ(outcome.exit_code, 0);
  EXPECT_FALSE(holds(outcome.err, "\r"));
  EXPECT_FALSE(holds(outcome.err, "\x1b"));
  EXPECT_TRUE(holds(outcome.err, "base     in_range   pass@1"));
  EXPECT_EQ(outcome.out, "report: outputs/tiny/report/index.html\n");
}

TEST_F(Live, ProgressIsOneRedrawnLineOnATerminal) {
  StartOptions options = here();
  options.terminal_columns = 60;
  RunningProgram running(ASSAY_PROGRAM, run_args(), options);

  ASSERT_EQ(running.wait().exit_code, 0) << running.err();

  // A line that is redrawn must fit, or the terminal would leave pieces of it behind; milestones,
  // which stay, may wrap.
  std::size_t redrawn = 0, columns = 0;
  for (const char letter : running.err()) {
    if (letter == '\r') {
      ++redrawn;
      EXPECT_LE(columns, 64u);  // the sequence that clears a line counts four
    }
    const bool starts_letter = (static_cast<unsigned char>(letter) & 0xC0) != 0x80;
    columns = letter == '\r' || letter == '\n' ? 0 : columns + (starts_letter ? 1 : 0);
  }
  EXPECT_GT(redrawn, 3u);
}

TEST_F(Live, QuietSaysNothingButTheData) {
  const ProgramOutcome outcome = run({"-q"});

  ASSERT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
}

struct Mistake {
  const char* name;
  std::vector<std::string> args;
  std::vector<std::string> parts;

  friend void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }
};

class BadInput : public TinyRun, public ::testing::WithParamInterface<Mistake> {};

TEST_P(BadInput, GivesOneErrorThatNamesThePlaceAndLeavesNothingBehind) {
  write(path("broken.jsonl"), "{\"question\": \"1+1\", \"answer\": \"2\"}\n{\"question\": \n");

  expect_one_error(run(GetParam().args), 2, GetParam().parts);

  EXPECT_FALSE(fs::exists(path("outputs"))) << "the corrected command would be refused";
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, BadInput,
    ::testing::Values(
        Mistake{"UnknownKey", {"--curator.grup-size", "4"}, {"E103", "group_size"}},
        Mistake{"WrongType", {"--max-steps", "many"}, {"E104", "max_steps"}},
        Mistake{"GroupOfOne", {"--curator.group-size", "1"}, {"E110", "group_size"}},
        Mistake{"BrokenLine",
                {"--curator.train.source.arithmetic.path", "broken.jsonl",
                 "--curator.train.source.arithmetic.task", ""},
                {"broken.jsonl:2"}},
        Mistake{"MissingData",
                {"--curator.train.source.arithmetic.path", "absent.jsonl",
                 "--curator.train.source.arithmetic.task", ""},
                {"absent.jsonl"}},
        Mistake{"MoreTriesThanSamples", {"--curator.eval.source.in_range.ks", "[1, 64]"}, {"ks"}},
        Mistake{
            "UnknownVerifier", {"--curator.train.source.arithmetic.verifier", "chian"}, {"chian"}},
        Mistake{"UnknownFlag", {"--reusme"}, {"--reusme|reusme"}}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace assay::e2e
