#include "actors/web/summary.h"

#include <cmath>
#include <optional>
#include <string_view>

#include "runtime/core/json.h"

namespace assay::web {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;

Json number(std::optional<double> value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

Json interval(const algo::Interval& value) {
  return {{"value", number(value.value)}, {"low", number(value.low)}, {"high", number(value.high)}};
}

Json absent(std::string_view reason) {
  return {{"value", nullptr}, {"low", nullptr}, {"high", nullptr}, {"null_reason", reason}};
}

std::string at(std::string_view name, std::uint32_t k) {
  return std::string(name) + "@" + std::to_string(k);
}

// {"pass@1": {...}, ...}; a k that no prompt has enough completions for is null.
Json curve(std::string_view name, const std::vector<algo::CurvePoint>& points,
           std::uint32_t prompt_count) {
  Json object = Json::object();
  for (const algo::CurvePoint& point : points) {
    const bool has_value = point.excluded < prompt_count;
    Json entry = has_value ? interval(point.rate) : absent("too_few_scored_completions");
    if (point.excluded > 0) entry["excluded_prompts"] = point.excluded;
    object[at(name, point.k)] = entry;
  }
  return object;
}

Json policy(const algo::PolicyEvaluation& evaluation) {
  Json object = curve("pass", evaluation.pass_curve, evaluation.prompt_count);
  for (const auto& [name, points] : {std::pair("cot_pass", &evaluation.chain_curve),
                                     std::pair("maj", &evaluation.majority_curve)}) {
    const Json entries = curve(name, *points, evaluation.prompt_count);
    object.update(entries);
  }
  object["chain_given_answer"] = number(evaluation.chain_fraction);
  if (!evaluation.chain_fraction) {
    object["chain_given_answer_null_reason"] =
        evaluation.chain_curve.empty() ? "chains_not_checked" : "no_correct_answers";
  }
  object["unscored"] = evaluation.unscored;
  Json strata = Json::object();
  for (const algo::StratumRates& stratum : evaluation.strata) {
    if (stratum.stratum.empty()) continue;
    strata[stratum.stratum] = {{"n_prompts", stratum.prompt_count},
                               {"pass@1", interval(stratum.pass_1)},
                               {"pass@k", interval(stratum.pass_k)}};
  }
  if (!strata.empty()) object["strata"] = strata;
  return object;
}

Json ratio(const algo::RatioEstimate& estimate) {
  return {{"value", number(estimate.value)},
          {"low", number(estimate.low)},
          {"high", number(estimate.high)},
          {"null_reason", estimate.value ? Json() : Json(estimate.null_reason)}};
}

Json shift(const algo::PromptShift& counts) {
  return {{"self_distilled", counts.self_distilled},
          {"newly_reached", counts.newly_reached},
          {"newly_reached_significant", counts.newly_reached_significant},
          {"lost", counts.lost},
          {"forgotten", counts.forgotten}};
}

void add_comparison(const algo::Comparison& comparison, std::uint32_t prompt_count, Json& object) {
  object["headline_k"] = comparison.headline_k;
  object["compression_ratio"] = ratio(comparison.ratio);
  object["compression_gain"] = interval(comparison.compression_gain);
  object["capability_gain"] = interval(comparison.capability_gain);
  object["gap_closed"] = number(comparison.gap_closed);
  Json ratios = Json::object();
  for (const algo::RatioPoint& point : comparison.ratio_curve) {
    ratios[std::to_string(point.k)] = ratio(point.ratio);
  }
  object["compression_ratio_by_k"] = ratios;
  object["gain"] = curve("pass", comparison.gain_curve, prompt_count);
  object["crossing_k"] = comparison.crossing_k ? Json(*comparison.crossing_k) : Json();
  object["crossing_k_null_reason"] = comparison.crossing_k ? Json() : Json("none_up_to_largest_k");
  object["directions"] = {{"pass@1", to_string(comparison.pass_1)},
                          {at("pass", comparison.headline_k), to_string(comparison.pass_k)}};
  object["reading"] = to_string(comparison.reading);
  object["prompt_shift"] = shift(comparison.shift);
}

void add_no_comparison(bool has_after, Json& object) {
  const char* reason = has_after ? "too_few_scored_completions" : "no_evaluation_after_training";
  for (const char* name : {"compression_ratio", "capability_gain"}) object[name] = absent(reason);
  object["crossing_k"] = nullptr;
  object["crossing_k_null_reason"] = reason;
  object["reading"] = nullptr;
  object["reading_null_reason"] = reason;
}

Json source(const ReportSource& source) {
  const algo::SourceEvaluation& evaluation = source.evaluation;
  Json object = {
      {"n_prompts", evaluation.base.prompt_count}, {"n_samples", evaluation.base.completion_count},
      {"unscored", evaluation.base.unscored},      {"clustered_by", evaluation.clustered_by},
      {"is_shifted", source.is_shifted},           {"base", policy(evaluation.base)}};
  object["after"] = evaluation.after ? policy(*evaluation.after) : Json();
  if (!evaluation.after) object["after_null_reason"] = "no_evaluation_after_training";
  Json floors = Json::object();
  for (const algo::FloorPoint& point : evaluation.guess_floors) {
    floors[at("pass", point.k)] = number(point.floor);
  }
  object["guess_floor"] = floors;
  if (evaluation.comparison) {
    add_comparison(*evaluation.comparison, evaluation.base.prompt_count, object);
  } else {
    add_no_comparison(evaluation.after.has_value(), object);
  }
  return object;
}

Json control(const ReportControl& arm) {
  Json sources = Json::object();
  for (const ControlSource& one : arm.sources) {
    const algo::ControlFinding& finding = one.finding;
    sources[one.source] = {{"verdict", to_string(finding.verdict)},
                           {"reason", finding.reason},
                           {"true_gain", interval(finding.true_gain)},
                           {"gain", interval(finding.control_gain)},
                           {"gain_90", interval(finding.control_gain_90)},
                           {"true_less_control", interval(finding.true_less_control)},
                           {"share_explained", ratio(finding.share)}};
  }
  return sources;
}

Json alert(const algo::HealthAlert& one) {
  return {{"step", one.step},
          {"signal", one.signal},
          {"level", to_string(one.level)},
          {"value", number(one.value)},
          {"threshold", number(one.threshold)}};
}

Json accounting(const ReportAccounting& counts) {
  Json dropped = Json::object();
  for (const DropCount& drop : counts.dropped) dropped[drop.reason] = drop.count;
  return {{"issued", counts.issued},
          {"consumed", counts.consumed},
          {"dropped", dropped},
          {"open", counts.open},
          {"unscored_rollouts", counts.unscored_rollouts},
          {"tripped_rollouts", counts.tripped_rollouts}};
}

Json staleness(const ReportStaleness& counts) {
  return {{"bound", counts.bound}, {"histogram", counts.histogram}, {"overflow", counts.overflow}};
}

Json seconds(const WallSeconds& wall) {
  return {{"total", number(wall.total)},           {"sft", number(wall.sft)},
          {"base_eval", number(wall.base_eval)},   {"rl", number(wall.rl)},
          {"final_eval", number(wall.final_eval)}, {"control", number(wall.control)},
          {"is_sft_cached", wall.is_sft_cached}};
}

}  // namespace

std::string summary_json(const ReportInput& input) {
  Json object = {{"assay", kFormatVersion},
                 {"run", input.run},
                 {"config_sha256", input.config_sha256},
                 {"seed", input.seed},
                 {"steps", input.steps},
                 {"deterministic", input.is_deterministic},
                 {"wall_s", seconds(input.wall)}};
  Json eval = Json::object(), controls = Json::object(), alerts = Json::array();
  for (const ReportSource& one : input.sources) eval[one.name] = source(one);
  for (const ReportControl& arm : input.controls) controls[arm.arm] = control(arm);
  for (const algo::HealthAlert& one : input.alerts) alerts.push_back(alert(one));
  object["eval"] = eval;
  object["controls"] = controls;
  object["health"] = {{"alerts", alerts}};
  const ReportThroughput& rates = input.throughput;
  object["throughput"] = {{"rollouts_per_s", number(rates.rollouts_per_s)},
                          {"generated_tokens_per_s", number(rates.generated_tokens_per_s)},
                          {"trained_tokens_per_s", number(rates.trained_tokens_per_s)},
                          {"peak_memory_bytes", number(rates.peak_memory_bytes)},
                          {"null_reason", "a null was not measured"}};
  object["cpu"] = {{"total_s", number(input.cpu.total_s)},
                   {"engine_s", number(input.cpu.engine_s)},
                   {"orchestration_fraction", number(input.cpu.orchestration_fraction)},
                   {"null_reason", "a null was not measured"}};
  object["staleness"] = staleness(input.staleness);
  object["accounting"] = accounting(input.accounting);
  return json_text(object, 1) + "\n";
}

}  // namespace assay::web
