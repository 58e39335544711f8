// Controls: the same training with rewards that say nothing, to learn what the verifier is worth.
//
// Permuting the true rewards inside each group keeps mean, variance and the fraction of zero-signal
// groups; independent coins of the same mean keep only the mean and hand out far more noise. Both
// are pure functions of (seed, ids), so a replay or a retry gives the same rewards.
// Source: arXiv:2506.10947 (random rewards), the RLVR article (threshold 0.05), and our protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/algo/advantage.h"
#include "runtime/algo/bootstrap.h"
#include "runtime/algo/confidence.h"
#include "runtime/core/ids.h"

namespace assay::algo {

enum class RewardArm : std::uint8_t {
  kTrue,
  kRandomPermute,  // the group's true rewards in a random order
  kRandomIid,      // coins of probability reward_mean
  kInverted,       // 1 - reward
};

std::string_view to_string(RewardArm arm);  // "true", "random_permute", "random_iid", "inverted"
std::optional<RewardArm> parse_reward_arm(std::string_view name);

struct RewardArmOptions {
  RewardArm arm = RewardArm::kTrue;
  std::uint64_t seed = 0;
  // kRandomIid: mean verifier reward of the base policy's own rollouts on the training prompts.
  double reward_mean = 0.5;
};

// The rewards training sees in this arm: [group_size]. Unscored rollouts stay unscored.
GroupRewards arm_rewards(std::span<const std::optional<double>> rewards, GroupId group,
                         const RewardArmOptions& options);

enum class ControlVerdict : std::uint8_t { kPass, kFlag, kInconclusive };

std::string_view to_string(ControlVerdict verdict);  // "pass", "flag", "inconclusive"

// Per-prompt pass@1 of the base policy and of both arms' final policies, same prompts, same order.
// A prompt none of whose completions could be scored has no rate; it leaves the comparison.
struct ControlEvidence {
  std::span<const std::optional<double>> base;
  std::span<const std::optional<double>> after_true;
  std::span<const std::optional<double>> after_control;
  std::span<const std::uint32_t> clusters;  // empty = each prompt on its own
};

struct ControlFinding {
  ControlVerdict verdict = ControlVerdict::kInconclusive;
  std::string reason;          // one sentence with the figures that decided
  Interval true_gain;          // 95 %, paired
  Interval control_gain;       // 95 %, paired
  Interval control_gain_90;    // 90 %: two one-sided tests at 5 %
  Interval true_less_control;  // 95 %, paired
  RatioEstimate share;         // control gain / true gain; absent when the true gain is not real

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("verdict", self.verdict, "reason", self.reason, "true_gain", self.true_gain,
             "control_gain", self.control_gain, "control_gain_90", self.control_gain_90,
             "true_less_control", self.true_less_control, "share", self.share);
  }
};

struct ControlOptions {
  double margin = 0.05;  // a fraction of pass@1; also the equivalence bound
  BootstrapOptions bootstrap;
};

// Flag: the control's gain is above 0 beyond its interval, or above the margin. Pass: it is shown
// to be within the margin (90 % interval inside (-margin, margin)) or is negative, and the true arm
// is better beyond the interval. Anything else is inconclusive: absence of evidence passes nothing.
// Aborts when the spans disagree in length.
ControlFinding judge_control(const ControlEvidence& evidence, const ControlOptions& options);

}  // namespace assay::algo
