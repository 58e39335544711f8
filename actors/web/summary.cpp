#include "actors/web/summary.h"

#include <nlohmann/json.hpp>

namespace assay::web {

namespace {

using nlohmann::json;

json interval_json(const algo::Interval& interval) {
  return {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

json optional_json(const std::optional<double>& value) {
  return value ? json(*value) : json(nullptr);
}

json curve_json(const std::vector<algo::CurvePoint>& curve, const char* name) {
  json object = json::object();
  for (const algo::CurvePoint& point : curve) {
    object[name + std::to_string(point.k)] = interval_json(point.rate);
  }
  return object;
}

json ratio_json(const algo::RatioEstimate& ratio) {
  return {{"value", optional_json(ratio.value)},
          {"low", optional_json(ratio.low)},
          {"high", optional_json(ratio.high)},
          {"null_reason", ratio.null_reason.empty() ? json(nullptr) : json(ratio.null_reason)}};
}

json policy_json(const algo::PolicyEvaluation& policy) {
  json object = curve_json(policy.pass_curve, "pass@");
  object.update(curve_json(policy.chain_curve, "cot_pass@"));
  object.update(curve_json(policy.majority_curve, "maj@"));
  return object;
}

json source_json(const ReportSource& source) {
  const algo::SourceEvaluation& evaluation = source.evaluation;
  json floors = json::object();
  for (const algo::FloorPoint& point : evaluation.guess_floors) {
    floors["pass@" + std::to_string(point.k)] = point.floor;
  }
  json object = {{"n_prompts", evaluation.base.prompt_count},
                 {"n_samples", evaluation.base.completion_count},
                 {"unscored", evaluation.base.unscored},
                 {"clustered_by", evaluation.clustered_by},
                 {"base", policy_json(evaluation.base)},
                 {"after", evaluation.after ? policy_json(*evaluation.after) : json(nullptr)},
                 {"guess_floor", floors}};
  if (!evaluation.comparison) {
    const char* reason = "no prompt was measured on both sides";
    object["compression_ratio"] = {{"value", nullptr}, {"null_reason", reason}};
    object["capability_gain"] = {{"value", nullptr}, {"null_reason", reason}};
    object["reading"] = nullptr;
    return object;
  }
  const algo::Comparison& comparison = *evaluation.comparison;
  object["headline_k"] = comparison.headline_k;
  object["compression_gain"] = interval_json(comparison.compression_gain);
  object["capability_gain"] = interval_json(comparison.capability_gain);
  object["compression_ratio"] = ratio_json(comparison.ratio);
  object["gap_closed"] = optional_json(comparison.gap_closed);
  object["crossing_k"] = comparison.crossing_k ? json(*comparison.crossing_k) : json(nullptr);
  object["reading"] = algo::to_string(comparison.reading);
  return object;
}

json control_json(const ReportControl& control) {
  json object = json::object();
  for (const ControlSource& source : control.sources) {
    const algo::ControlFinding& finding = source.finding;
    object[source.source] = {{"verdict", algo::to_string(finding.verdict)},
                             {"reason", finding.reason},
                             {"gain", interval_json(finding.control_gain)},
                             {"true_gain", interval_json(finding.true_gain)},
                             {"true_less_control", interval_json(finding.true_less_control)},
                             {"share_explained", ratio_json(finding.share)}};
  }
  return object;
}

json accounting_json(const ReportAccounting& accounting) {
  json dropped = json::object();
  for (const DropCount& drop : accounting.dropped) dropped[drop.reason] = drop.count;
  return {{"issued", accounting.issued},
          {"consumed", accounting.consumed},
          {"dropped", dropped},
          {"open", accounting.open},
          {"unscored_rollouts", accounting.unscored_rollouts}};
}

}  // namespace

std::string summary_json(const ReportInput& input) {
  json evaluation = json::object(), controls = json::object(), alerts = json::array();
  for (const ReportSource& source : input.sources) evaluation[source.name] = source_json(source);
  for (const ReportControl& control : input.controls) controls[control.arm] = control_json(control);
  for (const algo::HealthAlert& alert : input.alerts) {
    alerts.push_back({{"step", alert.step},
                      {"signal", alert.signal},
                      {"level", algo::to_string(alert.level)},
                      {"value", alert.value}});
  }
  const json document = {
      {"assay", 1},
      {"run", input.run},
      {"config_sha256", input.config_sha256},
      {"seed", input.seed},
      {"steps", input.steps},
      {"wall_s",
       {{"total", input.wall.total},
        {"sft", input.wall.sft},
        {"base_eval", input.wall.base_eval},
        {"rl", input.wall.rl},
        {"final_eval", input.wall.final_eval},
        {"control", input.wall.control}}},
      {"eval", evaluation},
      {"controls", controls},
      {"health", {{"alerts", alerts}}},
      {"staleness",
       {{"bound", input.staleness.bound},
        {"histogram", input.staleness.histogram},
        {"overflow", input.staleness.overflow}}},
      {"throughput",
       {{"rollouts_per_s", optional_json(input.throughput.rollouts_per_s)},
        {"generated_tokens_per_s", optional_json(input.throughput.generated_tokens_per_s)},
        {"trained_tokens_per_s", optional_json(input.throughput.trained_tokens_per_s)},
        {"peak_memory_bytes", optional_json(input.throughput.peak_memory_bytes)}}},
      {"accounting", accounting_json(input.accounting)}};
  return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay::web
