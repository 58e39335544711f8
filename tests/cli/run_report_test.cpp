// What the report and the metrics file make of a step.
#include "actors/cli/run_report.h"

#include <gtest/gtest.h>

#include "actors/cli/step_metrics.h"
#include "runtime/core/file.h"
#include "tests/support/temporary_folder.h"

namespace assay::cli {
namespace {

TEST(HealthOptions, EveryKeyReachesItsThreshold) {
  HealthSettings settings;
  settings.min_reward_std = 0.04;
  settings.min_entropy_fraction = 0.2;
  settings.min_entropy = 2.0;
  settings.max_kl = 10;
  settings.max_grad_norm = 70;
  settings.min_ess = 0.25;
  settings.max_zero_variance_fraction = 0.7;
  settings.max_unscored_fraction = 0.06;
  settings.max_tripwire_fraction = 0.02;

  const algo::HealthOptions options = health_options(settings);

  EXPECT_EQ(options.reward_std_min.critical, 0.04);
  EXPECT_EQ(options.entropy_fraction_min.warn, 0.2);
  EXPECT_EQ(options.entropy_min.warn, 2.0);
  EXPECT_EQ(options.kl_reference_sequence_max.warn, 10);
  EXPECT_EQ(options.kl_reference_sequence_max.critical, 30);
  EXPECT_EQ(options.grad_norm_absolute_max.critical, 70);
  EXPECT_EQ(options.ess_min.critical, 0.25);
  EXPECT_EQ(options.zero_signal_max.critical, 0.7);
  EXPECT_EQ(options.verifier_error_max.critical, 0.06);
  EXPECT_EQ(options.tripwire_max.critical, 0.02);
}

TEST(HealthOptions, ZeroTurnsAnAlertOff) {
  HealthSettings settings;
  settings.min_reward_std = settings.min_entropy_fraction = settings.max_kl = 0;
  settings.max_grad_norm = settings.min_ess = settings.max_unscored_fraction = 0;
  settings.max_zero_variance_fraction = settings.max_tripwire_fraction = 0;
  const algo::HealthOptions options = health_options(settings);
  for (const algo::HealthThreshold& threshold :
       {options.reward_std_min, options.entropy_fraction_min, options.entropy_min,
        options.kl_reference_sequence_max, options.grad_norm_absolute_max, options.ess_min,
        options.zero_signal_max, options.verifier_error_max, options.tripwire_max}) {
    EXPECT_FALSE(threshold.warn.has_value() || threshold.critical.has_value());
  }
}

TEST(StepMetrics, AreReadBackAndNullWhereNothingWasMeasured) {
  const testing::TemporaryFolder folder;
  StepMetrics measured, unmeasured;
  measured.report.step = 1;
  measured.report.update.kl_reference_k1 = -0.01;
  measured.report.update.kl_reference_k3 = 0.02;
  measured.report.update.kl_reference_sequence = 0.4;
  measured.report.judged_rollouts = 200;
  measured.report.tripped_rollouts = 3;
  measured.pass_at_1 = {{"in_range", 0.25}, {"a/b", 0.5}};
  unmeasured.report.step = 2;
  const std::string path = folder.path("metrics.jsonl");
  ASSERT_TRUE(write_file_durably(
      path, metrics_line("true", measured) + "\n" + metrics_line("true", unmeasured) + "\n"));

  const auto steps = read_metrics(path);

  ASSERT_TRUE(steps);
  ASSERT_EQ(steps->size(), 2u);
  EXPECT_EQ((*steps)[0].report.update.kl_reference_k1, -0.01);
  EXPECT_EQ((*steps)[0].report.update.kl_reference_k3, 0.02);
  EXPECT_EQ((*steps)[0].report.update.kl_reference_sequence, 0.4);
  EXPECT_EQ((*steps)[0].report.judged_rollouts, 200u);
  EXPECT_EQ((*steps)[0].report.tripped_rollouts, 3u);
  EXPECT_EQ((*steps)[0].pass_at_1, measured.pass_at_1);
  EXPECT_FALSE((*steps)[1].report.update.kl_reference_k3.has_value());
  EXPECT_TRUE((*steps)[1].pass_at_1.empty());
}

}  // namespace
}  // namespace assay::cli
