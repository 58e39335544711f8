#include "runtime/flow/placement.h"

#include <algorithm>
#include <utility>

#include "runtime/flow/roster.h"

namespace assay::flow {

namespace {

std::uint32_t capacity_of(const PoolCapacities& capacities, const std::string& pool) {
  const auto own = capacities.find(pool);
  if (own != capacities.end()) return own->second;
  const auto every = capacities.find(kEveryPool);
  return every == capacities.end() ? 0 : every->second;
}

}  // namespace

void Placement::node_joined(const std::string& node, PoolCapacities capacities) {
  nodes_[node] = std::move(capacities);
}

std::vector<std::string> Placement::node_lost(const std::string& node) {
  nodes_.erase(node);
  std::vector<std::string> homeless;
  for (auto entry = places_.begin(); entry != places_.end();) {
    if (entry->second == node) {
      homeless.push_back(entry->first);
      entry = places_.erase(entry);
    } else {
      ++entry;
    }
  }
  return homeless;
}

std::optional<std::string> Placement::place(const std::string& worker) {
  const std::string pool = pool_of(worker);
  std::uint32_t most = 0;
  std::optional<std::string> best;
  for (const auto& [node, capacities] : nodes_) {
    const std::uint32_t free = room(node, pool);
    if (free <= most) continue;
    most = free;
    best = node;
  }
  if (best) places_[worker] = *best;
  return best;
}

void Placement::remove(const std::string& worker) {
  places_.erase(worker);
}

std::string Placement::node_of(const std::string& worker) const {
  const auto found = places_.find(worker);
  return found == places_.end() ? std::string() : found->second;
}

bool Placement::is_hosted(const std::string& pool) const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [&](const auto& node) { return capacity_of(node.second, pool) > 0; });
}

std::uint32_t Placement::room(const std::string& node, const std::string& pool) const {
  const std::uint32_t capacity = capacity_of(nodes_.at(node), pool);
  const auto used = static_cast<std::uint32_t>(std::count_if(
      places_.begin(), places_.end(),
      [&](const auto& place) { return place.second == node && pool_of(place.first) == pool; }));
  return capacity > used ? capacity - used : 0;
}

}  // namespace assay::flow
