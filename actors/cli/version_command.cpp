// `assay version`: the version, and what it was built with.
#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "actors/cli/version.h"

namespace assay::cli {

ExitCode version_command(CommandContext& context) {
  OptionSet options("version", "Prints the version.");
  options.example("assay version");
  options.example("assay version -o json");
  if (const auto stop = options.parse(context)) return *stop;
  if (context.format == OutputFormat::kJson) {
    context.out << "{\"assay\": 1, \"version\": \"" << kVersion << "\", \"compiler\": \""
                << kCompiler << "\"}\n";
  } else {
    context.out << "assay " << kVersion << "\n";
    if (context.verbosity > 0) context.out << "compiler " << kCompiler << "\n";
  }
  return ExitCode::kDone;
}

}  // namespace assay::cli
