#include "actors/cli/step_metrics.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "runtime/core/limits.h"

namespace assay::cli {

namespace {

using nlohmann::json;

constexpr std::string_view kEvalPrefix = "eval/", kEvalSuffix = "/pass@1";
constexpr std::size_t kMetricsBytesMax = 512 * limits::kMiB;

double share(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(1, whole));
}

// Visits the members of a report that are written and read back under one name, so that neither
// side can forget one. `Report` is const when writing.
template <class Report, class Visit>
void visit_members(Report& step, Visit&& visit) {
  visit("step", step.step);
  visit("reward/all/mean", step.batch.reward_mean);
  visit("reward/all/std", step.batch.reward_std);
  visit("groups/all", step.batch.group_count);
  visit("groups/zero_signal", step.batch.zero_signal_groups);
  visit("groups/all_correct", step.batch.all_correct_groups);
  visit("groups/all_wrong", step.batch.all_wrong_groups);
  visit("rollouts/all", step.batch.rollout_count);
  visit("rollouts/unscored", step.batch.unscored_count);
  visit("completions/mean_length", step.batch.length_mean);
  visit("completions/max_length", step.batch.length_max);
  visit("completions/truncated", step.batch.truncated_count);
  visit("off_policy/steps/mean", step.batch.staleness_mean);
  visit("off_policy/steps/max", step.batch.staleness_max);
  visit("off_policy/steps/histogram", step.batch.staleness_histogram);
  visit("entropy/all/mean", step.update.entropy);
  visit("mismatch_kl/all/mean", step.update.kl_behaviour_k3);
  visit("clip_ratio/low_mean", step.update.clip_low_fraction);
  visit("clip_ratio/high_mean", step.update.clip_high_fraction);
  visit("clip_ratio/dual_mean", step.update.clip_dual_fraction);
  visit("importance/ess", step.update.ess);
  visit("importance/masked_fraction", step.update.masked_fraction);
  visit("ratio/min", step.update.ratio_min);
  visit("ratio/mean", step.update.ratio_mean);
  visit("ratio/max", step.update.ratio_max);
  visit("optim/lr", step.update.lr);
  visit("optim/grad_norm", step.update.grad_norm);
  visit("optim/skipped_steps", step.update.skipped_steps);
  visit("optim/trained_tokens", step.update.trained_tokens);
  visit("loss", step.update.loss);
  visit("errored_rollouts/all", step.verifier_errors);
  visit("rollouts/judged", step.judged_rollouts);
  visit("rollouts/tripped", step.tripped_rollouts);
  visit("tokens/generated", step.generated_tokens);
  visit("time/train", step.update_s);
  visit("time/wait_for_batch", step.wait_s);
  visit("time/since_start", step.seconds);
}

// The members that are null where they were not measured.
template <class Report, class Visit>
void visit_optional_members(Report& step, Visit&& visit) {
  visit("kl/all/k1", step.update.kl_reference_k1);
  visit("kl/all/mean", step.update.kl_reference_k3);
  visit("kl/all/sequence", step.update.kl_reference_sequence);
}

std::string evaluation_key(const std::string& source) {
  return std::string(kEvalPrefix) + source + std::string(kEvalSuffix);
}

void read_evaluations(const json& object, std::map<std::string, double>& pass_at_1) {
  for (const auto& [key, value] : object.items()) {
    if (!key.starts_with(kEvalPrefix) || !key.ends_with(kEvalSuffix)) continue;
    const std::size_t length = key.size() - kEvalPrefix.size() - kEvalSuffix.size();
    pass_at_1[key.substr(kEvalPrefix.size(), length)] = value.get<double>();
  }
}

bool read_line(std::string_view line, StepMetrics& metrics) {
  actors::StepReport& step = metrics.report;
  const json object = parse_json(line);
  if (!object.is_object()) return false;
  try {
    visit_members(step, [&](const char* name, auto& member) {
      const json& value = object.at(name);
      if (!value.is_null()) value.get_to(member);
    });
    visit_optional_members(step, [&](const char* name, std::optional<double>& member) {
      const json& value = object.at(name);
      if (!value.is_null()) member = value.get<double>();
    });
    const json& chain = object.at("completions/chain_fraction");
    step.has_chain_checks = !chain.is_null();
    if (step.has_chain_checks) step.chain_fraction = chain.get<double>();
    read_evaluations(object, metrics.pass_at_1);
  } catch (const json::exception&) {
    return false;
  }
  return true;
}

}  // namespace

std::string metrics_line(const std::string& arm, const StepMetrics& metrics) {
  const actors::StepReport& step = metrics.report;
  json line = {{"arm", arm}};
  visit_members(step, [&](const char* name, const auto& member) { line[name] = member; });
  visit_optional_members(step, [&](const char* name, const std::optional<double>& member) {
    line[name] = member ? json(*member) : json(nullptr);
  });
  line["frac_reward_zero_std"] = share(step.batch.zero_signal_groups, step.batch.group_count);
  line["completions/clipped_ratio"] = share(step.batch.truncated_count, step.batch.rollout_count);
  line["completions/chain_fraction"] =
      step.has_chain_checks ? json(step.chain_fraction) : json(nullptr);
  line["verify/tripwire_fraction"] = share(step.tripped_rollouts, step.judged_rollouts);
  line["weights"] = step.weights.hex();
  for (const auto& [source, rate] : metrics.pass_at_1) line[evaluation_key(source)] = rate;
  return json_text(line);
}

Result<std::vector<StepMetrics>> read_metrics(const std::string& path) {
  std::vector<StepMetrics> steps;
  if (!path_exists(path)) return steps;
  Result<std::string> text = read_file(path, kMetricsBytesMax);
  if (!text) return text.error();
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    StepMetrics step;
    const bool is_next = read_line(rest.substr(0, end), step) &&
                         (steps.empty() || step.report.step > steps.back().report.step);
    if (is_next) steps.push_back(std::move(step));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return steps;
}

}  // namespace assay::cli
