// How often the intervals hold the truth: simulated evaluations whose truth is known. A 95 %
// interval must cover it in 93 to 97 % of them.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "runtime/algo/bootstrap.h"
#include "runtime/algo/confidence.h"
#include "runtime/algo/pass_at_k.h"
#include "tests/support/seed.h"

namespace assay::algo {
namespace {

constexpr std::uint64_t kDraws = 16;
constexpr std::uint32_t kHeadlineK = 4;

// A prompt's true chances before and after training.
struct Chances {
  double before = 0;
  double after = 0;
};

// A population of prompts and how to draw one.
struct Population {
  const char* name;
  std::function<Chances(Rng&)> draw;
};

const Population kSharpened{"sharpened", [](Rng& rng) {
                              const double p = rng.next_unit();
                              return Chances{p, 1 - std::pow(1 - p, 3)};
                            }};
// A quarter out of reach, the rest learned: like the mixed evaluation of the first run.
const Population kCeiling{"ceiling", [](Rng& rng) {
                            if (rng.next_bool(0.25)) return Chances{0.02, 0.02};
                            return Chances{0.2 + 0.6 * rng.next_unit(), 0.95};
                          }};
const Population kRare{"rare", [](Rng& rng) {
                         const double p = 0.1 * std::pow(rng.next_unit(), 2);
                         return Chances{p, 2 * p};
                       }};

struct Truth {
  double before_1 = 0, after_1 = 0, before_k = 0, after_k = 0;
};

double reach(double chance) {
  return 1 - std::pow(1 - chance, double{kHeadlineK});
}

Truth truth_of(const Population& population) {
  Truth truth;
  Rng rng(test_seed(), 999);
  constexpr int kPrompts = 200'000;
  for (int i = 0; i < kPrompts; ++i) {
    const Chances one = population.draw(rng);
    truth.before_1 += one.before / kPrompts;
    truth.after_1 += one.after / kPrompts;
    truth.before_k += reach(one.before) / kPrompts;
    truth.after_k += reach(one.after) / kPrompts;
  }
  return truth;
}

// Right ones among kDraws completions: one draw, inverted through the binomial distribution.
std::uint64_t count_right(double chance, Rng& rng) {
  if (chance >= 1) return kDraws;
  double left = rng.next_unit();
  double mass = std::pow(1 - chance, double{kDraws});
  std::uint64_t right = 0;
  for (; left >= mass && right < kDraws; ++right) {
    left -= mass;
    mass *= chance / (1 - chance) * static_cast<double>(kDraws - right) /
            static_cast<double>(right + 1);
  }
  return right;
}

// One simulated evaluation before and after.
struct Evaluation {
  std::vector<double> before_1, after_1, before_k, after_k;
  std::vector<GainRates> gains;

