// How long a request between two actors of this process takes, and how many messages they pass.
// No CAF in this header.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"

namespace assay::actors {

struct ActorBenchOptions {
  std::size_t requests = 20'000;   // one after the other, in each round
  std::size_t messages = 200'000;  // one way, in each round
  std::size_t repeats = 5;
};

// In an actor system set up as a run's own:
//   actor_round_trip_p50_us, actor_round_trip_p99_us         a request between two event-based
//       actors, as curator and verifier are, beside pipe_round_trip of two threads
//   detached_round_trip_p50_us, detached_round_trip_p99_us   the same to an actor with a thread of
//       its own, as generator and learner are
//   actor_messages_per_s   one way between two event-based actors, beside allocations_per_s: a
//       message is at least one allocation
// Errors: kTimedOut when an actor gives no answer; those of the pipes.
Result<std::vector<Figure>> actor_bench(const ActorBenchOptions& options);

}  // namespace assay::actors
