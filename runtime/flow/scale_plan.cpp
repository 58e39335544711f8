#include "runtime/flow/scale_plan.h"

#include <algorithm>

namespace assay::flow {

std::uint32_t ScalePlan::follow(std::uint32_t workers, std::uint64_t ready, double oldest_s,
                                SteadyTime now) {
  if (ready > 0) {
    empty_since_.reset();
  } else if (!empty_since_) {
    empty_since_ = now;
  }
  const std::uint32_t bounded = std::clamp(workers, options_.workers_min, options_.workers_max);
  if (bounded != workers) return changed(bounded, now);
  if (last_change_ && now - *last_change_ < options_.settle) return workers;
  const double grow_s = std::chrono::duration<double>(options_.grow_age).count();
  if (ready > 0 && oldest_s >= grow_s && workers < options_.workers_max) {
    return changed(std::min(2 * workers, options_.workers_max), now);
  }
  if (empty_since_ && now - *empty_since_ >= options_.idle && workers > options_.workers_min) {
    empty_since_ = now;
    return changed(workers - 1, now);
  }
  return workers;
}

std::uint32_t ScalePlan::changed(std::uint32_t workers, SteadyTime now) {
  last_change_ = now;
  return workers;
}

}  // namespace assay::flow
