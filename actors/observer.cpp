#include "actors/observer.h"

#include <utility>

namespace assay::actors {

caf::behavior observer(caf::stateful_actor<ObserverState>* self, StepObserver observe) {
  return {
      [self, observe = std::move(observe)](const StepDone& done) {
        if (!observe) return;
        self->send(caf::actor_cast<caf::actor>(self->current_sender()),
                   Observed{observe(done.report, done.weights)});
      },
      // Answered once every step before has been observed.
      [](GetStatus) { return CuratorStatus{}; },
  };
}

}  // namespace assay::actors
