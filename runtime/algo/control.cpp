#include "runtime/algo/control.h"

#include <array>
#include <cstdio>

#include "runtime/core/check.h"
#include "runtime/core/rng.h"

namespace assay::algo {
namespace {

constexpr std::array<std::string_view, 4> kArmNames{"true", "random_permute", "random_iid",
                                                    "inverted"};

GroupRewards permuted(std::span<const std::optional<double>> rewards, GroupId group,
                      std::uint64_t seed) {
  std::vector<double> scored;
  for (const std::optional<double>& reward : rewards) {
    if (reward) scored.push_back(*reward);
  }
  Rng rng(seed, group.value);
  rng.shuffle(std::span(scored));
  GroupRewards result(rewards.begin(), rewards.end());
  std::size_t next = 0;
  for (std::optional<double>& reward : result) {
    if (reward) reward = scored[next++];
  }
  return result;
}

GroupRewards coins(std::span<const std::optional<double>> rewards, GroupId group,
                   const RewardArmOptions& options) {
  GroupRewards result(rewards.begin(), rewards.end());
  Rng rng(options.seed, group.value);
  for (std::optional<double>& reward : result) {
    // One draw a rollout, scored or not: a late verdict does not move its neighbours' coins.
    const bool is_heads = rng.next_bool(options.reward_mean);
    if (reward) reward = is_heads ? 1.0 : 0.0;
  }
  return result;
}

std::string signed_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%+.1f", 100 * value);
  return text;
}

std::string in_words(const Interval& interval) {
  return signed_text(interval.value) + " points (" + signed_text(interval.low) + " to " +
         signed_text(interval.high) + ")";
}

bool is_within_margin(const ControlFinding& finding, double margin) {
  return finding.control_gain_90.low > -margin && finding.control_gain_90.high < margin;
}

void decide(ControlFinding& finding, double margin) {
  const std::string control = in_words(finding.control_gain);
  if (finding.control_gain.low > 0 || finding.control_gain.value > margin) {
    finding.verdict = ControlVerdict::kFlag;
    finding.reason = "rewards that say nothing also raised pass@1, by " + control +
                     ": the gain is not all the verifier's";
    return;
  }
  const bool is_harmless = is_within_margin(finding, margin) || finding.control_gain.value < 0;
  if (is_harmless && finding.true_less_control.low > 0) {
    finding.verdict = ControlVerdict::kPass;
    finding.reason = "rewards that say nothing changed pass@1 by " + control +
                     "; the verifier's rewards did better by " +
                     in_words(finding.true_less_control);
    return;
  }
  finding.verdict = ControlVerdict::kInconclusive;
  finding.reason =
      is_harmless ? "the verifier's rewards are not better than empty ones beyond the noise: " +
                        in_words(finding.true_less_control)
                  : "too few prompts to show that empty rewards change nothing: " + control;
}

}  // namespace

std::string_view to_string(RewardArm arm) {
  const auto index = static_cast<std::size_t>(arm);
  ASSAY_CHECK(index < kArmNames.size(), "every arm has a name");
  return kArmNames[index];
}

std::optional<RewardArm> parse_reward_arm(std::string_view name) {
  for (std::size_t i = 0; i < kArmNames.size(); ++i) {
    if (kArmNames[i] == name) return static_cast<RewardArm>(i);
  }
  return std::nullopt;
}

GroupRewards arm_rewards(std::span<const std::optional<double>> rewards, GroupId group,
                         const RewardArmOptions& options) {
  GroupRewards result(rewards.begin(), rewards.end());
  switch (options.arm) {
    case RewardArm::kTrue:
      return result;
    case RewardArm::kRandomPermute:
      return permuted(rewards, group, options.seed);
    case RewardArm::kRandomIid:
      return coins(rewards, group, options);
    case RewardArm::kInverted:
      for (std::optional<double>& reward : result) {
        if (reward) reward = 1 - *reward;
      }
      return result;
  }
  return result;
}

std::string_view to_string(ControlVerdict verdict) {
  switch (verdict) {
    case ControlVerdict::kPass:
      return "pass";
    case ControlVerdict::kFlag:
      return "flag";
    case ControlVerdict::kInconclusive:
      return "inconclusive";
  }
  return "";
}

ControlFinding judge_control(const ControlEvidence& evidence, const ControlOptions& options) {
  ASSAY_CHECK(evidence.base.size() == evidence.after_true.size() &&
                  evidence.base.size() == evidence.after_control.size(),
              "both arms and the base evaluate the same prompts");
  constexpr double kTwoOneSidedTests = 0.90;  // each at 5 %
  const auto paired = [&](std::span<const double> before, std::span<const double> after,
                          double level) {
    return paired_interval(before, after, evidence.clusters, level);
  };
  ControlFinding finding;
  finding.true_gain = paired(evidence.base, evidence.after_true, kConfidenceLevel);
  finding.control_gain = paired(evidence.base, evidence.after_control, kConfidenceLevel);
  finding.control_gain_90 = paired(evidence.base, evidence.after_control, kTwoOneSidedTests);
  finding.true_less_control = paired(evidence.after_control, evidence.after_true, kConfidenceLevel);
  std::vector<double> control_gains, true_gains;
  for (std::size_t i = 0; i < evidence.base.size(); ++i) {
    control_gains.push_back(evidence.after_control[i] - evidence.base[i]);
    true_gains.push_back(evidence.after_true[i] - evidence.base[i]);
  }
  finding.share = ratio_of_means(control_gains, true_gains, evidence.clusters, options.bootstrap);
  if (finding.share.null_reason == "no_gap" || finding.share.null_reason == "unstable_gap") {
    finding.share.null_reason = "no_true_gain";
  }
  decide(finding, options.margin);
  return finding;
}

}  // namespace assay::algo
