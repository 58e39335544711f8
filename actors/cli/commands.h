// Every verb's function. The table that gives them their names is in main.cpp.
#pragma once

#include "actors/cli/command.h"

namespace assay::cli {

ExitCode bench_command(CommandContext& context);
ExitCode config_command(CommandContext& context);
ExitCode doctor_command(CommandContext& context);
ExitCode eval_command(CommandContext& context);
ExitCode explain_command(CommandContext& context);
ExitCode init_command(CommandContext& context);
ExitCode keys_command(CommandContext& context);
ExitCode ledger_command(CommandContext& context);
ExitCode node_command(CommandContext& context);
ExitCode report_command(CommandContext& context);
ExitCode run_command(CommandContext& context);
ExitCode scale_command(CommandContext& context);
ExitCode status_command(CommandContext& context);
ExitCode up_command(CommandContext& context);
ExitCode verify_command(CommandContext& context);
ExitCode version_command(CommandContext& context);

}  // namespace assay::cli
