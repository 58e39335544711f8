#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "actors/web/chart.h"
#include "actors/web/html_text.h"
#include "actors/web/report_sections.h"
#include "actors/web/verdict_text.h"

namespace assay::web {
namespace {

using algo::CurvePoint;

std::string ratio_text(const algo::RatioEstimate& ratio) {
  if (!ratio.value) return dash(reason_in_words(ratio.null_reason));
  return fmt::format("{} <small>{} to {}</small>", decimal(*ratio.value),
                     decimal(ratio.low.value_or(0)), decimal(ratio.high.value_or(0)));
}

const CurvePoint* point_at(const std::vector<CurvePoint>& curve, std::uint32_t k) {
  const auto found =
      std::find_if(curve.begin(), curve.end(), [&](const CurvePoint& one) { return one.k == k; });
  return found == curve.end() ? nullptr : &*found;
}

// A point nobody had enough completions for is not a rate of 0.
bool is_measured(const CurvePoint& point, const algo::PolicyEvaluation& policy) {
  return point.excluded < policy.prompt_count;
}

ChartSeries curve_series(const std::vector<CurvePoint>& curve, const algo::PolicyEvaluation& policy,
                         std::string label, std::string color) {
  ChartSeries series{std::move(label), std::move(color), {}, false};
  for (const CurvePoint& point : curve) {
    if (!is_measured(point, policy)) continue;
    series.points.push_back(
        {static_cast<double>(point.k), point.rate.value, point.rate.low, point.rate.high});
  }
  return series;
}

std::string pass_chart(const ReportSource& source, bool is_small) {
  const algo::SourceEvaluation& evaluation = source.evaluation;
  std::vector<ChartSeries> series;
  series.push_back(curve_series(evaluation.base.pass_curve, evaluation.base,
                                evaluation.after ? "before" : "policy", "var(--base)"));
  if (evaluation.after) {
    series.push_back(
        curve_series(evaluation.after->pass_curve, *evaluation.after, "after", "var(--after)"));
  }
  ChartSeries floor{"guessing", "var(--soft)", {}, true};
  for (const algo::FloorPoint& point : evaluation.guess_floors) {
    if (point.floor > 0)
      floor.points.push_back({static_cast<double>(point.k), point.floor, {}, {}});
  }
  series.push_back(floor);
  ChartOptions options;
  options.title = fmt::format("{}, {} prompts", source.title, evaluation.base.prompt_count);
  options.is_x_log2 = options.is_percent = true;
  options.y_min = 0;
  options.y_max = 1;
  options.x_label = "k tries";
  if (is_small) {
    options.width = 340;
    options.height = 215;
  }
  return line_chart(series, options);
}

std::string curve_row(const char* name, const std::vector<CurvePoint>& before,
                      const algo::PolicyEvaluation& base, const algo::PolicyEvaluation* after,
                      const std::vector<CurvePoint>* now) {
  std::string rows;
  for (const CurvePoint& point : before) {
    const CurvePoint* then = now ? point_at(*now, point.k) : nullptr;
    rows += fmt::format(
        "<tr><td>{}@{}<td class=n>{}<td class=n>{}</tr>", name, point.k,
        is_measured(point, base) ? percent_interval(point.rate) : dash("too few completions"),
        then && after && is_measured(*then, *after) ? percent_interval(then->rate)
                                                    : dash("not measured"));
  }
  return rows;
}

// Every estimate of a source, folded away until wanted.
std::string all_numbers(const ReportSource& source) {
  const algo::PolicyEvaluation& base = source.evaluation.base;
  const algo::PolicyEvaluation* after =
      source.evaluation.after ? &*source.evaluation.after : nullptr;
  std::string body = fmt::format(
      "<details><summary>All estimates: {}</summary><div class=scroll><table><tr><th>"
      "<th class=n>before, %<th class=n>after, %</tr>",
      escape(source.title));
  body += curve_row("pass", base.pass_curve, base, after, after ? &after->pass_curve : nullptr);
  body += curve_row("right chain and answer, pass", base.chain_curve, base, after,
                    after ? &after->chain_curve : nullptr);
  body += curve_row("majority vote, maj", base.majority_curve, base, after,
                    after ? &after->majority_curve : nullptr);
  if (!base.chain_curve.empty()) {
    const auto share = [](const std::optional<double>& value) {
      return value ? percent(*value) : dash("no right answers");
    };
    body += fmt::format(
        "<tr><td>right chain, given a right answer<td class=n>{}<td class=n>{}</tr>",
        share(base.chain_fraction), after ? share(after->chain_fraction) : dash("not measured"));
  }
  body +=
      fmt::format("<tr><td>completions left unscored<td class=n>{}<td class=n>{}</tr>",
                  base.unscored, after ? std::to_string(after->unscored) : dash("not measured"));
  return body + "</table></div></details>";
}

std::string strata_table(const ReportSource& source) {
  const auto& before = source.evaluation.base.strata;
  if (before.size() < 2 || !source.evaluation.after) return "";
  const auto& after = source.evaluation.after->strata;
  std::string body = fmt::format(
      "<details><summary>By kind of prompt: {}</summary><div class=scroll><table><tr><th>"
      "<th class=n>prompts<th class=n>pass@1 before, %<th class=n>after, %"
      "<th class=n>pass@k before, %<th class=n>after, %</tr>",
      escape(source.title));
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    body += fmt::format(
        "<tr><td>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}</tr>",
        before[i].stratum.empty() ? dash("unnamed") : escape(before[i].stratum),
        before[i].prompt_count, percent_interval(before[i].pass_1),
        percent_interval(after[i].pass_1), percent_interval(before[i].pass_k),
        percent_interval(after[i].pass_k));
  }
  return body + "</table></div></details>";
}

std::string tile(const std::string& name, const std::string& value, const std::string& note) {
  return fmt::format(
      "<div class=tile><div class=name>{}</div><div class=value>{}</div><small>{}"
      "</small></div>",
      name, value, note);
}

std::string change(const algo::Interval& before, const algo::Interval& after) {
  return fmt::format("{} <span class=to>→</span> {} <span class=unit>%</span>",
                     percent(before.value), percent(after.value));
}

std::string in_points(const algo::Interval& gain) {
  return fmt::format("{} points, {} to {}", signed_points(gain.value), signed_points(gain.low),
                     signed_points(gain.high));
}

std::string control_tile(const ReportInput& input, const ReportSource& source) {
  for (const ReportControl& control : input.controls) {
    for (const ControlSource& one : control.sources) {
      if (one.source != source.name) continue;
      return tile("Same steps, rewards that say nothing",
                  fmt::format("{} <span class=unit>points</span>",
                              signed_points(one.finding.control_gain.value)),
                  fmt::format("{} to {}; verdict: {}", signed_points(one.finding.control_gain.low),
                              signed_points(one.finding.control_gain.high),
                              to_string(one.finding.verdict)));
    }
  }
  return tile("Same steps, rewards that say nothing", "–", "no control was run");
}

SpanGroup span_group(const ReportSource& source) {
  const algo::SourceEvaluation& evaluation = source.evaluation;
  const std::uint32_t k = evaluation.comparison->headline_k;
  const auto span = [&](const char* label, const algo::PolicyEvaluation& policy,
                        const char* color) {
    const CurvePoint* reach = point_at(policy.pass_curve, k);
    const double first = policy.pass_curve.front().rate.value;
    return Span{label, first, reach ? reach->rate.value : first, color};
  };
  return {source.title,
          {span("before", evaluation.base, "var(--base)"),
           span("after", *evaluation.after, "var(--after)")}};
}

std::string gain_row(const ReportSource& source) {
  const algo::Comparison& comparison = *source.evaluation.comparison;
  return fmt::format(
      "<tr><td>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}<td>{}</tr>",
      escape(source.title), points_interval(comparison.compression_gain),
      points_interval(comparison.capability_gain), ratio_text(comparison.ratio),
      comparison.crossing_k ? std::to_string(*comparison.crossing_k) : dash("never"),
      escape(to_string(comparison.reading)));
}

std::string control_row(const ReportControl& control, const ControlSource& one) {
  const algo::ControlFinding& finding = one.finding;
  const char* tone = finding.verdict == algo::ControlVerdict::kPass   ? "good"
                     : finding.verdict == algo::ControlVerdict::kFlag ? "bad"
                                                                      : "open";
  return fmt::format(
      "<tr><td>{}<td>{}<td class=n>{}<td class=n>{}<td class=n>{}<td class={}>{}</tr>",
      escape(control.arm), escape(one.source), points_interval(finding.true_gain),
      points_interval(finding.control_gain), ratio_text(finding.share), tone,
      to_string(finding.verdict));
}

std::string shift_chart(const ReportSource& source) {
  const auto& before = source.evaluation.base.prompt_rates;
  const auto& after = source.evaluation.after->prompt_rates;
  // Cells of 1/32: prompts with nearly the same rates share a disc.
  std::map<std::pair<int, int>, double> cells;
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    if (!before[i] || !after[i]) continue;
    cells[{static_cast<int>(std::lround(*before[i] * 32)),
           static_cast<int>(std::lround(*after[i] * 32))}] += 1;
  }
  std::vector<Bubble> bubbles;
  for (const auto& [place, count] : cells) {
    bubbles.push_back({place.first / 32.0, place.second / 32.0, count});
  }
  ChartOptions options;
  options.title = source.title;
  options.width = 300;
  options.height = 270;
  options.x_label = "across: solved before; upwards: after";
  return bubble_chart(bubbles, options);
}

