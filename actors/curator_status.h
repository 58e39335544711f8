// What the curator tells people who ask: its queues, the accounting and what the learner waits for.
#pragma once

#include <string>

#include "actors/curator.h"

namespace assay::actors {

// The curator's part of `assay status -o json`.
std::string status_json(const CuratorState& state);

}  // namespace assay::actors
