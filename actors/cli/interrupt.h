// Ctrl-C and SIGTERM: the first asks the run to finish up, the second ends the process at once.
#pragma once

#include <atomic>

#include "actors/cli/exit_code.h"

namespace assay::cli {

// Takes over SIGINT and SIGTERM for the rest of the process. Becomes true on the first of them.
const std::atomic<bool>& listen_to_signals();

// kInterrupted or kTerminated, by the signal that came.
ExitCode interrupt_exit_code();

}  // namespace assay::cli
