// Runs whose workers live in other processes: started, killed, refused.
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/e2e/tiny_run.h"

namespace assay::e2e {
namespace {

namespace fs = std::filesystem;

class Cluster : public TinyRun {
 protected:
  void SetUp() override {
    write(path("cluster.toml"), R"(
[cluster]
listen = "127.0.0.1"

[[cluster.node]]
name = "n1"
pools = { generator = 2 }

[[cluster.node]]
name = "n2"
pools = { chain = 4 }

[[cluster.node]]
name = "n3"
pools = { generator = 1, chain = 2 }
)");
  }

  std::vector<std::string> up_args(std::vector<std::string> more = {}) const {
    std::vector<std::string> args = run_args(std::move(more));
    args[0] = "up";
    args.insert(args.begin() + 3, {"@", path("cluster.toml")});
    return args;
  }
  ProgramOutcome up(std::vector<std::string> more = {}) const { return assay(up_args(more)); }
  std::unique_ptr<RunningProgram> start_up(std::vector<std::string> more = {}) const {
    return std::make_unique<RunningProgram>(ASSAY_PROGRAM, up_args(std::move(more)), here());
  }

  json status() const {
    const ProgramOutcome outcome = assay({"status", "outputs/tiny", "-o", "json"});
    return json::parse(outcome.out, nullptr, false);
  }
  // Where a worker lives; empty when it is not alive.
  std::string node_of(const std::string& worker) const {
    const json seen = status();
    if (!seen.is_object()) return "";
    for (const json& actor : seen.at("actors")) {
      if (actor.at("id") == worker && actor.at("state") == "ALIVE") return actor.at("node");
    }
    return "";
  }

