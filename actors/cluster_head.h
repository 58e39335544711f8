// The head's end of a cluster: which nodes are there, what they may do, and the weights they fetch.
//
// Lives as long as the run; one arm after the other attaches to it. A node joins by saying hello on
// both links, with the version and the messages of this program, under a name nobody else has. It
// may do what its key allows and nothing else: a verifier's key draws no rollouts and fetches no
// weights; whoever tries is shut out, and the log says so. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gpu/weights.h"
#include "runtime/core/result.h"
#include "runtime/flow/placement.h"
#include "runtime/net/peer_link.h"
#include "runtime/telemetry/log.h"
#include "runtime/wire/codec.h"

namespace assay::actors {

struct NodeInfo {
  std::string name;
  std::string machine;
  flow::PoolCapacities capacities;  // as far as its key allows
};

// Called on the links' threads: must not block.
struct ClusterEvents {
  std::function<void(const NodeInfo& node)> on_joined;
  std::function<void(const std::string& node, const std::string& why)> on_lost;
  // A report of a node that has joined; `frame` decodes as `kind` or is refused by the codec.
  std::function<void(const std::string& node, wire::MessageKind kind, std::string frame)> on_report;
};

struct ClusterHeadOptions {
  std::string host = "127.0.0.1";
  std::uint16_t control_port = 0;  // 0: a free one
  std::uint16_t bulk_port = 0;
  net::ClusterKeys keys;
  net::LinkOptions link;  // of the control link; the bulk link takes larger frames
  std::string version;    // of the program
  std::string run;
  std::string config;               // the run's resolved configuration
  std::uint64_t versions_kept = 2;  // of the weights, the newest included
  telemetry::ActorLog log;
};

// What nodes are told when there is nothing left to do.
inline constexpr const char* kRunIsOver = "the run is over";

class ClusterHead {
 public:
  // Errors: E601 for a port that is taken; kInvalidInput for an address that is not loopback while
  // the keys were made for this process alone.
  static Result<std::shared_ptr<ClusterHead>> start(ClusterHeadOptions options);
  ~ClusterHead();  // tells every node that the run is over

  // From now on these events are told; nodes that are there already join at once.
  void attach(ClusterEvents events);
  // No event comes after it returns.
  void detach();

  // Orders, encoded. Lost with the node they are for, which on_lost then tells.
  void order(const std::string& node, std::string frame);
  void order_bulk(const std::string& node, std::string frame);

  // Nodes may fetch these from now on. The oldest beyond `versions_kept` are let go.
  void publish(std::shared_ptr<const gpu::Weights> weights);

  std::vector<NodeInfo> nodes() const;
  std::uint16_t control_port() const;

 private:
  struct State;
  explicit ClusterHead(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::actors
