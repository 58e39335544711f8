// How CAF schedules the actors of a process.
#pragma once

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>

namespace assay::actors {

// Waiting on a condition variable instead of stealing by polling: the cores belong to the engine.
inline void set_scheduling(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", 2);
}

}  // namespace assay::actors
