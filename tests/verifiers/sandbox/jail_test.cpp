// Jails from the outside: what becomes of them when somebody dies.
#include "verifiers/sandbox/jail.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "tests/support/sanitizer.h"
#include "verifiers/sandbox/jail_message.h"
#include "verifiers/sandbox/jail_pool.h"

namespace assay::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr const char* kNative = "assay-native";

// The processes that descend from one, those of other PID namespaces too.
std::vector<pid_t> descendants(pid_t pid) {
  const std::string task = std::to_string(pid);
  std::ifstream children("/proc/" + task + "/task/" + task + "/children");
  std::vector<pid_t> all;
  for (pid_t child = 0; children >> child;) {
    all.push_back(child);
    for (const pid_t deeper : descendants(child)) all.push_back(deeper);
  }
  return all;
}

// A process that has ended but that nobody has waited for is gone.
bool is_alive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(") ");
  return name_end != std::string::npos && text[name_end + 2] != 'Z';
}

bool are_gone(const std::vector<pid_t>& pids) {
  return std::none_of(pids.begin(), pids.end(), is_alive);
}

// Whether something holds within two seconds.
bool soon(const std::function<bool()>& holds) {
  for (int i = 0; i < 200; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return holds();
}

// A program that cannot be run, which is all that these tests need.
CheckPlan empty_check(const FileDescriptor& program) {
  CheckPlan plan;
  plan.tasks = {Task::kFilter};
  plan.program = &program;
  plan.limits.wall_ms = 2000;
  return plan;
}

class JailTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::kIsSanitized) GTEST_SKIP() << "jailed programs have no room for sanitizers";
  }

  FileDescriptor nothing_{::dup(0)};
};

TEST_F(JailTest, ACheckLeavesNoProcess) {
  auto jail = Jail::start(kNative);
  ASSERT_TRUE(jail) << jail.error().message;
  const auto resting = descendants(jail->pid());
  ASSERT_GE(resting.size(), 1u) << "the reader of processes finds nothing";

  const auto outcome = jail->check(empty_check(nothing_));

  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->processes.at(0).has_begun);
  EXPECT_EQ(descendants(jail->pid()), resting);
}

TEST_F(JailTest, WhenItsOwnerLetsGoEverythingGoes) {
  std::vector<pid_t> all;
  {
    auto jail = Jail::start(kNative);
    ASSERT_TRUE(jail) << jail.error().message;
    all = descendants(jail->pid());
    all.push_back(jail->pid());
    ASSERT_FALSE(are_gone(all));
  }
  EXPECT_TRUE(soon([&] { return are_gone(all); }));
}

TEST_F(JailTest, WhenItsOwnerIsKilledEverythingGoes) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    auto jail = Jail::start(kNative);
    std::vector<pid_t> all = jail ? descendants(jail->pid()) : std::vector<pid_t>();
    if (jail) all.push_back(jail->pid());
    const ssize_t told = ::write(ends[1], all.data(), all.size() * sizeof(pid_t));
    if (told > 0) ::raise(SIGKILL);
    ::_exit(1);
  }
  ::close(ends[1]);
  std::array<pid_t, 16> all{};
  const ssize_t size = ::read(ends[0], all.data(), sizeof all);
  ::close(ends[0]);
  ASSERT_GT(size, 0) << "no jail was started";
  ::waitpid(owner, nullptr, 0);
  const std::vector<pid_t> pids(all.begin(), all.begin() + size / ssize_t{sizeof(pid_t)});

  EXPECT_TRUE(soon([&] { return are_gone(pids); }));
}

TEST_F(JailTest, AKilledJailIsReplacedAndTheCheckIsDone) {
  JailPool pool(kNative);
  ASSERT_TRUE(pool.level());
  for (const pid_t pid : descendants(::getpid())) ::kill(pid, SIGKILL);
  IsolationLevel level{};

  const auto outcome = pool.check(empty_check(nothing_), level);

  EXPECT_TRUE(outcome) << outcome.error().message;
  EXPECT_GE(level, IsolationLevel::kL1);
}

TEST_F(JailTest, AMissingCompanionIsSaid) {
  JailPool pool("assay-of-no-language");
  IsolationLevel level{};

  const auto outcome = pool.check(empty_check(nothing_), level);

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().id, "E420");
}

TEST_F(JailTest, ALowerLevelSaysWhyItIsNoHigher) {
  const auto none = Jail::start(kNative, IsolationLevel::kL0);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kUnavailable);

  const auto low = Jail::start(kNative, IsolationLevel::kL1);
  ASSERT_TRUE(low) << low.error().message;
  EXPECT_EQ(low->level(), IsolationLevel::kL1);
}

// Each level has the walls of those below it: where one of these cannot be had, a wall is missing.
TEST_F(JailTest, WhoReachesALevelReachesEachBelowIt) {
  const auto highest = Jail::start(kNative);
  ASSERT_TRUE(highest) << highest.error().message;
  for (int level = 1; level <= static_cast<int>(highest->level()); ++level) {
    const auto jail = Jail::start(kNative, static_cast<IsolationLevel>(level));
    ASSERT_TRUE(jail) << jail.error().message;
    EXPECT_EQ(static_cast<int>(jail->level()), level) << jail->refused_levels();
  }
}

// A wall that does not stand fails the self-tests, and the level falls: quietly, but for this.
TEST_F(JailTest, AMachineThatHasNamespacesUsesThem) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    constexpr int kAll = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS;
    ::_exit(::unshare(kAll) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  if (status != 0) GTEST_SKIP() << "no namespaces here";

  const auto jail = Jail::start(kNative);

  ASSERT_TRUE(jail) << jail.error().message;
  EXPECT_GE(jail->level(), IsolationLevel::kL3) << jail->refused_levels();
}

TEST(JailMessage, DescriptorsTravelBesideTheBytes) {
  std::array<int, 2> pair{}, other{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  ASSERT_EQ(::pipe(other.data()), 0);
  const FileDescriptor left(pair[0]), right(pair[1]), reading(other[0]), writing(other[1]);
  const std::uint64_t sent = 42;
  std::uint64_t received = 0;
  const auto deadline = SystemClock().now() + 2s;

  ASSERT_TRUE(send_message(left.get(), std::as_bytes(std::span(&sent, 1)),
                           std::array{reading.get()}, deadline));
  const auto beside =
      receive_message(right.get(), std::as_writable_bytes(std::span(&received, 1)), deadline);

  ASSERT_TRUE(beside) << beside.error().message;
  EXPECT_EQ(received, 42u);
  ASSERT_EQ(beside->size(), 1u);
  char letter = 0;
  ASSERT_EQ(::write(writing.get(), "x", 1), 1);
  EXPECT_EQ(::read((*beside)[0].get(), &letter, 1), 1);
  EXPECT_EQ(letter, 'x');
}

TEST(JailMessage, SilenceEndsAtTheDeadline) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  const FileDescriptor left(pair[0]), right(pair[1]);
  std::uint64_t received = 0;

  const auto beside = receive_message(right.get(), std::as_writable_bytes(std::span(&received, 1)),
                                      SystemClock().now() + 20ms);

  ASSERT_FALSE(beside);
  EXPECT_EQ(beside.error().code, ErrorCode::kTimedOut);
}

}  // namespace
}  // namespace assay::sandbox
