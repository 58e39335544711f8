#include "runtime/core/ceiling.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace assay {
namespace {

TEST(Ceilings, ArePositiveAndTheirPercentilesOrdered) {
  EXPECT_GT(memcpy_gbps(4096), 0);
  EXPECT_GT(allocations_per_s(128), 0);
  const Result<double> fork = fork_us();
  ASSERT_TRUE(fork);
  EXPECT_GT(*fork, 0);
  for (const auto& latency :
       {pipe_round_trip_us(200), socket_round_trip_us(200), socket_attach_us(20)}) {
    ASSERT_TRUE(latency) << latency.error().message;
    EXPECT_GT(latency->p50, 0);
    EXPECT_LE(latency->p50, latency->p95);
    EXPECT_LE(latency->p95, latency->p99);
  }
}

// The state letter of /proc/<pid>/stat: R running, T stopped, Z ended but not waited for; 0 gone.
char state_of(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string word, name;
  char state = 0;
  stat >> word >> name >> state;
  return stat ? state : '\0';
}

TEST(BusyNeighbour, RunsOnlyWhenItIsLet) {
  Result<BusyNeighbour> neighbour = BusyNeighbour::start();
  ASSERT_TRUE(neighbour);
  const pid_t process = neighbour->process();
  EXPECT_EQ(state_of(process), 'T');

  neighbour->resume();
  EXPECT_EQ(state_of(process), 'R');

  neighbour->pause();
  EXPECT_EQ(state_of(process), 'T');
}

TEST(BusyNeighbour, EndsWithItsObjectEvenWhenPaused) {
  std::optional<Result<BusyNeighbour>> neighbour = BusyNeighbour::start();
  ASSERT_TRUE(*neighbour);
  const pid_t process = (*neighbour)->process();

  neighbour.reset();

  EXPECT_EQ(state_of(process), '\0');
}

TEST(BusyNeighbour, DoesNotOutliveTheThreadThatMadeIt) {
  pid_t process = -1;
  std::thread([&] {
    Result<BusyNeighbour> neighbour = BusyNeighbour::start();
    ASSERT_TRUE(neighbour);
    process = neighbour->process();
    // Left behind, as by a thread that is killed; known to the leak checker.
    static BusyNeighbour* left_behind = nullptr;
    left_behind = new BusyNeighbour(std::move(*neighbour));
    ASSERT_NE(left_behind, nullptr);
  }).join();

  siginfo_t end{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(process), &end, WEXITED), 0);
  EXPECT_EQ(end.si_status, SIGKILL);
}

}  // namespace
}  // namespace assay
