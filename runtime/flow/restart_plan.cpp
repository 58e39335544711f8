#include "runtime/flow/restart_plan.h"

#include <algorithm>

namespace assay::flow {

std::optional<std::chrono::microseconds> RestartPlan::worker_died(const std::string& worker,
                                                                  SteadyTime now) {
  History& history = workers_[worker];
  while (!history.recent.empty() && history.recent.front() + options_.window <= now) {
    history.recent.pop_front();
  }
  if (history.recent.size() >= options_.restarts_max) return std::nullopt;
  std::chrono::microseconds delay = options_.delay;
  for (std::size_t i = 0; i < history.recent.size() && delay < options_.delay_max; ++i) delay *= 2;
  history.recent.push_back(now);
  ++history.total;
  return std::min(delay, options_.delay_max);
}

std::uint32_t RestartPlan::restarts(const std::string& worker) const {
  const auto found = workers_.find(worker);
  return found == workers_.end() ? 0 : found->second.total;
}

}  // namespace assay::flow
