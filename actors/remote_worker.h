// A worker that lives in another process, as its arm sees it.
//
// The proxy speaks the local messages of a generator or verifier with curator and supervisor, and
// frames with the node that hosts the real one. It fails with its node, so that the supervisor
// finds another place for the worker.
#pragma once

#include <caf/behavior.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "actors/cluster_head.h"
#include "actors/messages.h"
#include "actors/recent_weights.h"

namespace assay::actors {

struct RemoteWorkerSetup {
  std::string id;    // "math/0"
  std::string node;  // where it shall live
  std::shared_ptr<ClusterHead> cluster;
  // What a generator begins with, by version; empty for a verifier.
  WeightsByVersion weights;
};

struct RemoteWorkerState {
  RemoteWorkerSetup setup;
  static inline const char* name = "remote worker";
};

// Event-based.
caf::behavior remote_worker(caf::stateful_actor<RemoteWorkerState>* self, RemoteWorkerSetup setup,
                            caf::actor hub, caf::actor curator, caf::actor supervisor);

}  // namespace assay::actors
