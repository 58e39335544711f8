// Talking to a run that lives: finding it, asking it, and saying why it does not answer.
#pragma once

#include <string>

#include "runtime/core/json.h"
#include "runtime/core/result.h"
#include "runtime/store/run_folder.h"

namespace assay::cli {

// The run of that name or folder; an empty name stands for the one that is running under outputs/.
Result<store::RunPaths> find_run_or_live(const std::string& run);

// Sends one request and returns the answer, an object. Errors: kUnavailable when nobody answers
// (E501, saying whether the run is done, stopped or busy); kInvalidInput for what the run refuses.
Result<nlohmann::json> ask_run(const store::RunPaths& paths, const nlohmann::json& request);

// Whether a process holds the run's folder.
bool is_alive(const store::RunPaths& paths);

}  // namespace assay::cli
