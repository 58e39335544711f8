// The program `assay`: the table of verbs, and the composition root that sees every room.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "actors/cli/command.h"
#include "actors/cli/commands.h"

namespace assay::cli {
namespace {

constexpr Command kCommands[] = {
    {"run", "Train", "train a policy and report what was gained", run_command},
    {"eval", "Train", "measure pass@k of a policy", eval_command},
    {"verify", "Train", "run a verifier alone on cases or one completion", verify_command},
    {"up", "Cluster", "run with workers on several nodes", up_command},
    {"node", "Cluster", "host workers for a head", node_command},
    {"keys", "Cluster", "make the keys of a cluster", keys_command},
    {"status", "Watch", "queues and actors of a live run", status_command},
    {"scale", "Watch", "change the sizes of a live run's pools", scale_command},
    {"report", "Watch", "write a run's report again", report_command},
    {"explain", "Watch", "the story of a group or a rollout", explain_command},
    {"ledger", "Watch", "export or check a run's history", ledger_command},
    {"init", "Prepare", "write a task of your own to begin with", init_command},
    {"config", "Prepare", "show, check or describe a config", config_command},
    {"doctor", "Prepare", "check this machine, with a fix for each problem", doctor_command},
    {"bench", "Prepare", "how fast assay is here, beside what this machine can do", bench_command},
    {"version", "Prepare", "print the version", version_command},
};

int terminal_columns() {
  winsize size{};
  for (const int stream : {STDERR_FILENO, STDOUT_FILENO}) {
    if (ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  return 80;
}

bool is_color_refused() {
  const char* refusal = std::getenv("NO_COLOR");
  return refusal != nullptr && *refusal != '\0';
}

}  // namespace
}  // namespace assay::cli

int main(int argc, char** argv) {
  using namespace assay::cli;
  CommandContext context{.args = {argv + 1, argv + argc}, .out = std::cout, .err = std::cerr};
  context.is_out_terminal = isatty(STDOUT_FILENO) == 1;
  context.is_err_terminal = isatty(STDERR_FILENO) == 1;
  context.has_color = context.is_err_terminal && !is_color_refused();
  context.columns = terminal_columns();
  return static_cast<int>(run_program(context, kCommands));
}
