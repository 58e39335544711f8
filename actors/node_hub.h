// The node hub: takes what the nodes of a cluster report to the actors of the arm.
//
// Reports are foreign bytes: they are decoded here, and a node speaks only for the workers that it
// hosts. What cannot be read, or is about somebody else's worker, is logged and thrown away.
#pragma once

#include <caf/behavior.hpp>

#include <map>
#include <memory>
#include <string>

#include "actors/cluster_head.h"
#include "actors/messages.h"

namespace assay::actors {

// links -> hub
struct NodeJoined {
  NodeInfo node;
};
struct NodeGone {
  std::string node, why;
};  // and hub -> remote workers, supervisor
struct NodeReported {
  std::string node;
  wire::MessageKind kind;
  std::string frame;
};
// remote worker -> hub: it speaks for this worker on that node.
struct HostedWorker {
  std::string worker, node;
  caf::actor proxy;
};
// hub -> remote worker
struct WorkerSpoke {
  wire::WorkerReport report;
};

struct NodeHubState {
  struct Hosted {
    std::string node;
    caf::actor proxy;
  };
  std::shared_ptr<ClusterHead> cluster;
  std::map<std::string, Hosted> workers;
  telemetry::ActorLog log;
  static inline const char* name = "node hub";
};

// Event-based. Attaches to the cluster when it starts and detaches when it ends.
caf::behavior node_hub(caf::stateful_actor<NodeHubState>* self,
                       std::shared_ptr<ClusterHead> cluster, telemetry::ActorLog log,
                       caf::actor curator, caf::actor supervisor, caf::actor status);

}  // namespace assay::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::NodeJoined)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::NodeGone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::NodeReported)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::HostedWorker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::WorkerSpoke)
