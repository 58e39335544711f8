// `assay verify`: judges case files, or one completion from the command line.
#pragma once

#include "actors/cli/command.h"

namespace assay::cli {

// `assay verify --cases FILE [-j N] [--repeat N]` writes one record a case to standard output, in
// input order, and a summary to standard error. kDone when every verdict is acceptable, kGate
// otherwise or when a repeat differs, kUsage when the file is malformed (nothing is judged then).
// `assay verify VERIFIER --reference R --completion C` judges one completion: kDone when correct,
// kGate otherwise.
ExitCode verify_command(CommandContext& context);

}  // namespace assay::cli
