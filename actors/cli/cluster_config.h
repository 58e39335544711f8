// The cluster part of `assay up`: where the head listens and which nodes host what.
//
// It stands in a file of its own beside the run's config, so that one run can be started, and gone
// on with, on any cluster.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/config/request.h"
#include "runtime/core/result.h"
#include "runtime/flow/placement.h"

namespace assay::cli {

// One [[cluster.node]].
struct NodeSettings {
  std::string name;
  std::string launch = "local";   // local: a process here; ssh; hand: somebody starts it
  std::string ssh;                // where to, as ssh understands it
  std::string program = "assay";  // over there
  std::string folder;             // working folder over there; empty: where ssh lands
  std::string key_file;      // over there; empty: <cluster.keys>/node.key, the same path as here
  std::string pools = "{}";  // a JSON object: how many workers of each pool it may host
};

// [cluster]
struct ClusterSettings {
  std::string listen = "127.0.0.1";
  std::string advertise;                          // what nodes dial; empty: `listen`
  std::uint32_t control_port = 0, bulk_port = 0;  // 0: free ones
  std::string keys;          // folder of `assay keys init`; empty: keys for this run alone
  std::string pools = "{}";  // what the head's own process hosts
  std::vector<NodeSettings> nodes;
};

// Whether the file has a [cluster] table: then it is no part of the run's own config. Errors: those
// of reading it.
Result<bool> is_cluster_file(const std::string& path);

// Reads and checks the files. Errors as load_run_config(); E112 for what contradicts itself: a
// node without a name, an address that is not loopback without keys, pools that are no counts.
Result<ClusterSettings> load_cluster_config(const std::vector<std::string>& files);

// {"math": 4} as capacities. Errors: E112, naming `where`.
Result<flow::PoolCapacities> parse_pools(const std::string& json, const std::string& where);

// Whether only this machine can reach the address.
bool is_loopback(const std::string& address);

}  // namespace assay::cli
