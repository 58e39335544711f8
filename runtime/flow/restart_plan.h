// Restart plan: whether a worker that died is started again, and when.
//
// A worker that fails now and then is replaced at once; one that keeps failing waits twice as long
// each time and is given up when the restarts within one window are used up, so that a broken
// machine does not spin. Pure: time is an argument. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "runtime/core/clock.h"

namespace assay::flow {

struct RestartOptions {
  std::uint32_t restarts_max = 5;  // within one window
  std::chrono::microseconds window = std::chrono::seconds(60);
  std::chrono::microseconds delay = std::chrono::milliseconds(50);  // before the first restart
  std::chrono::microseconds delay_max = std::chrono::seconds(5);
};

class RestartPlan {
 public:
  explicit RestartPlan(const RestartOptions& options) : options_(options) {}

  // The worker died now. Returns how long to wait before starting it again: `delay`, doubled for
  // every other restart within the window, at most `delay_max`; nothing when it is given up.
  std::optional<std::chrono::microseconds> worker_died(const std::string& worker, SteadyTime now);

  // Restarts granted to the worker since the beginning.
  std::uint32_t restarts(const std::string& worker) const;

 private:
  struct History {
    std::deque<SteadyTime> recent;  // restarts granted within the window
    std::uint32_t total = 0;
  };

  RestartOptions options_;
  std::map<std::string, History> workers_;
};

}  // namespace assay::flow
