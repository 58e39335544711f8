// Programs that attack the sandbox and programs that forge their verdict, at every level, and a
// look at the host afterwards.
#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "tests/verifiers/code/code_cases.h"
#include "verifiers/sandbox/jail.h"

namespace assay::verifiers {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using sandbox::IsolationLevel;
using sandbox::JailPool;

constexpr const char* kPython = "assay-python";

std::shared_ptr<JailPool> pool_of(IsolationLevel level) {
  return std::make_shared<JailPool>(kPython, level);
}

// The level that was asked for, or null where this machine has none as high.
std::shared_ptr<JailPool> exact_pool(IsolationLevel level) {
  auto pool = pool_of(level);
  const auto reached = pool->level();
  return reached && *reached == level ? pool : nullptr;
}

class Corpus : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::kIsSanitized) GTEST_SKIP() << "jailed programs have no room for sanitizers";
  }
};

TEST_F(Corpus, HoldsWhatItPromises) {
  const auto escapes = read_code_cases(code_case_path("escapes.jsonl"));
  const auto forgeries = read_code_cases(code_case_path("forgeries.jsonl"));
  const auto count = [](const auto& cases, const std::string& category) {
    return std::count_if(cases.begin(), cases.end(),
                         [&](const CodeCase& one) { return one.category == category; });
  };
  EXPECT_GE(escapes.size() - static_cast<std::size_t>(count(escapes, "control")), 60u);
  EXPECT_GE(count(forgeries, "forgery"), 40);
  EXPECT_EQ(count(forgeries, "forgery"), count(forgeries, "honest twin"));
}

TEST_F(Corpus, NoProgramEscapes) {
  const auto pool = pool_of(IsolationLevel::kL4);
  for (const CodeCase& one : read_code_cases(code_case_path("escapes.jsonl"))) {
    expect_agreement(one, judge(one, pool));
  }
}

TEST_F(Corpus, NoForgeryPassesAndEveryHonestTwinDoes) {
  const auto pool = pool_of(IsolationLevel::kL4);
  for (const CodeCase& one : read_code_cases(code_case_path("forgeries.jsonl"))) {
    expect_agreement(one, judge(one, pool));
  }
}

// Nothing of what runs beside it has a number there, so there is nobody to signal.
TEST_F(Corpus, WithNamespacesEachProgramIsAlone) {
  CodeCase one;
  one.options_json = R"json({"entry_point": "numbers", "tests": "assert numbers() == (1, 0)"})json";
  one.completion = "import os\ndef numbers(): return os.getpid(), os.getppid()";
  for (const auto level : {IsolationLevel::kL3, IsolationLevel::kL4}) {
    const auto pool = exact_pool(level);
    for (int i = 0; pool != nullptr && i < 2; ++i) {
      EXPECT_EQ(judge(one, pool).reason, "all tests hold") << to_string(level);
    }
  }
}

class Level : public Corpus, public ::testing::WithParamInterface<int> {};

// What is quick to judge: a level changes walls, not verdicts.
TEST_P(Level, JudgesTheCorpusAlike) {
  const auto level = static_cast<IsolationLevel>(GetParam());
  const auto pool = exact_pool(level);
  if (pool == nullptr) GTEST_SKIP() << "this machine has no " << to_string(level);
  for (const char* file : {"escapes.jsonl", "forgeries.jsonl"}) {
    for (const CodeCase& one : read_code_cases(code_case_path(file))) {
      if (one.category == "resource") continue;
      const wire::Verdict verdict = judge(one, pool);
      expect_agreement(one, verdict);
      EXPECT_EQ(verdict.isolation, to_string(level));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Level, ::testing::Values(1, 2, 3, 4),
                         [](const auto& one) { return "L" + std::to_string(one.param); });

TEST_F(Corpus, WithoutAFilterNothingIsRunAndNothingScored) {
  const auto pool = pool_of(IsolationLevel::kL0);
  const auto cases = read_code_cases(code_case_path("escapes.jsonl"));

  const wire::Verdict verdict = judge(cases.front(), pool);

  EXPECT_EQ(verdict.outcome, wire::Outcome::kUnscored);
  EXPECT_EQ(verdict.code, wire::VerdictCode::kJudgeUnavailable);
  EXPECT_EQ(verdict.isolation, "none");
  EXPECT_EQ(verdict.reason, "this machine cannot keep foreign programs apart");
}

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The descendants of a process, itself not counted.
std::size_t descendants(pid_t pid) {
  const std::string task = std::to_string(pid);
  std::ifstream children("/proc/" + task + "/task/" + task + "/children");
  std::size_t count = 0;
  for (pid_t child = 0; children >> child;) count += 1 + descendants(child);
  return count;
}

// What hostile programs could leave on the host.
struct Host {
  std::set<std::string> temporary = names_in("/tmp");
  std::set<std::string> shared = names_in("/dev/shm");
  std::string mounts = text_of("/proc/self/mountinfo");
  std::string host_name = text_of("/proc/sys/kernel/hostname");
  std::string passwords = text_of("/etc/passwd");
};

std::set<std::string> jail_groups() {
  std::set<std::string> groups;
  for (const char* parent : {"/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
    for (const std::string& name : names_in(parent)) {
      if (name.starts_with("assay-jail-")) groups.insert(std::string(parent) + "/" + name);
    }
  }
  return groups;
}

std::set<std::string> added(const std::set<std::string>& before, const std::set<std::string>& now) {
  std::set<std::string> more;
  std::set_difference(now.begin(), now.end(), before.begin(), before.end(),
                      std::inserter(more, more.begin()));
  return more;
}

TEST_F(Corpus, LeavesTheHostAsItWas) {
  const Host before;
  const auto groups_before = jail_groups();
  {
    const auto pool = pool_of(IsolationLevel::kL4);
    std::size_t resting = 0;
    for (const CodeCase& one : read_code_cases(code_case_path("escapes.jsonl"))) {
      judge(one, pool);
      std::this_thread::sleep_for(one.category == "resource" ? 50ms : 0ms);
      const std::size_t now = descendants(::getpid());
      if (resting == 0) resting = now;
      EXPECT_EQ(now, resting) << one.id << " left a process";
    }
    EXPECT_GE(resting, 2u) << "the reader of processes finds nothing";
  }
  const Host after;
  for (const std::string& name : added(before.temporary, after.temporary)) {
    EXPECT_EQ(name.find("assay-escape"), std::string::npos) << name;
  }
  EXPECT_EQ(added(before.shared, after.shared), std::set<std::string>());
  EXPECT_EQ(after.mounts, before.mounts);
  EXPECT_EQ(after.host_name, before.host_name);
  EXPECT_EQ(after.passwords, before.passwords);
  EXPECT_EQ(descendants(::getpid()), 0u);
  for (const std::string& group : added(groups_before, jail_groups())) {
    const int owner = std::atoi(group.substr(group.rfind('-') + 1).c_str());
    EXPECT_EQ(::kill(owner, 0), 0) << group << " has no owner";
  }
}

}  // namespace
}  // namespace assay::verifiers
