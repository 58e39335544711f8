// The status actor: one live view of queues, actors, rates and versions; and the observer of steps.
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

// Detached, because the step observer may write files. Asks the curator when asked itself; a
// curator that does not answer within a second is said so, not waited for.
caf::behavior status(caf::stateful_actor<StatusState>* self,
                     std::shared_ptr<const ArmOptions> options, StepObserver observer);

// supervisor -> status, once: the curator to ask. The sender is who hears that the observer wants
// to stop.
struct Watch {
  caf::actor curator;
};

}  // namespace assay::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::StatusQuery)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::StatusAnswer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::Watch)
