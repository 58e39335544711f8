#include "actors/duration_window.h"

#include <algorithm>
#include <cmath>

namespace assay::actors {

void DurationWindow::add(std::chrono::duration<double> spent) {
  if (durations_s_.size() < kept_) {
    durations_s_.push_back(spent.count());
  } else {
    durations_s_[next_] = spent.count();
    next_ = (next_ + 1) % kept_;
  }
}

double DurationWindow::quantile_ms(double fraction) const {
  if (durations_s_.empty()) return 0;
  const double count = static_cast<double>(durations_s_.size());
  const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(fraction * count))) - 1;
  std::vector<double> sorted = durations_s_;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank),
                   sorted.end());
  return 1e3 * sorted[rank];
}

}  // namespace assay::actors
