// Scale plan: how many workers a pool that follows its queue should have.
//
// The age of the oldest waiting item is what people feel, whatever an item costs; so it decides.
// A pool grows by doubling while items wait too long, and shrinks one by one after its queue has
// been empty for a while. Between two changes the last one gets time to show. Pure: time is an
// argument. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/core/clock.h"

namespace assay::flow {

struct ScaleOptions {
  std::uint32_t workers_min = 1;
  std::uint32_t workers_max = 1;                                 // at least workers_min
  std::chrono::microseconds grow_age = std::chrono::seconds(1);  // of the oldest waiting item
  std::chrono::microseconds settle = std::chrono::seconds(2);    // between two changes
  std::chrono::microseconds idle = std::chrono::seconds(10);     // empty so long: one fewer
};

class ScalePlan {
 public:
  explicit ScalePlan(const ScaleOptions& options) : options_(options) {}

  // How many workers there should be, given how many there are to be now and what waits for them:
  // between workers_min and workers_max.
  std::uint32_t follow(std::uint32_t workers, std::uint64_t ready, double oldest_s, SteadyTime now);

 private:
  std::uint32_t changed(std::uint32_t workers, SteadyTime now);

  ScaleOptions options_;
  std::optional<SteadyTime> last_change_;
  std::optional<SteadyTime> empty_since_;
};

}  // namespace assay::flow
