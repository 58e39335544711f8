// The launcher: the main function of a jail's companion program.
//
// It climbs down the ladder of isolation levels: at each one it makes a zygote, which warms up,
// shuts itself in and runs the self-tests; the first that passes them serves. The launcher itself
// stays outside, waits for the zygote and removes its control group.
#pragma once

#include "verifiers/sandbox/language.h"

namespace assay::sandbox {

// Serves checks on kCompanionSocket until the owner closes it. The first frame tells the owner the
// level and, a line each, why higher ones were not reached; level L0 says that no check will be
// run. `--level-max N` begins further down. Returns the exit status.
int run_launcher(Language& language, int argument_count, char** arguments);

}  // namespace assay::sandbox
