// `assay ledger export RUN` and `assay ledger check RUN`: a run's history as data, and whether it
// can be trusted.
#pragma once

#include "actors/cli/command.h"

namespace assay::cli {

// export: one JSON object an event on standard output. check: the invariants I01-I22 of the run's
// ledger and of its controls', one line each: ok, violated with the first offending events, or not
// checked with the reason; kDone when none is violated, else kGate. RUN is a name under outputs/, a
// run's folder or a ledger file.
ExitCode ledger_command(CommandContext& context);

}  // namespace assay::cli
