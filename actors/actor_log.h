// The log file of one actor, where the arm keeps logs.
#pragma once

#include <string>

#include "actors/arm.h"
#include "runtime/telemetry/log.h"

namespace assay::actors {

// Discards when the arm keeps no logs or the file cannot be opened: a log is no reason to end a
// run. The controls' actors share their folder with the true arm's: `control-generator-0.log`.
telemetry::ActorLog open_log(const ArmOptions& options, const std::string& actor);

}  // namespace assay::actors
