#include <fmt/format.h>

#include <algorithm>

#include "actors/web/chart.h"
#include "actors/web/html_text.h"
#include "actors/web/report_sections.h"

namespace assay::web {
namespace {

using Field = std::optional<double> LearningPoint::*;

// What a learning chart shows.
struct Curve {
  Field field;
  const char* title;
  bool is_percent = false;
  bool is_whole = false;  // the axis runs to 100 %
  bool has_controls = false;
  const char* signal = "";  // of an alert whose threshold belongs in the picture
};

ChartSeries learning_series(const std::vector<LearningPoint>& points, Field field,
                            std::string label, std::string color) {
  ChartSeries series{std::move(label), std::move(color), {}, false};
  for (const LearningPoint& point : points) {
    if (const std::optional<double>& value = point.*field) {
      series.points.push_back({static_cast<double>(point.step), *value, {}, {}});
    }
  }
  return series;
}

std::string learning_chart(const ReportInput& input, const Curve& curve) {
  std::vector<ChartSeries> series;
  if (curve.has_controls) {
    for (const ReportControl& control : input.controls) {
      series.push_back(learning_series(control.learning, curve.field, "control", "var(--control)"));
    }
  }
  series.push_back(learning_series(input.learning, curve.field, series.empty() ? "" : "training",
                                   "var(--after)"));
  ChartOptions options;
  options.title = curve.title;
  options.is_percent = curve.is_percent;
  options.x_label = "update";
  options.width = 340;
  options.height = 180;
  options.y_min = 0;
  if (curve.is_whole) options.y_max = 1;
  for (const algo::HealthAlert& alert : input.alerts) {
    if (alert.signal != curve.signal) continue;
    options.threshold = alert.threshold;
    options.marks.push_back({static_cast<double>(alert.step), std::string(to_string(alert.level))});
  }
  return line_chart(series, options);
}

bool has_any(const ReportInput& input, Field field) {
  return std::any_of(input.learning.begin(), input.learning.end(),
                     [&](const LearningPoint& point) { return (point.*field).has_value(); });
}

// Charts of what was measured; a run without a reference or without chains has fewer.
std::string learning_charts(const ReportInput& input, std::initializer_list<Curve> curves) {
  std::string body = "<div class=\"row small\">";
  for (const Curve& curve : curves) {
    if (has_any(input, curve.field)) body += learning_chart(input, curve);
  }
  return body + "</div>";
}

std::string alert_table(const ReportInput& input) {
  if (input.alerts.empty()) return "<p>No alert was raised.</p>";
  std::string body =
      "<div class=scroll><table><tr><th class=n>update<th>signal<th>level<th class=n>value"
      "<th class=n>threshold<th>what it means</tr>";
  for (const algo::HealthAlert& alert : input.alerts) {
    body += fmt::format(
        "<tr><td class=n>{}<td>{}<td class={}>{}<td class=n>{}<td class=n>{}<td>{}</tr>",
        alert.step, escape(alert.signal),
        alert.level == algo::HealthLevel::kCritical ? "bad" : "open", to_string(alert.level),
        figure(alert.value), figure(alert.threshold), escape(alert.advice));
  }
  return body + "</table></div>";
}

std::string labelled(const std::string& title, const std::string& chart) {
  return "<figure><figcaption>" + escape(title) + "</figcaption>" + chart + "</figure>";
}

std::string rate_row(const char* name, const std::optional<double>& value, double divisor,
                     const char* unit) {
  return fmt::format("<tr><td>{}<td class=n>{}</tr>", name,
                     value ? whole(*value / divisor) + " " + unit : dash("not measured"));
}

std::string fact(const std::string& name, const std::string& value) {
  return fmt::format("<tr><td>{}<td>{}</tr>", escape(name),
                     value.empty() ? dash("not recorded") : "<code>" + escape(value) + "</code>");
}

}  // namespace

std::string learning_section(const ReportInput& input) {
  if (input.learning.empty()) return "<p class=none>No update was made.</p>";
  return learning_charts(
             input,
             {{&LearningPoint::reward_mean, "Mean reward of the batch", true, true, true},
              {&LearningPoint::all_correct_fraction, "Groups all right: nothing left to learn",
               true, true, true},
              {&LearningPoint::all_wrong_fraction, "Groups all wrong: out of reach", true, true,
               true},
              {&LearningPoint::eval_pass_1, "pass@1 on evaluation prompts", true, true, true},
              {&LearningPoint::chain_fraction, "Completions with a right chain", true, true, true},
              {&LearningPoint::length_mean, "Tokens a completion", false, false, true}}) +
         "<p class=note>The reward is the verifier's in every curve; the control was trained on "
         "rewards that say nothing.</p>";
}

std::string health_section(const ReportInput& input) {
  return learning_charts(
             input,
             {{&LearningPoint::entropy, "Entropy, nats a token", false, false, true, "entropy"},
              {&LearningPoint::zero_signal_fraction, "Groups without signal", true, true, false,
               "zero_signal"},
              {&LearningPoint::grad_norm, "Gradient norm before clipping", false, false, false,
               "grad_norm"},
              {&LearningPoint::kl_behaviour, "KL, sampler to trainer, nats a token", false, false,
               false, "kl_behaviour"},
              {&LearningPoint::ess, "Effective sample size", true, true, false, "ess"},
              {&LearningPoint::clip_high_fraction, "Tokens clipped from above", true, false, false,
               ""}}) +
         alert_table(input);
}

std::string staleness_section(const ReportInput& input) {
  const ReportStaleness& staleness = input.staleness;
  double total = static_cast<double>(staleness.overflow);
  for (const std::uint64_t count : staleness.histogram) total += static_cast<double>(count);
  if (total == 0) return "<p class=none>No rollout was trained.</p>";
  std::vector<Bar> bars;
  for (std::size_t i = 0; i < staleness.histogram.size(); ++i) {
    const auto count = static_cast<double>(staleness.histogram[i]);
    bars.push_back({i == 0 ? "current" : fmt::format("{} behind", i), count,
                    fmt::format("{} rollouts, {:.0f} %", whole(count), 100 * count / total)});
  }
  if (staleness.overflow > 0) {
    bars.push_back({"beyond the bound", static_cast<double>(staleness.overflow),
                    fmt::format("{} rollouts: a defect", staleness.overflow), "var(--bad)"});
  }
  return bar_chart(bars) +
         fmt::format(
             "<p class=note>How many policy versions passed between the oldest token of a "
             "rollout and its training. The bound is {}; {} above it.</p>",
             staleness.bound,
             staleness.overflow == 0 ? "none lay" : std::to_string(staleness.overflow));
}

std::string time_section(const ReportInput& input) {
  const auto bar = [](std::string name, double seconds, const char* color) {
    return Bar{std::move(name), seconds, fmt::format("{:.1f} s", seconds), color};
  };
  const WallSeconds& wall = input.wall;
  const std::vector<Bar> stages{
      bar(wall.is_sft_cached ? "warm-up (cached)" : "warm-up", wall.sft, "var(--base)"),
      bar("base evaluation", wall.base_eval, "var(--base)"),
      bar("training", wall.rl, "var(--after)"),
      bar("final evaluation", wall.final_eval, "var(--base)"),
      bar("controls", wall.control, "var(--control)")};
  std::vector<Bar> inside;
  for (const TimeShare& share : input.time_split) {
    inside.push_back(bar(share.name, share.seconds, "var(--after)"));
  }
  const ReportThroughput& rates = input.throughput;
  return "<div class=row>" +
         labelled(fmt::format("The whole run, {:.0f} s", wall.total), bar_chart(stages)) +
         (inside.empty() ? "" : labelled("Inside training", bar_chart(inside))) +
         "</div><div class=scroll><table class=narrow>" +
         rate_row("rollouts", rates.rollouts_per_s, 1, "/s") +
         rate_row("tokens generated", rates.generated_tokens_per_s, 1, "/s") +
         rate_row("tokens trained", rates.trained_tokens_per_s, 1, "/s") +
         rate_row("peak memory", rates.peak_memory_bytes, 1 << 20, "MiB") +
         rate_row("CPU time", input.cpu.total_s, 1, "s") +
         rate_row("of it outside the engine's arithmetic", input.cpu.orchestration_fraction, 0.01,
                  "%") +
         "</table></div><p class=note>Inside training the actors work side by side, so its parts "
         "overlap: they need not add up to its length.</p>";
}

std::string accounting_section(const ReportInput& input) {
  const ReportAccounting& counts = input.accounting;
  std::uint64_t dropped = 0;
  std::string rows;
  for (const DropCount& drop : counts.dropped) {
    dropped += drop.count;
    rows += fmt::format("<tr><td>dropped: {}<td class=n>{}</tr>", escape(drop.reason),
                        whole(static_cast<double>(drop.count)));
  }
  const auto row = [](const char* name, std::uint64_t count) {
    return fmt::format("<tr><td>{}<td class=n>{}</tr>", name, whole(static_cast<double>(count)));
  };
  const bool is_closed = counts.issued == counts.consumed + dropped + counts.open;
  return "<table class=narrow>" + row("groups issued", counts.issued) +
         row("consumed by an update", counts.consumed) + rows + row("still open", counts.open) +
         row("rollouts their judge could not score", counts.unscored_rollouts) +
         row("rollouts in quarantine: they tripped a wire", counts.tripped_rollouts) + "</table>" +
         (is_closed
              ? "<p class=note>Issued = consumed + dropped + open. Unscored rollouts are left "
                "out of training, never counted as wrong.</p>"
              : "<p class=bad>The books do not close: issued differs from consumed + dropped "
                "+ open. This is a defect.</p>");
}

std::string provenance_section(const ReportInput& input) {
  std::string body = "<div class=scroll><table class=facts>" + fact("command", input.command) +
                     fact("run", input.run) + fact("config, SHA-256", input.config_sha256) +
                     fact("seed", std::to_string(input.seed)) +
                     fact("updates", std::to_string(input.steps)) +
                     fact("mode", input.is_deterministic ? "deterministic" : "asynchronous");
  for (const ProvenanceFact& one : input.provenance) body += fact(one.name, one.value);
  return body + "</table></div>";
}

}  // namespace assay::web
