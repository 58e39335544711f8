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
      fmt::format("pass@1 {} % before, {} % after ({})",
                  percent(source.evaluation.base.pass_curve.front().rate.value),
                  percent(source.evaluation.after->pass_curve.front().rate.value),
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

std::string share_of_gap(const algo::Comparison& comparison) {
  if (!comparison.ratio.value) {
    return "How much of the gap between one try and many was closed cannot be said: " +
           reason_in_words(comparison.ratio.null_reason) + ".";
  }
  return fmt::format(
      "The gain is {} % of the gap that lay between the base policy's first try and its {} tries "
      "({} to {} %).",
      rounded_percent(*comparison.ratio.value), comparison.headline_k,
      rounded_percent(comparison.ratio.low.value_or(0)),
      rounded_percent(comparison.ratio.high.value_or(0)));
}

std::string reach(const algo::Comparison& comparison) {
  const std::string figures =
      fmt::format("pass@{} {}", comparison.headline_k, points_in_words(comparison.capability_gain));
  const char* change = "is unchanged within the noise";
  if (comparison.pass_k == Direction::kUp) change = "grew";
  if (comparison.pass_k == Direction::kDown) change = "shrank";
  return fmt::format("What it reaches in {} tries {} ({}): {}.", comparison.headline_k, change,
                     figures, algo::to_string(comparison.reading));
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
      if (!text.empty()) text += " ";
      if (finding.verdict == algo::ControlVerdict::kPass) {
        text += fmt::format(
            "The same steps with empty rewards ({}) did not help ({}): the gain is "
            "the verifier's.",
            control.arm, figures);
      } else if (finding.verdict == algo::ControlVerdict::kFlag) {
        text += fmt::format(
            "Beware: the same steps with empty rewards ({}) helped too ({}), so the "
            "gain is not all the verifier's.",
            control.arm, figures);
      } else {
        text += fmt::format(
            "Whether empty rewards ({}) would have done the same is not settled "
            "({}).",
            control.arm, figures);
      }
    }
  }
  return text.empty() ? "The control was not measured on this source." : text;
}

std::string shifted_sentence(const ReportSource& source) {
  const algo::Comparison& comparison = *source.evaluation.comparison;
  return fmt::format("{}: pass@1 {}; pass@{} {}.", source.title,
                     points_in_words(comparison.compression_gain), comparison.headline_k,
                     points_in_words(comparison.capability_gain));
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
  std::vector<std::string> sentences{first_try(*source), reach(comparison),
                                     share_of_gap(comparison), control_sentence(input, *source)};
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
