#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "actors/cli/provenance.h"
#include "actors/cli/run_launch.h"

namespace assay::cli {

ExitCode run_command(CommandContext& context) {
  RunLaunch launch;
  launch.command = "assay run " + shell_line(context.args);
  OptionSet options("run", "Trains a policy with verifiable rewards and reports what was gained.");
  options.config(launch.request);
  options.flag("--dry-run", launch.is_dry,
               "check everything, print the resolved config, run nothing");
  options.flag("--resume", launch.is_resume, "go on where this run stopped");
  options.flag("--clean", launch.is_clean, "delete an earlier run of this name first");
  options.example("assay run @ configs/arithmetic.toml");
  options.example("assay run @ configs/arithmetic.toml --seed 3 --run.name third");
  options.example("assay run @ configs/gsm8k.toml --dry-run");
  if (auto stop = options.parse(context)) return *stop;
  return launch_run(context, launch);
}

}  // namespace assay::cli
