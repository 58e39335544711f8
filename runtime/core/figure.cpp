#include "runtime/core/figure.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/check.h"

namespace assay {

std::optional<double> Figure::ratio() const {
  if (!kind.has_ceiling()) return std::nullopt;
  return value / ceiling;
}

std::optional<bool> Figure::is_goal_met() const {
  if (!kind.goal) return std::nullopt;
  const double reached = kind.goal->of == Goal::Of::kRatio ? value / ceiling : value;
  return kind.better == Better::kHigher ? reached >= kind.goal->bound : reached <= kind.goal->bound;
}

void Series::add(double value, double ceiling) {
  ASSAY_CHECK(kind_.has_ceiling() == (ceiling > 0), "a reading has a ceiling where its kind has");
  rounds_.push_back({value, ceiling});
}

Figure Series::figure() const {
  ASSAY_CHECK(!rounds_.empty(), "a figure needs at least one round");
  const auto rank = [this](const Round& round) {
    return kind_.has_ceiling() ? round.value / round.ceiling : round.value;
  };
  std::vector<Round> sorted = rounds_;
  std::sort(sorted.begin(), sorted.end(),
            [&](const Round& a, const Round& b) { return rank(a) < rank(b); });
  const Round& median = sorted[(sorted.size() - 1) / 2];
  return {kind_,        median.value, median.ceiling, rank(sorted.front()), rank(sorted.back()),
          sorted.size()};
}

std::vector<Figure> figures_of(std::span<const Series> series) {
  std::vector<Figure> figures;
  for (const Series& one : series) figures.push_back(one.figure());
  return figures;
}

double percentile(std::vector<double> values, double fraction) {
  ASSAY_CHECK(!values.empty(), "a percentile is of at least one value");
  const auto last = static_cast<double>(values.size() - 1);
  const auto rank = static_cast<std::ptrdiff_t>(std::lround(std::clamp(fraction, 0.0, 1.0) * last));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

Latency latency_of(std::vector<double> times) {
  return {percentile(times, 0.50), percentile(times, 0.95), percentile(times, 0.99)};
}

}  // namespace assay