std::string shift_row(const ReportSource& source) {
  const algo::PromptShift& shift = source.evaluation.comparison->shift;
  return fmt::format(
      "<tr><td>{}<td class=n>{}<td class=n>{} <small>{} beyond chance</small><td class=n>{}"
      "<td class=n>{}</tr>",
      escape(source.title), shift.self_distilled, shift.newly_reached,
      shift.newly_reached_significant, shift.lost, shift.forgotten);
}

}  // namespace

std::string key_figures(const ReportInput& input) {
  const ReportSource* source = headline_source(input);
  if (!source || !source->evaluation.comparison || !source->evaluation.after) return "";
  const algo::SourceEvaluation& evaluation = source->evaluation;
  const algo::Comparison& comparison = *evaluation.comparison;
  const CurvePoint* before = point_at(evaluation.base.pass_curve, comparison.headline_k);
  const CurvePoint* after = point_at(evaluation.after->pass_curve, comparison.headline_k);
  std::string body = "<div class=tiles>";
  body += tile(
      "First try, pass@1",
      change(evaluation.base.pass_curve.front().rate, evaluation.after->pass_curve.front().rate),
      in_points(comparison.compression_gain));
  if (before && after) {
    body += tile(fmt::format("Reach in {0} tries, pass@{0}", comparison.headline_k),
                 change(before->rate, after->rate), in_points(comparison.capability_gain));
  }
  const algo::RatioEstimate& ratio = comparison.ratio;
  body += ratio.value
              ? tile("Compression ratio", decimal(*ratio.value),
                     fmt::format("{:.2f} to {:.2f}; gain / gap to pass@{}", ratio.low.value_or(0),
                                 ratio.high.value_or(0), comparison.headline_k))
              : tile("Compression ratio", "–", escape(reason_in_words(ratio.null_reason)));
  return body + control_tile(input, *source) + "</div>";
}

