// A companion that shuts itself in, at every level that this machine has.
#include "verifiers/sandbox/seclusion.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "runtime/core/file.h"
#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/landlock_rules.h"
#include "verifiers/sandbox/syscall_filter.h"

namespace assay::sandbox {
namespace {

using namespace std::chrono_literals;

std::string ask(ChildProcess& child, const std::string& question) {
  const SteadyTime deadline = SystemClock().now() + 20s;
  EXPECT_TRUE(child.send(question, deadline));
  const auto answer = child.receive(1 << 16, deadline);
  EXPECT_TRUE(answer) << answer.error().message;
  return answer ? *answer : "";
}

ChildProcess start() {
  return *ChildProcess::start(ECHO_COMPANION, {"given"});
}

// The highest level up to this one that the machine is known to have.
int expected(int level_max) {
  if (!has_syscall_filter()) return 0;
  return landlock_version() == 0 ? std::min(level_max, 1) : level_max;
}

TEST(Seclusion, NothingLeavesItAtAnyLevelAndItStillAnswers) {
  for (const int level : {1, 2, 3, 4}) {
    SCOPED_TRACE(level);
    ChildProcess child = start();

    const std::string said = ask(child, "seclude " + std::to_string(level));

    const std::string reached = "L" + std::to_string(expected(std::min(level, 3)));
    // A machine may forbid namespaces to everyone.
    EXPECT_TRUE(said == reached + " " || (reached == "L3" && said == "L2 ")) << said;
    EXPECT_EQ(ask(child, "hello"), "hello");
  }
}

TEST(Seclusion, WithoutItTheSameAttacksSucceed) {
  ChildProcess child = start();

  const std::string said = ask(child, "seclude 0");

  EXPECT_NE(said.find("L0 "), std::string::npos) << said;
  for (const char* attack : {"read;", "socket;", "code;"}) {
    EXPECT_NE(said.find(attack), std::string::npos) << attack << " of " << said;
  }
}

TEST(Seclusion, TheFirstProcessOfItsNamespaceGoesWithItsStarter) {
  ChildProcess child = start();
  if (ask(child, "seclude 3") != "L3 ") GTEST_SKIP() << "this machine has no namespaces for us";
  EXPECT_EQ(ask(child, "pid"), "1");
  std::ifstream list("/proc/" + std::to_string(child.pid()) + "/task/" +
                     std::to_string(child.pid()) + "/children");
  pid_t inside = 0;
  ASSERT_TRUE(list >> inside);
  ASSERT_EQ(::kill(inside, 0), 0);

  child.kill();

  const SteadyTime end = SystemClock().now() + 5s;
  while (::kill(inside, 0) == 0 && SystemClock().now() < end) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(::kill(inside, 0), -1);
}

}  // namespace
}  // namespace assay::sandbox
