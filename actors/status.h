// The status actor: one live view of queues, actors, rates, versions and alerts.
#pragma once

#include <caf/behavior.hpp>

#include <memory>
#include <string>

#include "actors/messages.h"
#include "actors/status_view.h"

namespace assay::actors {

struct StatusState {
  StatusFacts facts;
  caf::actor curator, supervisor;
  static inline const char* name = "status";
};

struct StatusQuery {
  std::string body;
};  // a request as it came from the socket
struct StatusAnswer {
  std::string body;
};  // JSON

// Detached, so that it answers while every other thread computes. Asks the curator when asked
// itself; a curator that does not answer within a second is said so, not waited for. Steps are
// passed on to the observer, whose alerts it keeps.
caf::behavior status(caf::stateful_actor<StatusState>* self,
                     std::shared_ptr<const ArmOptions> options, caf::actor observer);

// supervisor -> status, once: the curator to ask. The sender is who hears that the observer wants
// to stop.
struct Watch {
  caf::actor curator;
};

}  // namespace assay::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::StatusQuery)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::StatusAnswer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::Watch)
