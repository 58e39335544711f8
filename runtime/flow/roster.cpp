#include "runtime/flow/roster.h"

#include <algorithm>
#include <charconv>

namespace assay::flow {

namespace {

std::string name_of(const std::string& pool, std::uint32_t index) {
  return pool + "/" + std::to_string(index);
}

std::uint32_t index_of(std::string_view worker) {
  const std::string_view digits = worker.substr(worker.rfind('/') + 1);
  std::uint32_t index = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), index);
  return index;
}

std::uint32_t lowest_free(const std::map<std::uint32_t, bool>& members) {
  std::uint32_t index = 0;
  while (members.contains(index)) ++index;
  return index;
}

}  // namespace

std::string pool_of(std::string_view worker) {
  return std::string(worker.substr(0, worker.rfind('/')));
}

Roster::Changes Roster::resize(const std::string& pool, std::uint32_t count) {
  wanted_[pool] = count;
  std::map<std::uint32_t, bool>& members = members_[pool];
  auto staying = std::count_if(members.begin(), members.end(),
                               [](const auto& member) { return !member.second; });
  Changes changes;
  for (; staying < count; ++staying) {
    const std::uint32_t index = lowest_free(members);
    members[index] = false;
    changes.starts.push_back(name_of(pool, index));
  }
  for (auto member = members.rbegin(); staying > count && member != members.rend(); ++member) {
    if (member->second) continue;
    member->second = true;
    changes.retires.push_back(name_of(pool, member->first));
    --staying;
  }
  return changes;
}

void Roster::left(const std::string& worker) {
  const auto members = members_.find(pool_of(worker));
  if (members != members_.end()) members->second.erase(index_of(worker));
}

bool Roster::is_retiring(const std::string& worker) const {
  const auto members = members_.find(pool_of(worker));
  if (members == members_.end()) return false;
  const auto member = members->second.find(index_of(worker));
  return member != members->second.end() && member->second;
}

std::uint32_t Roster::wanted(const std::string& pool) const {
  const auto found = wanted_.find(pool);
  return found == wanted_.end() ? 0 : found->second;
}

}  // namespace assay::flow