std::string pass_section(const ReportInput& input) {
  const bool is_small = input.sources.size() > 2;  // three stand side by side
  std::string charts = is_small ? "<div class=\"row small\">" : "<div class=row>", details;
  for (const ReportSource& source : input.sources) {
    charts += pass_chart(source, is_small);
    details += all_numbers(source) + strata_table(source);
  }
  return charts +
         "</div><p class=note>pass@k is the chance that at least one of k tries is correct, "
         "estimated without bias. Bands are 95 % intervals over prompts. The dashed line is what "
         "blind guessing reaches.</p>" +
         details;
}

std::string gain_section(const ReportInput& input) {
  std::vector<SpanGroup> groups;
  std::string rows;
  std::uint32_t k = 0;
  for (const ReportSource& source : input.sources) {
    if (!source.evaluation.comparison || !source.evaluation.after) continue;
    groups.push_back(span_group(source));
    rows += gain_row(source);
    k = source.evaluation.comparison->headline_k;
  }
  if (groups.empty()) return "<p class=none>Nothing was measured both before and after.</p>";
  return "<div class=row>" +
         span_chart(groups, "first try, pass@1", fmt::format("{0} tries, pass@{0}", k)) +
         "<p>Compression moves the dot towards the ring: what took many tries takes "
         "one. Capability moves the ring: tasks come within reach that were not.</p></div>"
         "<div class=scroll><table><tr><th><th class=n>pass@1, points" +
         fmt::format("<th class=n>pass@{}, points", k) +
         "<th class=n>compression ratio<th class=n>falls below before at k<th>reading</tr>" + rows +
         "</table></div><p class=note>Differences are paired by prompt, with 95 % intervals. The "
         "compression ratio is the gain at the first try over the gap that the base policy had "
         "between one try and many; it is withheld where that gap is within the noise.</p>";
}

