// Figure: a measured number beside the best this machine did at the same moment.
//
// A measurement runs in rounds, and each round reads the thing and its ceiling close together: on a
// machine whose speed changes from second to second only their ratio is fair. A figure is its
// median round: the one whose ratio (whose value, where nothing bounds it) is the median of all
// rounds. Its value, its ceiling and so their ratio were read together.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace assay {

enum class Better { kHigher, kLower };

// What the project aims at: shown beside a figure, never a reason to fail.
struct Goal {
  enum class Of { kValue, kRatio } of = Of::kRatio;
  double bound = 0;  // at least where higher is better, else at most
};

// What a figure measures.
struct FigureKind {
  std::string name;  // snake_case with its unit; scripts read it
  std::string unit;  // of value and ceiling: "GFLOP/s", "us"
  // Name of what bounds it, from above or, where lower is better, from below; empty: nothing does.
  std::string ceiling = {};
  Better better = Better::kHigher;
  std::optional<Goal> goal = std::nullopt;

  bool has_ceiling() const { return !ceiling.empty(); }
};

struct Figure {
  FigureKind kind;
  double value = 0;
  double ceiling = 0;        // 0 where nothing bounds it
  double low = 0, high = 0;  // of the ratios of all rounds; of the values where nothing bounds them
  std::size_t repeats = 0;   // rounds

  std::optional<double> ratio() const;
  std::optional<bool> is_goal_met() const;
};

// The readings of one figure, one a round.
class Series {
 public:
  explicit Series(FigureKind kind) : kind_(std::move(kind)) {}

  // `ceiling` is given, and positive, exactly where the kind names one.
  void add(double value, double ceiling = 0);
  // At least one round has been added. Of an even number of rounds it is the lower median.
  Figure figure() const;

 private:
  struct Round {
    double value = 0, ceiling = 0;
  };

  FigureKind kind_;
  std::vector<Round> rounds_;
};

// The figures of several series, in order.
std::vector<Figure> figures_of(std::span<const Series> series);

// The value that `fraction` of all lie at or below, by the nearest rank. `values` is not empty.
double percentile(std::vector<double> values, double fraction);

// How long something took, over many times.
struct Latency {
  double p50 = 0, p95 = 0, p99 = 0;
};
Latency latency_of(std::vector<double> times);

// Seconds that a call takes.
template <class Work>
double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace assay
