// A counter's rate over the last seconds: a status that says what happens now, not on average since
// the start.
#pragma once

#include <chrono>
#include <deque>

#include "runtime/core/clock.h"

namespace assay::actors {

// Not thread-safe. Keeps at most about a hundred samples, however often it is fed.
class RateWindow {
 public:
  // `span` is how far the rate looks back; the counter is 0 at `start`.
  explicit RateWindow(SteadyTime start, std::chrono::microseconds span = std::chrono::seconds(10));

  // The counter's value at `now`. Times and values must not go backwards.
  void add(SteadyTime now, double total);

  // Growth a second between the last sample that is at least `span` old (or the start) and `now`,
  // where the counter stands at `total`. 0 where no time has passed.
  double per_s(SteadyTime now, double total) const;

 private:
  struct Sample {
    SteadyTime time;
    double total = 0;
  };

  std::chrono::microseconds span_;
  std::deque<Sample> samples_;  // never empty, oldest first
};

}  // namespace assay::actors
