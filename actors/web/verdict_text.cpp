#include "actors/web/verdict_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "actors/web/html_text.h"

namespace assay::web {
namespace {

using algo::Direction;

std::string rounded_percent(double rate) {
  return whole(100 * rate);
}

std::string first_try(const ReportSource& source) {
  const algo::Comparison& comparison = *source.evaluation.comparison;
  const std::string rates =
      fmt::format("right {} % of the time, {} % before ({})",
                  percent(source.evaluation.after->pass_curve.front().rate.value),
                  percent(source.evaluation.base.pass_curve.front().rate.value),
                  points_in_words(comparison.compression_gain));
  switch (comparison.pass_1) {
    case Direction::kUp:
      return "Training made the first try better: " + rates + ".";
    case Direction::kDown:
      return "Training made the first try worse: " + rates + ".";
    case Direction::kFlat:
      break;
  }
  return "Training did not change the first try beyond the noise of measuring: " + rates + ".";
}

const algo::CurvePoint* point_at(const std::vector<algo::CurvePoint>& curve, std::uint32_t k) {
  const auto found =
      std::find_if(curve.begin(), curve.end(), [k](const auto& point) { return point.k == k; });
  return found == curve.end() ? nullptr : &*found;
}

std::string share_of_gap(const algo::Comparison& comparison) {
  const std::uint32_t k = comparison.headline_k;
  if (!comparison.ratio.value) {
    return fmt::format("How much of the gap between one try and {} was closed cannot be said: {}.",
                       k, reason_in_words(comparison.ratio.null_reason));
  }
  const double share = *comparison.ratio.value, low = comparison.ratio.low.value_or(share),
               high = comparison.ratio.high.value_or(share);
  const std::string figures = fmt::format("{} %, 95 % interval {} to {} %", rounded_percent(share),
                                          rounded_percent(low), rounded_percent(high));
  if (low > 1) {
    return fmt::format(
        "Compression: one try now does better than {} tries did before (it closed {} of the gap "
        "between them).",
        k, figures);
  }
  if (high < 0) {
    return fmt::format("The gap between one try and {} grew instead of closing ({}).", k, figures);
  }
  return fmt::format(
      "Compression: one try closed {} of the gap that lay between it and {} tries before.", figures,
      k);
}

std::string reach(const ReportSource& source) {
  const algo::Comparison& comparison = *source.evaluation.comparison;
  const std::uint32_t k = comparison.headline_k;
  const algo::CurvePoint* before = point_at(source.evaluation.base.pass_curve, k);
  const algo::CurvePoint* after = point_at(source.evaluation.after->pass_curve, k);
  const std::string rates =
      before && after ? fmt::format("{} % of the prompts, {} % before", percent(after->rate.value),
                                    percent(before->rate.value))
                      : "what was measured";
  const char* change = "as many as before, within the noise";
  if (comparison.pass_k == Direction::kUp) change = "more than before";
  if (comparison.pass_k == Direction::kDown) change = "fewer than before";
  return fmt::format("Within {} tries it solves {}: {} ({}). Reading: {}.", k, change, rates,
                     points_in_words(comparison.capability_gain),
                     algo::to_string(comparison.reading));
}

// What the most tries that were measured say: a gain that ends there was search, not ability.
std::string widest_reach(const algo::Comparison& comparison) {
  if (comparison.gain_curve.empty()) return "";
  const algo::CurvePoint& widest = comparison.gain_curve.back();
  if (widest.k <= comparison.headline_k || comparison.pass_k != Direction::kUp) return "";
  const std::string figures = points_in_words(widest.rate);
  switch (algo::direction_of(widest.rate)) {
    case Direction::kUp:
      return fmt::format(
          "Over {} tries, the most that was measured, it is still ahead ({}){}.", widest.k, figures,
          widest.rate.value < comparison.capability_gain.value / 2
              ? ", but by less: given tries enough, the base policy finds much of this too"
              : "");
    case Direction::kFlat:
      return fmt::format(
          "Over {} tries, the most that was measured, the two are alike within the noise ({}): the "
          "base policy finds as much, given tries enough.",
          widest.k, figures);
    case Direction::kDown:
      break;
  }
  return fmt::format(
      "Over {} tries, the most that was measured, it solves fewer than before ({}): variety was "
      "lost.",
      widest.k, figures);
}

std::string control_sentence(const ReportInput& input, const ReportSource& source) {
  if (input.controls.empty()) {
    return "No control was run, so it is not shown that the verifier made the difference.";
  }
  std::string text;
  for (const ReportControl& control : input.controls) {
    for (const ControlSource& one : control.sources) {
      if (one.source != source.name) continue;
      const algo::ControlFinding& finding = one.finding;
      const std::string figures = points_in_words(finding.control_gain);
      const std::string arm = arm_in_words(control.arm);
      if (!text.empty()) text += " ";
      if (finding.verdict == algo::ControlVerdict::kPass) {
        text += fmt::format(
            "The same steps with {} did not help ({}): the gain is the verifier's doing.", arm,
            figures);
      } else if (finding.verdict == algo::ControlVerdict::kFlag) {
        text += fmt::format(
            "Beware: the same steps with {} helped too ({}), so the gain is not all the "
            "verifier's.",
            arm, figures);
      } else {
        text +=
            fmt::format("Whether {} would have done the same is not settled ({}).", arm, figures);
      }
    }
  }
  return text.empty() ? "The control was not measured on these prompts." : text;
}

// Whether blind guessing reaches what the trained policy does.
bool is_guessing(const algo::SourceEvaluation& evaluation, std::uint32_t k) {
  const algo::CurvePoint* after = point_at(evaluation.after->pass_curve, k);
  for (const algo::FloorPoint& point : evaluation.guess_floors) {
    if (point.k == k && after != nullptr) return after->rate.value <= point.floor;
  }
  return false;
}

std::string shifted_sentence(const ReportSource& source) {
  const algo::Comparison& comparison = *source.evaluation.comparison;
  const auto change = [](Direction direction) {
    if (direction == Direction::kFlat) return "did not change beyond the noise";
    return direction == Direction::kUp ? "got better" : "got worse";
  };
  std::string text = fmt::format(
      "On prompts unlike those it was trained on ({}) the first try {} ({}), and {} tries {} ({})",
      source.title, change(comparison.pass_1), points_in_words(comparison.compression_gain),
      comparison.headline_k, change(comparison.pass_k),
      points_in_words(comparison.capability_gain));
  if (is_guessing(source.evaluation, comparison.headline_k)) {
    text += fmt::format("; in {} tries blind guessing would reach as much", comparison.headline_k);
  }
  return text + ".";
}

std::string alert_sentence(const ReportInput& input) {
  const auto count = std::count_if(input.alerts.begin(), input.alerts.end(), [](const auto& alert) {
    return alert.level == algo::HealthLevel::kCritical;
  });
  if (count == 0) return "";
  return fmt::format("{} critical health alert{} raised during training; see Health.", count,
                     count == 1 ? " was" : "s were");
}

}  // namespace

const ReportSource* headline_source(const ReportInput& input) {
  for (const ReportSource& source : input.sources) {
    if (source.is_headline) return &source;
  }
  return input.sources.empty() ? nullptr : &input.sources.front();
}

std::string arm_in_words(const std::string& arm) {
  if (arm == "random_permute") return "rewards shuffled inside each group";
  if (arm == "random_iid") return "rewards drawn at random";
  if (arm == "inverted") return "rewards turned upside down";
  return "the rewards of the control \"" + arm + "\"";
}

std::string reason_in_words(const std::string& null_reason) {
  if (null_reason == "no_gap") return "the base policy had no gap beyond the noise";
  if (null_reason == "unstable_gap") return "the base policy's gap is too uncertain";
  if (null_reason == "no_prompts") return "no prompt was measured on both sides";
  if (null_reason == "one_prompt") return "a single prompt has no spread";
  if (null_reason == "no_true_gain") return "there was no gain to share";
  return null_reason.empty() ? "no reason was given" : null_reason;
}

std::vector<std::string> verdict_sentences(const ReportInput& input) {
  const ReportSource* source = headline_source(input);
  if (source == nullptr) return {"Nothing was evaluated, so nothing can be said about a gain."};
  if (!source->evaluation.after) {
    return {"The policy was measured once, so nothing can be said about a gain."};
  }
  if (!source->evaluation.comparison) {
    return {"Too few completions could be scored to compare before and after."};
  }
  const algo::Comparison& comparison = *source->evaluation.comparison;
  std::vector<std::string> sentences{first_try(*source), reach(*source)};
  if (std::string widest = widest_reach(comparison); !widest.empty()) {
    sentences.push_back(std::move(widest));
  }
  sentences.push_back(share_of_gap(comparison));
  sentences.push_back(control_sentence(input, *source));
  for (const ReportSource& other : input.sources) {
    if (&other != source && other.is_shifted && other.evaluation.comparison) {
      sentences.push_back(shifted_sentence(other));
    }
  }
  const std::string alerts = alert_sentence(input);
  if (!alerts.empty()) sentences.push_back(alerts);
  return sentences;
}

}  // namespace assay::web
