// Placement: which node hosts which worker.
//
// A node says how many workers of each pool it may host ("*" stands for every pool). A worker goes
// to the node that has the most room left for its pool, so that losing one node costs as little as
// possible. Pure. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace assay::flow {

inline constexpr const char* kEveryPool = "*";

using PoolCapacities = std::map<std::string, std::uint32_t>;  // by pool

class Placement {
 public:
  // The node is there; a second call replaces its capacities.
  void node_joined(const std::string& node, PoolCapacities capacities);
  // The node is gone. Returns the workers it hosted; they have no place any more.
  std::vector<std::string> node_lost(const std::string& node);

  // Gives the worker a place. Nothing when no node has room for its pool now.
  std::optional<std::string> place(const std::string& worker);
  void remove(const std::string& worker);

  // Where the worker is; empty for one without a place.
  std::string node_of(const std::string& worker) const;
  // Whether any node that is there may host workers of this pool, full or not.
  bool is_hosted(const std::string& pool) const;
  std::size_t node_count() const { return nodes_.size(); }

 private:
  std::uint32_t room(const std::string& node, const std::string& pool) const;

  std::map<std::string, PoolCapacities> nodes_;
  std::map<std::string, std::string> places_;  // worker -> node
};

}  // namespace assay::flow
