#include "actors/web/report_page.h"

#include <fmt/format.h>

#include "actors/web/chart.h"
#include "actors/web/summary.h"
#include "runtime/core/file.h"

namespace assay::web {

namespace {

constexpr const char* kStyle = R"css(
:root{--ink:#1b1f24;--soft:#5c6570;--line:#d9dde2;--page:#fbfbf9;--card:#fff;--base:#8a8f98;
--after:#0b6bcb;--control:#b4530a;--good:#1a7f37;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a2abb5;--line:#343a41;--page:#14171a;
--card:#1b1f23;--base:#9aa1aa;--after:#6cb2ff;--control:#f0a35e;--good:#5cc97a;--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:15px;font-weight:600;color:var(--soft);margin:0 0 6px}
.verdict{font-size:25px;line-height:1.35;font-weight:600;margin:0 0 10px;max-width:46em}
h2{font-size:18px;margin:38px 0 8px;border-top:1px solid var(--line);padding-top:16px}
p{max-width:46em;margin:6px 0}.note,.none{color:var(--soft);font-size:14px}
.row{display:flex;flex-wrap:wrap;gap:20px}.row>*{flex:1 1 440px;min-width:0}
figure{margin:8px 0}figcaption{font-size:14px;font-weight:600;margin-bottom:2px}
svg{width:100%;height:auto;display:block}.grid{stroke:var(--line)}
.tick{fill:var(--soft);font-size:11px}.label{font-size:12px;font-weight:600}
table{border-collapse:collapse;font-size:14px;margin:8px 0;width:100%}
td,th{padding:4px 12px 4px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.here{background:color-mix(in srgb,var(--after) 14%,transparent);font-weight:600}
code{font:13px/1.4 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.scroll{overflow-x:auto}.good{color:var(--good)}.bad{color:var(--bad)}
)css";

std::string percent(double rate) {
  return fmt::format("{:.1f}", 100 * rate);
}

std::string interval_text(const algo::Interval& interval) {
  return fmt::format("{} [{}, {}]", percent(interval.value), percent(interval.low),
                     percent(interval.high));
}

std::string points_text(const algo::Interval& gain) {
  return fmt::format("{:+.1f} points [{:+.1f}, {:+.1f}]", 100 * gain.value, 100 * gain.low,
                     100 * gain.high);
}

const ReportSource* headline(const ReportInput& input) {
  for (const ReportSource& source : input.sources) {
    if (source.is_headline) return &source;
  }
  return input.sources.empty() ? nullptr : &input.sources.front();
}

std::string section(const std::string& title, const std::string& body) {
  return "<h2>" + escape(title) + "</h2>" + body;
}

ChartSeries pass_series(const algo::PolicyEvaluation& policy, const char* label,
                        const char* color) {
  ChartSeries series{label, color, {}, false};
  for (const algo::CurvePoint& point : policy.pass_curve) {
    series.points.push_back(
        {static_cast<double>(point.k), point.rate.value, point.rate.low, point.rate.high});
  }
  return series;
}

std::string pass_charts(const ReportInput& input) {
  std::string body = "<div class=row>";
  for (const ReportSource& source : input.sources) {
    std::vector<ChartSeries> series;
    if (source.evaluation.after) {
      series.push_back(pass_series(*source.evaluation.after, "after", "var(--after)"));
    }
    series.push_back(pass_series(source.evaluation.base, "base", "var(--base)"));
    ChartSeries floor{"guessing", "var(--soft)", {}, true};
    for (const algo::FloorPoint& point : source.evaluation.guess_floors) {
      floor.points.push_back({static_cast<double>(point.k), point.floor, {}, {}});
    }
    series.push_back(floor);
    ChartOptions options;
    options.title =
        fmt::format("{} ({} prompts)", source.title, source.evaluation.base.prompt_count);
    options.is_x_log2 = true;
    options.is_percent = true;
    options.y_min = 0;
    options.y_max = 1;
    options.x_label = "k completions a prompt";
    body += line_chart(series, options);
  }
  return body +
         "</div><p class=note>Bands are 95 % intervals over prompts. pass@k: the chance that at "
         "least one of k completions is correct, estimated without bias.</p>";
}

std::string gain_table(const ReportInput& input) {
  std::string body =
      "<div class=scroll><table><tr><th>source<th class=n>pass@1 base<th class=n>pass@1 after"
      "<th class=n>gain<th class=n>k<th class=n>pass@k gain<th class=n>share of the gap"
      "<th>reading</tr>";
  for (const ReportSource& source : input.sources) {
    const algo::SourceEvaluation& evaluation = source.evaluation;
    if (!evaluation.comparison || !evaluation.after) continue;
    const algo::Comparison& comparison = *evaluation.comparison;
    const std::string ratio =
        comparison.ratio.value
            ? fmt::format("{:.2f} [{:.2f}, {:.2f}]", *comparison.ratio.value,
                          comparison.ratio.low.value_or(0), comparison.ratio.high.value_or(0))
            : "– (" + escape(comparison.ratio.null_reason) + ")";
    body += fmt::format(
        "<tr><td>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}"
        "<td class=n>{}<td>{}</tr>",
        escape(source.title), interval_text(evaluation.base.pass_curve.front().rate),
        interval_text(evaluation.after->pass_curve.front().rate),
        points_text(comparison.compression_gain), comparison.headline_k,
        points_text(comparison.capability_gain), ratio,
        escape(algo::to_string(comparison.reading)));
  }
  return body +
         "</table></div><p class=note>Rates in per cent with 95 % intervals, differences paired by "
         "prompt. The share of the gap compares the pass@1 gain with the base's distance "
         "between pass@1 and pass@k: near 1, training mostly made the first try as good as "
         "the best of k. It is withheld where that distance is within noise.</p>";
}

std::string reading_table(const ReportInput& input) {
  const ReportSource* source = headline(input);
  std::string body = "<table><tr><th>pass@1<th>pass@k<th>reading<th></tr>";
  for (const algo::ReadingRow& row : algo::reading_table()) {
    const bool is_here = source != nullptr && source->evaluation.comparison &&
                         source->evaluation.comparison->reading == row.reading;
    body += fmt::format("<tr{}><td>{}<td>{}<td>{}<td>{}</tr>", is_here ? " class=here" : "",
                        escape(row.pass_1), escape(row.pass_k), escape(row.name),
                        escape(row.explanation));
  }
  return body + "</table>";
}

using Field = std::optional<double> LearningPoint::*;

ChartSeries learning_series(const std::vector<LearningPoint>& points, Field field,
                            const char* label, const char* color) {
  ChartSeries series{label, color, {}, false};
  for (const LearningPoint& point : points) {
    if (const std::optional<double>& value = point.*field) {
      series.points.push_back({static_cast<double>(point.step), *value, {}, {}});
    }
  }
  return series;
}

std::string learning_chart(const ReportInput& input, Field field, const std::string& title,
                           bool is_percent, bool has_controls) {
  std::vector<ChartSeries> series = {
      learning_series(input.learning, field, "training", "var(--after)")};
  for (const ReportControl& control : input.controls) {
    if (!has_controls) break;
    series.push_back(learning_series(control.learning, field, "control", "var(--control)"));
  }
  ChartOptions options;
  options.title = title;
  options.is_percent = is_percent;
  options.x_label = "update";
  options.y_min = 0;
  if (is_percent) options.y_max = 1;
  options.height = 220;
  return line_chart(series, options);
}

std::string learning(const ReportInput& input) {
  return "<div class=row>" +
         learning_chart(input, &LearningPoint::reward_mean, "reward of the batch", true, true) +
         learning_chart(input, &LearningPoint::chain_fraction, "completions with a right chain",
                        true, true) +
         "</div><p class=note>Reward is the verifier's, also for the control, which was trained on "
         "permuted ones.</p>";
}

std::string controls(const ReportInput& input) {
  if (input.controls.empty()) {
    return "<p class=none>No control was run, so it is not known whether the verifier or the "
           "training "
           "process itself made the difference. Add control.arms = [\"random_permute\"].</p>";
  }
  std::string body =
      "<table><tr><th>control<th>source<th class=n>true gain<th class=n>control's gain"
      "<th>verdict<th></tr>";
  for (const ReportControl& control : input.controls) {
    for (const ControlSource& source : control.sources) {
      const bool is_pass = source.finding.verdict == algo::ControlVerdict::kPass;
      body += fmt::format(
          "<tr><td>{}<td>{}<td class=n>{}<td class=n>{}<td class={}>{}<td>{}</tr>",
          escape(control.arm), escape(source.source), points_text(source.finding.true_gain),
          points_text(source.finding.control_gain), is_pass ? "good" : "bad",
          escape(algo::to_string(source.finding.verdict)), escape(source.finding.reason));
    }
  }
  return body +
         "</table><p class=note>Same base, same steps, same data order; only the rewards say "
         "nothing. A control that gains too would mean that the verifier is not what helped.</p>";
}

std::string health(const ReportInput& input) {
  std::string body =
      "<div class=row>" +
      learning_chart(input, &LearningPoint::entropy, "entropy, nats a token", false, true) +
      learning_chart(input, &LearningPoint::zero_signal_fraction, "groups without signal", true,
                     false) +
      learning_chart(input, &LearningPoint::grad_norm, "gradient norm before clipping", false,
                     false) +
      learning_chart(input, &LearningPoint::length_mean, "tokens a completion", false, true) +
      "</div>";
  if (input.alerts.empty()) return body + "<p>No alert was raised.</p>";
  body +=
      "<table><tr><th class=n>update<th>signal<th>level<th class=n>value<th "
      "class=n>threshold<th>what to try</tr>";
  for (const algo::HealthAlert& alert : input.alerts) {
    body +=
        fmt::format("<tr><td class=n>{}<td>{}<td>{}<td class=n>{:.3g}<td class=n>{:.3g}<td>{}</tr>",
                    alert.step, escape(alert.signal), escape(algo::to_string(alert.level)),
                    alert.value, alert.threshold, escape(alert.advice));
  }
  return body + "</table>";
}

std::string staleness(const ReportInput& input) {
  std::uint64_t total = 0;
  for (const std::uint64_t count : input.staleness.histogram) total += count;
  std::vector<Bar> bars;
  for (std::size_t i = 0; i < input.staleness.histogram.size(); ++i) {
    const auto count = static_cast<double>(input.staleness.histogram[i]);
    bars.push_back({fmt::format("{} behind", i), count,
                    fmt::format("{:.0f} rollouts, {:.0f}%", count,
                                total == 0 ? 0 : 100 * count / static_cast<double>(total)),
                    "var(--after)"});
  }
  return bar_chart(bars) +
         fmt::format(
             "<p class=note>How many policy versions behind the learner a rollout's oldest token "
             "was when it was trained on. Bound {}; above it: {}.</p>",
             input.staleness.bound, input.staleness.overflow);
}

std::string time_split(const ReportInput& input) {
  std::vector<Bar> bars;
  for (const TimeShare& share : input.time_split) {
    bars.push_back(
        {share.name, share.seconds, fmt::format("{:.2f} s", share.seconds), "var(--after)"});
  }
  const WallSeconds& wall = input.wall;
  const std::vector<Bar> stages = {
      {wall.is_sft_cached ? "warm-up (cached)" : "warm-up", wall.sft,
       fmt::format("{:.1f} s", wall.sft), "var(--base)"},
      {"base evaluation", wall.base_eval, fmt::format("{:.1f} s", wall.base_eval), "var(--base)"},
      {"training", wall.rl, fmt::format("{:.1f} s", wall.rl), "var(--after)"},
      {"final evaluation", wall.final_eval, fmt::format("{:.1f} s", wall.final_eval),
       "var(--base)"},
      {"controls", wall.control, fmt::format("{:.1f} s", wall.control), "var(--control)"}};
  return fmt::format(
      "<div class=row><figure><figcaption>Stages, {:.1f} s in all</figcaption>{}</figure>"
      "<figure><figcaption>Inside training (wall seconds of each "
      "role)</figcaption>{}</figure></div>",
      wall.total, bar_chart(stages), bar_chart(bars));
}

std::string accounting(const ReportInput& input) {
  const ReportAccounting& books = input.accounting;
  std::string body = fmt::format(
      "<table><tr><td>groups issued<td class=n>{}</tr><tr><td>consumed by an update<td "
      "class=n>{}</tr>",
      books.issued, books.consumed);
  for (const DropCount& drop : books.dropped) {
    body += fmt::format("<tr><td>dropped: {}<td class=n>{}</tr>", escape(drop.reason), drop.count);
  }
  return body + fmt::format(
                    "<tr><td>open<td class=n>{}</tr><tr><td>rollouts left unscored by their "
                    "judge<td class=n>{}</tr></table>",
                    books.open, books.unscored_rollouts);
}

std::string rollouts(const ReportInput& input) {
  if (input.rollouts.empty()) return "<p class=none>none kept</p>";
  std::string body =
      "<div class=scroll><table><tr><th class=n>update<th>prompt<th>completion<th>reference"
      "<th>verdict<th>reason<th class=n>advantage</tr>";
  for (const InspectedRollout& one : input.rollouts) {
    body += fmt::format(
        "<tr><td class=n>{}<td><code>{}</code><td><code>{}</code><td><code>{}</code><td class={}>{}"
        "<td>{}<td class=n>{}</tr>",
        one.step, escape(one.prompt), escape(one.completion), escape(one.reference),
        one.outcome == "correct" ? "good" : "bad", escape(one.outcome), escape(one.reason),
        one.advantage ? fmt::format("{:+.2f}", *one.advantage) : "–");
  }
  return body + "</table></div>";
}

std::string provenance(const ReportInput& input) {
  std::string body = fmt::format(
      "<table><tr><td>command<td><code>{}</code></tr><tr><td>run<td>{}</tr><tr><td>config<td>"
      "<code>{}</code></tr><tr><td>seed<td>{}</tr><tr><td>updates<td>{}</tr><tr><td>mode<td>{}</"
      "tr>",
      escape(input.command), escape(input.run), escape(input.config_sha256), input.seed,
      input.steps, input.is_deterministic ? "deterministic" : "asynchronous");
  for (const ProvenanceFact& fact : input.provenance) {
    body += fmt::format("<tr><td>{}<td><code>{}</code></tr>", escape(fact.name),
                        fact.value.empty() ? "–" : escape(fact.value));
  }
  return body + "</table>";
}

}  // namespace

std::string verdict_sentence(const ReportInput& input) {
  const ReportSource* source = headline(input);
  if (source == nullptr || !source->evaluation.comparison || !source->evaluation.after) {
    return "Nothing was measured before and after, so nothing can be said about a gain.";
  }
  const algo::Comparison& comparison = *source->evaluation.comparison;
  std::string text =
      fmt::format("{}: pass@1 {} -> {} % ({}), pass@{} {}.", algo::to_string(comparison.reading),
                  percent(source->evaluation.base.pass_curve.front().rate.value),
                  percent(source->evaluation.after->pass_curve.front().rate.value),
                  points_text(comparison.compression_gain), comparison.headline_k,
                  points_text(comparison.capability_gain));
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  for (const ReportControl& control : input.controls) {
    for (const ControlSource& finding : control.sources) {
      if (finding.source != source->name) continue;
      text += fmt::format(" Control {}: {} ({}).", control.arm,
                          points_text(finding.finding.control_gain),
                          algo::to_string(finding.finding.verdict));
    }
  }
  return text;
}

std::string report_page(const ReportInput& input) {
  std::string page =
      "<!doctype html><html lang=en><meta charset=utf-8>"
      "<meta name=viewport content='width=device-width,initial-scale=1'>"
      "<meta http-equiv=Content-Security-Policy content=\"default-src 'none';style-src "
      "'unsafe-inline'\">";
  page += "<title>" + escape(input.run) + " · assay</title><style>" + kStyle + "</style><main>";
  page += "<h1>" + escape(input.run) + "</h1><p class=verdict>" + escape(verdict_sentence(input)) +
          "</p>";
  page += section("Better, or only faster at guessing?", pass_charts(input) + gain_table(input));
  page += section("How to read it", reading_table(input));
  page += section("Learning", learning(input));
  page += section("Did the verifier make the difference?", controls(input));
  page += section("Health", health(input));
  page += section("Staleness", staleness(input));
  page += section("Where the time went", time_split(input));
  page += section("Every group accounted for", accounting(input));
  page += section("Rollouts to look at", rollouts(input));
  page += section("Where the numbers come from", provenance(input));
  return page + "</main></html>\n";
}

Result<void> write_report(const ReportInput& input, const std::string& folder) {
  if (auto made = make_folders(folder); !made) return made.error();
  if (auto done = write_file_durably(folder + "/summary.json", summary_json(input)); !done) {
    return done.error();
  }
  return write_file_durably(folder + "/index.html", report_page(input));
}

}  // namespace assay::web
