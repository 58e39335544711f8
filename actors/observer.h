// The observer actor: shows every step to the arm's observer, one at a time, in order.
#pragma once

#include <caf/behavior.hpp>

#include "actors/messages.h"

namespace assay::actors {

struct ObserverState {
  static inline const char* name = "observer";
};

// Detached: observing may write files or evaluate a policy for minutes, and neither the status nor
// training waits for it. What it finds goes back to the sender of the step.
caf::behavior observer(caf::stateful_actor<ObserverState>* self, StepObserver observe);

}  // namespace assay::actors