std::string reading_section(const ReportInput& input) {
  const ReportSource* source = headline_source(input);
  std::string body = "<div class=scroll><table><tr><th>pass@1<th>pass@k<th>reading</tr>";
  for (const algo::ReadingRow& row : algo::reading_table()) {
    const bool is_here = source && source->evaluation.comparison &&
                         source->evaluation.comparison->reading == row.reading;
    body += fmt::format(
        "<tr{}><td class=arrow>{}<td class=arrow>{}<td><div "
        "class=said><b>{}</b><span>{}</span></div>"
        "</tr>",
        is_here ? " class=here" : "", escape(row.pass_1), escape(row.pass_k), escape(row.name),
        escape(row.explanation));
  }
  return body +
         "</table></div><p class=note>An arrow up or down means that the 95 % interval of the "
         "change excludes zero. The marked row is this run's.</p>";
}

std::string control_section(const ReportInput& input) {
  if (input.controls.empty()) {
    return "<p class=none>No control was run, so it is not known whether the verifier or the "
           "training itself made the difference.</p>";
  }
  std::string body =
      "<div class=scroll><table><tr><th>control<th>prompts<th class=n>verifier's rewards, points"
      "<th class=n>control's rewards, points<th class=n>share explained<th>verdict</tr>";
  for (const ReportControl& control : input.controls) {
    for (const ControlSource& one : control.sources) body += control_row(control, one);
  }
  body += "</table></div>";
  const ReportSource* source = headline_source(input);
  for (const ReportControl& control : input.controls) {
    for (const ControlSource& one : control.sources) {
      if (source && one.source == source->name) {
        body += "<p>" + escape(control.arm) + ", " + escape(arm_in_words(control.arm)) + ": " +
                escape(one.finding.reason) + ".</p>";
      }
    }
  }
  return body +
         "<p class=note>Same base, same prompts in the same order, same number of steps; only the "
         "rewards say nothing. Where these gain too, the gain is not the verifier's. "
         "“Inconclusive” means that too few prompts were measured to tell.</p>";
}

std::string shift_section(const ReportInput& input) {
  std::string charts, rows;
  for (const ReportSource& source : input.sources) {
    if (!source.evaluation.comparison || !source.evaluation.after) continue;
    charts += shift_chart(source);
    rows += shift_row(source);
  }
  if (charts.empty()) return "<p class=none>Nothing was measured both before and after.</p>";
  return "<div class=\"row small\">" + charts +
         "</div><div class=scroll><table><tr><th><th class=n>reached, now solved"
         "<th class=n>newly reached<th class=n>lost<th class=n>forgotten</tr>" +
         rows +
         "</table></div><p class=note>Each disc is a set of prompts, its area their number; above "
         "the diagonal they are solved more often than before. Solved: at least half of the tries; "
         "reached: at least one; newly reached: none before, at least two now. Two measurements of "
         "one unchanged policy differ a little as well.</p>";
}

}  // namespace assay::web
