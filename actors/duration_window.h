// The last durations of one kind of work, for quantiles of what really happened.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace assay::actors {

// Not thread-safe.
class DurationWindow {
 public:
  explicit DurationWindow(std::size_t kept = 512) : kept_(kept) {}

  void add(std::chrono::duration<double> spent);

  // The smallest kept duration that at least `fraction` of them do not exceed, in milliseconds; 0
  // when nothing was added.
  double quantile_ms(double fraction) const;

 private:
  std::size_t kept_;
  std::size_t next_ = 0;             // where the next one goes, once full
  std::vector<double> durations_s_;  // the last kept_, in no order
};

}  // namespace assay::actors