  // The node's process, found by its command line, which has the folder of this test in it.
  pid_t process_of(const std::string& node) const {
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline", std::ios::binary);
      std::string words((std::istreambuf_iterator<char>(file)), {});
      std::replace(words.begin(), words.end(), '\0', ' ');
      if (!holds(words, " node --head ") || !holds(words, "--name " + node + " ")) continue;
      std::error_code error;
      if (fs::read_symlink(entry.path() / "cwd", error) != fs::canonical(home_)) continue;
      return std::stoi(entry.path().filename().string());
    }
    return -1;
  }
};

TEST_F(Cluster, ARunOnThreeNodesEndsLikeAnyOther) {
  const ProgramOutcome outcome = up();

  expect_finished(outcome);
  EXPECT_EQ(process_of("n1"), -1) << "nobody is left behind";
  for (const char* node : {"n1", "n2", "n3"}) {
    EXPECT_TRUE(holds(read(in_run("logs/node-" + std::string(node) + ".log")), "joined run tiny"))
        << node;
  }
}

// Where a worker lives changes nothing of what it does.
TEST_F(Cluster, DeterministicWeightsAreThoseOfOneProcess) {
  ASSERT_EQ(run({"--deterministic", "true"}).exit_code, 0);
  const std::vector<RecordedStep> expected = steps();

  const ProgramOutcome outcome = up({"--deterministic", "true", "--clean"});

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(steps() == expected) << "other weights";
}

TEST_F(Cluster, AKilledNodeCostsNothing) {
  const auto running = start_up({"--max-steps", "400", "--control.arms", "[]"});
  ASSERT_TRUE(running->wait_for_file(in_run("rollouts/step_3"), 60s)) << running->err();
  for (const char* node : {"n1", "n2", "n3"}) {
    const pid_t victim = process_of(node);
    ASSERT_GT(victim, 0) << node;
    ASSERT_EQ(::kill(victim, SIGKILL), 0);
  }
  ASSERT_TRUE(running->wait_for_err("it is started again", 30s)) << running->err();

  const ProgramOutcome outcome = running->wait();

  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_clean_ledger("true", true);
  EXPECT_EQ(steps().size(), 400u);
}

// It comes back as a zombie: everybody has gone on without it.
TEST_F(Cluster, AStoppedNodeIsReplacedAndItsOldWordsAreNotHeard) {
  const auto running = start_up({"--max-steps", "100000", "--control.arms", "[]"});
  ASSERT_TRUE(running->wait_until([&] { return node_of("chain/0") == "n2"; }, 60s))
      << running->err();
  const pid_t victim = process_of("n2");
  ASSERT_GT(victim, 0);
  ASSERT_EQ(::kill(victim, SIGSTOP), 0);

  const bool has_moved = running->wait_until([&] { return node_of("chain/0") == "n3"; }, 20s);
  ::kill(victim, SIGCONT);
  EXPECT_TRUE(has_moved) << running->err();
  running->send(SIGINT);

  EXPECT_EQ(running->wait().exit_code, 130) << running->err();
  expect_clean_ledger("true");
}

TEST_F(Cluster, PoolsGrowAndShrinkAcrossNodes) {
  const auto running = start_up({"--max-steps", "100000", "--control.arms", "[]"});
  ASSERT_TRUE(running->wait_for_file(in_run("rollouts/step_1"), 60s)) << running->err();

  const ProgramOutcome more = assay({"scale", "verifier=6", "--wait"});
  EXPECT_EQ(more.exit_code, 0) << more.err;
  EXPECT_EQ(more.out, "chain: 1 -> 6\n");
  std::set<std::string> nodes;
  for (int i = 0; i < 6; ++i) nodes.insert(node_of("chain/" + std::to_string(i)));
  EXPECT_EQ(nodes, (std::set<std::string>{"n2", "n3"}));
  const ProgramOutcome fewer = assay({"scale", "chain=2", "generator=2", "--wait"});
  EXPECT_EQ(fewer.exit_code, 0) << fewer.err;

  running->send(SIGINT);
  EXPECT_EQ(running->wait().exit_code, 130);
  expect_clean_ledger("true");
}

TEST_F(Cluster, ANodeThatDoesNotBelongIsRefusedAtOnce) {
  const auto running = start_up({"--max-steps", "100000", "--control.arms", "[]"});
  ASSERT_TRUE(running->wait_for_err("head: listens on 127.0.0.1:", 60s)) << running->err();
  const std::string said = running->err();
  const std::size_t place = said.find("head: listens on ") + 17;
  const std::string head = said.substr(place, said.find(',', place) - place);
  ASSERT_EQ(assay({"keys", "init", "foreign"}).exit_code, 0);
  ASSERT_TRUE(running->wait_for_file(in_run("rollouts/step_1"), 60s)) << running->err();

  const auto before = std::chrono::steady_clock::now();
  expect_one_error(assay({"node", "--head", head, "--key", "foreign/node.key", "--name", "x"}), 2,
                   {"E603", "does not accept the key", "assay keys init"});
  expect_one_error(assay({"node", "--head", "127.0.0.1:1", "--key", "foreign/node.key"}), 4,
                   {"E602", "nobody listens"});
  expect_one_error(assay({"node", "--head", head, "--key", in_run("keys/client.key"), "-q"}), 2,
                   {"E604", "cannot host workers"});
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);

  running->send(SIGINT);
  EXPECT_EQ(running->wait().exit_code, 130);
}

TEST_F(Cluster, AClusterThatCannotWorkIsRefusedBeforeItStarts) {
  write(path("cluster.toml"),
        "[cluster]\n[[cluster.node]]\nname = \"n1\"\npools = { generator = 1 }\n");
  expect_one_error(up(), 2, {"E112", "no node hosts the pool 'chain'"});
  write(path("cluster.toml"), "[cluster]\nlisten = \"0.0.0.0\"\n");
  expect_one_error(up({"--clean"}), 2, {"E112", "without keys", "assay keys init"});
  write(path("cluster.toml"), "[cluster]\nlissten = \"x\"\n");
  expect_one_error(up({"--clean"}), 2, {"E103", "listen"});
}

}  // namespace
}  // namespace assay::e2e
