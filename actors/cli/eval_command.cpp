#include <fmt/format.h>

#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "actors/cli/policy_eval.h"
#include "actors/cli/run_setup.h"
#include "runtime/algo/pass_at_k.h"
#include "runtime/core/file.h"
#include "runtime/core/json.h"

namespace assay::cli {

namespace {

nlohmann::json curve_json(const std::vector<algo::CurvePoint>& curve) {
  nlohmann::json json = nlohmann::json::object();
  for (const algo::CurvePoint& point : curve) {
    json["pass@" + std::to_string(point.k)] = {
        {"value", point.rate.value}, {"low", point.rate.low}, {"high", point.rate.high}};
  }
  return json;
}

nlohmann::json floor_json(const EvalSet& set, const std::vector<algo::CurvePoint>& curve) {
  nlohmann::json json = nlohmann::json::object();
  for (const algo::CurvePoint& point : curve) {
    json["pass@" + std::to_string(point.k)] = algo::guess_floor(set.guess_chance, point.k);
  }
  return json;
}

void print_table(std::ostream& out, const EvalSet& set, const algo::PolicyEvaluation& evaluation) {
  out << fmt::format("{}: {} prompts, {} completions, {} unscored\n", set.settings.source.name,
                     evaluation.prompt_count, evaluation.completion_count, evaluation.unscored);
  out << "               rate     95 % interval   blind guessing\n";
  for (const algo::CurvePoint& point : evaluation.pass_curve) {
    const double floor = algo::guess_floor(set.guess_chance, point.k);
    out << fmt::format("  pass@{:<4} {:6.1f} %   {:5.1f} to {:5.1f} %   {:12.1f} %\n", point.k,
                       100 * point.rate.value, 100 * point.rate.low, 100 * point.rate.high,
                       100 * floor);
  }
}

}  // namespace

ExitCode eval_command(CommandContext& context) {
  config::Request request;
  std::string policy, out_folder;
  std::uint64_t prompts = 0;
  std::uint32_t samples = 0;
  OptionSet options("eval", "Measures pass@k of a policy on the config's evaluation sources.");
  options.config(request);
  options.option("--policy", policy, "folder of a saved policy; without it the untrained one");
  options.option("-n,--prompts", prompts, "prompts a source; 0: all");
  options.option("-r,--samples", samples, "completions a prompt; 0: as configured");
  options.option("--out", out_folder, "folder for <source>/results.json and samples.jsonl");
  options.example("assay eval @ configs/arithmetic.toml -n 32 -r 16");
  options.example("assay eval @ configs/gsm8k.toml -n 32 -r 4 --out outputs/untrained");
  options.example("assay eval @ configs/arithmetic.toml --policy outputs/first/checkpoints/latest");
  if (auto stop = options.parse(context)) return *stop;
  Result<LoadedConfig> loaded = load_run_config(request);
  if (!loaded) return fail(context, loaded.error());
  Result<RunSetup> setup = make_run_setup(*loaded);
  if (!setup) return fail(context, setup.error(), ExitCode::kUsage);

  std::shared_ptr<const gpu::Weights> weights;
  if (policy.empty()) {
    Result<std::unique_ptr<gpu::Learner>> learner =
        make_run_learner(*setup, setup->config.learner.optim);
    if (!learner) return fail(context, learner.error());
    weights = (*learner)->publish();
  } else {
    Result<std::shared_ptr<const gpu::Weights>> read = gpu::load_weights(setup->backend, policy);
    if (!read) return fail(context, read.error());
    weights = std::move(*read);
  }
  static const std::atomic<bool> never = false;
  nlohmann::json document = {{"assay", 1}, {"eval", nlohmann::json::object()}};
  for (const EvalSet& set : setup->eval_sets) {
    EvalRequest ask{samples > 0 ? samples : set.settings.samples, prompts, setup->config.seed, {}};
    const std::string place = out_folder + "/" + set.settings.source.name;
    if (!out_folder.empty()) {
      if (auto made = make_folders(place); !made) return fail(context, made.error());
      ask.samples_path = place + "/samples.jsonl";
    }
    Result<std::vector<algo::EvaluatedPrompt>> results = evaluate_set(
        *setup, weights, set, ask, [](const EvalProgress&) {}, never);
    if (!results) return fail(context, results.error());
    if (!out_folder.empty()) {
      if (auto done = write_results(place + "/results.json", *results); !done) {
        return fail(context, done.error());
      }
    }
    algo::EvaluationOptions evaluation_choice = evaluation_options(set, setup->config.seed);
    std::erase_if(evaluation_choice.ks, [&](std::uint32_t k) { return k > ask.samples; });
    evaluation_choice.headline_k = evaluation_choice.ks.back();
    Result<algo::PolicyEvaluation> evaluation = algo::evaluate_policy(*results, evaluation_choice);
    if (!evaluation) return fail(context, evaluation.error());
    document["eval"][set.settings.source.name] = {
        {"n_prompts", evaluation->prompt_count},
        {"n_samples", evaluation->completion_count},
        {"unscored", evaluation->unscored},
        {"base", curve_json(evaluation->pass_curve)},
        {"guess_floor", floor_json(set, evaluation->pass_curve)}};
    if (context.format != OutputFormat::kJson) print_table(context.out, set, *evaluation);
  }
  if (context.format == OutputFormat::kJson) context.out << json_text(document) << "\n";
  return ExitCode::kDone;
}

}  // namespace assay::cli
