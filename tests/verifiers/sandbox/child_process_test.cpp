// A companion program and its frames: answers, silence, death, boasting.
#include "verifiers/sandbox/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "verifiers/sandbox/frame.h"

namespace assay::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBytesMax = 1 << 20;

SteadyTime in(std::chrono::milliseconds time) {
  return SystemClock().now() + time;
}

class Child : public ::testing::Test {
 protected:
  ChildProcess start() const { return *ChildProcess::start(ECHO_COMPANION, {"given"}); }

  static std::string ask(ChildProcess& child, const std::string& question) {
    const auto sent = child.send(question, in(5s));
    EXPECT_TRUE(sent);
    const auto answer = child.receive(kBytesMax, in(5s));
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *answer : "";
  }
};

TEST_F(Child, AnswersFramesAndNothingElse) {
  ChildProcess child = start();

  EXPECT_EQ(ask(child, "hello"), "hello");
  EXPECT_EQ(ask(child, ""), "");
  const std::string large(kBytesMax, 'x');
  EXPECT_TRUE(ask(child, large) == large);
  EXPECT_EQ(ask(child, "argument"), "given");
}

TEST_F(Child, SeesNoneOfOurEnvironment) {
  ::setenv("ASSAY_TEST_SECRET", "42", 1);
  ChildProcess child = start();

  EXPECT_EQ(ask(child, "environment"), "PATH=/usr/local/bin:/usr/bin:/bin;LANG=C.UTF-8;");
}

TEST_F(Child, SilenceEndsAtTheDeadline) {
  ChildProcess child = start();
  ASSERT_TRUE(child.send("sleep", in(5s)));

  const auto answer = child.receive(kBytesMax, in(50ms));

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kTimedOut);
}

TEST_F(Child, ADeadCompanionIsNoticed) {
  ChildProcess child = start();
  ASSERT_TRUE(child.send("crash", in(5s)));

  const auto answer = child.receive(kBytesMax, in(5s));

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
}

TEST_F(Child, AFrameAboveTheLimitIsRefused) {
  ChildProcess child = start();
  ASSERT_TRUE(child.send("boast", in(5s)));

  const auto answer = child.receive(kBytesMax, in(5s));

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kCorrupt);
}

TEST_F(Child, NothingOfItIsLeftOnceItIsKilled) {
  ChildProcess child = start();
  const pid_t pid = child.pid();
  ASSERT_EQ(::kill(pid, 0), 0);

  child.kill();

  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_FALSE(child.send("hello", in(50ms)));
}

TEST_F(Child, AMissingProgramIsAnError) {
  const auto missing = ChildProcess::start("/nowhere/assay-companion", {});

  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(find_companion("assay-no-such-companion").error().id, "E420");
}

TEST(Frame, AReaderThatDoesNotReadEndsTheWriteAtTheDeadline) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  const FileDescriptor left(pair[0]), right(pair[1]);

  const auto written = write_frame(left.get(), std::string(8 << 20, 'x'), in(50ms));

  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kTimedOut);
}

}  // namespace
}  // namespace assay::sandbox
