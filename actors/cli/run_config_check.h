// Rules that hold between the keys of a run config, beyond each key's own type and limits.
#pragma once

#include "actors/cli/run_config.h"
#include "runtime/core/result.h"

namespace assay::cli {

// Errors: kInvalidInput, E110 (group_size below 2) or E111 (keys that contradict each other), with
// the place of the key to change and what to change it to. Only the first is returned.
Result<void> check_run_config(const LoadedConfig& loaded);

}  // namespace assay::cli
