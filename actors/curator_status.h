// What the curator tells people who ask: its queues, the accounting and what the learner waits for.
#pragma once

#include <string>

#include "actors/curator.h"

namespace assay::actors {

// Reads the queues' counters, so that their rates are those of the last seconds; call it often.
void count_queues(CuratorState& state, SteadyTime time);

// The curator's part of `assay status -o json`.
std::string status_json(const CuratorState& state);

}  // namespace assay::actors
