// A node: a process that hosts workers for the head of a cluster.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "actors/cluster_head.h"
#include "actors/node_host.h"
#include "runtime/core/result.h"
#include "runtime/flow/placement.h"
#include "runtime/net/cluster_keys.h"
#include "runtime/net/peer_link.h"

namespace assay::actors {

struct NodeOptions {
  std::string host = "127.0.0.1";  // of the head
  std::uint16_t port = 0;          // of its control link
  net::ClusterKeys keys;
  net::LinkOptions link;
  std::string name;
  std::string version;                          // of the program
  flow::PoolCapacities capacities;              // how many workers of each pool it may host
  std::chrono::milliseconds first_patience{0};  // to wait for a head that is not there yet
  std::chrono::milliseconds patience{60'000};   // to look for a head that is gone
  // Makes the workshop of a run from its resolved configuration, TOML.
  std::function<Result<Workshop>(const std::string& config)> open_workshop;
  std::function<void(const std::string&)> tell;  // people; called from several threads
};

// Joins the head and hosts workers until the head says that the run is over, or `interrupt`. A head
// that is lost is looked for again, as a new node, until `patience` is over. Errors: those of
// dialing; E604 with the head's words when it refuses this node; a workshop that cannot be made
// here.
Result<void> run_node(const NodeOptions& options, const std::atomic<bool>& interrupt);

}  // namespace assay::actors