  Evaluation(const Population& population, int prompts, Rng& rng) {
    for (int i = 0; i < prompts; ++i) {
      const Chances one = population.draw(rng);
      const std::uint64_t before = count_right(one.before, rng),
                          after = count_right(one.after, rng);
      gains.push_back(
          {pass_at_k(kDraws, before, 1).value(), pass_at_k(kDraws, before, kHeadlineK).value(),
           pass_at_k(kDraws, after, 1).value(), pass_at_k(kDraws, after, kHeadlineK).value()});
      before_1.push_back(gains.back().base_1);
      before_k.push_back(gains.back().base_k);
      after_1.push_back(gains.back().after_1);
      after_k.push_back(gains.back().after_k);
    }
  }
};

bool holds(double low, double high, double truth) {
  return low <= truth && truth <= high;
}

bool holds(const Interval& interval, double truth) {
  return holds(interval.low, interval.high, truth);
}

// Runs `trial` often and expects it to be true in 93 to 97 % of the cases. 2000 trials of a true
// 95 % have a standard deviation of 0.5 points, so the bounds are four of them away.
void expect_coverage(const std::string& what, const std::function<bool(Rng&)>& trial) {
  constexpr int kTrials = 2000;
  Rng rng(test_seed(), 1);
  int covered = 0;
  for (int i = 0; i < kTrials; ++i) covered += trial(rng);
  const double share = static_cast<double>(covered) / kTrials;
  EXPECT_GE(share, 0.93) << what << ", " << seed_text();
  EXPECT_LE(share, 0.97) << what << ", " << seed_text();
}

TEST(IntervalCoverage, OfRates) {
  for (const Population* population : {&kSharpened, &kCeiling, &kRare}) {
    const Truth truth = truth_of(*population);
    expect_coverage(std::string("pass@1 of ") + population->name, [&](Rng& rng) {
      return holds(rate_interval(Evaluation(*population, 60, rng).before_1, {}), truth.before_1);
    });
    expect_coverage(std::string("pass@k of ") + population->name, [&](Rng& rng) {
      return holds(rate_interval(Evaluation(*population, 60, rng).before_k, {}), truth.before_k);
    });
  }
}

TEST(IntervalCoverage, OfPairedGains) {
  for (const Population* population : {&kSharpened, &kCeiling}) {
    const Truth truth = truth_of(*population);
    expect_coverage(std::string("gain at 1 of ") + population->name, [&](Rng& rng) {
      const Evaluation e(*population, 100, rng);
      return holds(paired_interval(e.before_1, e.after_1, {}), truth.after_1 - truth.before_1);
    });
    expect_coverage(std::string("gain at k of ") + population->name, [&](Rng& rng) {
      const Evaluation e(*population, 100, rng);
      return holds(paired_interval(e.before_k, e.after_k, {}), truth.after_k - truth.before_k);
    });
  }
}

TEST(IntervalCoverage, OfClusteredMeansAndOfNaiveOnes) {
  // Ten templates of eight prompts; half of the variance lies between templates.
  const auto draw = [](Rng& rng, std::vector<double>& values,
                       std::vector<std::uint32_t>& clusters) {
    for (std::uint32_t cluster = 0; cluster < 10; ++cluster) {
      const double shared = rng.next_normal();
      for (int i = 0; i < 8; ++i) {
        values.push_back(shared + rng.next_normal());
        clusters.push_back(cluster);
      }
    }
  };
  expect_coverage("clustered mean", [&](Rng& rng) {
    std::vector<double> values;
    std::vector<std::uint32_t> clusters;
    draw(rng, values, clusters);
    return holds(mean_interval(values, clusters), 0);
  });
  Rng rng = test_rng(2);
  int naive = 0;
  for (int i = 0; i < 1000; ++i) {
    std::vector<double> values;
    std::vector<std::uint32_t> clusters;
    draw(rng, values, clusters);
    naive += holds(mean_interval(values, {}), 0);
  }
  EXPECT_LT(naive, 750);  // what ignoring the templates would claim
}

TEST(IntervalCoverage, OfTheCompressionRatio) {
  BootstrapOptions options;
  options.replicates = 400;
  for (const Population* population : {&kSharpened, &kCeiling}) {
    const Truth truth = truth_of(*population);
    const double ratio = (truth.after_1 - truth.before_1) / (truth.before_k - truth.before_1);
    expect_coverage(std::string("ratio of ") + population->name, [&](Rng& rng) {
      const Evaluation e(*population, 100, rng);
      options.seed = rng.next_u64();
      const RatioEstimate estimate = compression_ratio(e.gains, {}, options);
      return estimate.value && holds(*estimate.low, *estimate.high, ratio);
    });
  }
}

TEST(IntervalCoverage, OfSeedsCrossedWithPrompts) {
  for (const int seeds : {5, 10}) {
    expect_coverage(std::to_string(seeds) + " seeds", [&](Rng& rng) {
      std::vector<double> prompts(40);
      for (double& effect : prompts) effect = 0.3 * rng.next_normal();
      std::vector<std::vector<double>> cells;
      for (int seed = 0; seed < seeds; ++seed) {
        const double shared = 0.1 * rng.next_normal();
        cells.emplace_back();
        for (const double prompt : prompts) {
          cells.back().push_back(0.2 + shared + prompt + 0.1 * rng.next_normal());
        }
      }
      return holds(crossed_interval(cells), 0.2);
    });
  }
}

}  // namespace
}  // namespace assay::algo
