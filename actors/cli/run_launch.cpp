#include "actors/cli/run_launch.h"

#include <fmt/format.h>

#include "actors/cli/interrupt.h"
#include "actors/cli/training_run.h"
#include "actors/cli/verifier_gate.h"
#include "runtime/core/file.h"
#include "runtime/store/run_folder.h"

namespace assay::cli {

namespace {

// A run goes on under the config it was started with, or its history would mix two.
Result<void> check_same_config(const store::RunPaths& paths, const LoadedConfig& loaded) {
  if (!path_exists(paths.resolved_config())) return {};
  config::Request request;
  request.files = {paths.resolved_config()};
  const Result<LoadedConfig> before = load_run_config(request);
  if (!before) return before.error();
  for (const config::ResolvedValue& value : loaded.resolved.values()) {
    const config::ResolvedValue* old = before->resolved.find(value.key);
    if (old != nullptr && old->value == value.value) continue;
    return Error{ErrorCode::kInvalidInput,
                 "the run was started with another configuration: `" + value.key + "` is " +
                     value.value + " and was " + (old == nullptr ? "absent" : old->value),
                 "resume with the same files and flags, or start anew with --clean",
                 paths.resolved_config(), "E802"};
  }
  if (before->resolved.digest() == loaded.resolved.digest()) return {};
  return Error{ErrorCode::kInvalidInput, "the run was started with more sources or verifiers",
               "resume with the same files and flags, or start anew with --clean",
               paths.resolved_config(), "E802"};
}

// What a run would do, and whether its verifiers accept the references they will judge by.
ExitCode dry_run(CommandContext& context, const LoadedConfig& loaded, const RunSetup& setup) {
  context.out << loaded.resolved.to_toml() << "\n" << setup.prompts_description;
  const std::uint64_t count = setup.prompts->prompts_per_epoch();
  std::uint64_t accepted = 0;
  std::string first_refusal;
  for (std::uint64_t i = 0; i < count; ++i) {
    const wire::Prompt prompt = setup.prompts->prompt(0, i);
    const auto checked = setup.verifiers.at(prompt.verifier)->check_reference(prompt);
    if (checked) {
      ++accepted;
    } else if (first_refusal.empty()) {
      first_refusal = fmt::format("row {}: reference '{}': {}", prompt.row + 1, prompt.reference,
                                  checked.error().message);
    }
  }
  context.out << fmt::format("verifier: accepts {} of {} reference answers\n", accepted, count);
  if (accepted == count) return ExitCode::kDone;
  return fail(context,
              Error{ErrorCode::kInvalidInput,
                    "a verifier refuses reference answers; " + first_refusal,
                    "correct the row or choose another verifier",
                    {},
                    "E404"},
              ExitCode::kUsage);
}

}  // namespace

ExitCode launch_run(CommandContext& context, const RunLaunch& launch) {
  Result<LoadedConfig> loaded = load_run_config(launch.request);
  if (!loaded) return fail(context, loaded.error());
  Result<RunSetup> setup = make_run_setup(*loaded);
  if (!setup) return fail(context, setup.error(), ExitCode::kUsage);
  const Result<std::string> gates = check_verifier_gates(*setup);
  if (!gates) {
    const bool is_shut = gates.error().id == "E405";
    return fail(context, gates.error(), is_shut ? ExitCode::kGate : ExitCode::kUsage);
  }
  if (!context.is_quiet()) context.err << *gates;
  if (launch.is_dry) return dry_run(context, *loaded, *setup);

  const store::RunMode mode = launch.is_resume  ? store::RunMode::kResume
                              : launch.is_clean ? store::RunMode::kClean
                                                : store::RunMode::kNew;
  Result<store::RunFolder> folder =
      store::RunFolder::open(setup->config.output_dir + "/" + setup->name, mode);
  if (!folder) {
    const bool is_full = folder.error().code == ErrorCode::kExhausted;
    return fail(context, folder.error(), is_full ? ExitCode::kFailed : ExitCode::kUsage);
  }
  const store::RunPaths& paths = folder->paths();
  if (launch.is_resume) {
    if (auto same = check_same_config(paths, *loaded); !same) {
      return fail(context, same.error(), ExitCode::kUsage);
    }
  }
  if (auto made = make_folders(paths.root() + "/configs"); !made)
    return fail(context, made.error());
  if (auto written = write_file_durably(paths.resolved_config(), loaded->resolved.to_toml());
      !written) {
    return fail(context, written.error());
  }
  WorkPlace place;
  if (launch.open_place) {
    Result<WorkPlace> opened = launch.open_place(*setup, *loaded, paths);
    if (!opened) return fail(context, opened.error(), ExitCode::kUsage);
    place = std::move(*opened);
  }
  TrainingRun run(context, *setup, paths, launch.command, launch.is_resume, listen_to_signals());
  run.set_place(place);
  Result<ExitCode> code = run.go();
  if (!code) return fail(context, code.error(), ExitCode::kFailed);
  return *code;
}

}  // namespace assay::cli
