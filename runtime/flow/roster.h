// Roster: which workers each pool should have, by name.
//
// A worker is "<pool>/<index>"; a pool grows at its lowest free index and shrinks from its highest.
// A worker that retires keeps its name until it has left, so a name never stands for two at once.
// Pure. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace assay::flow {

// The pool in a worker's name: everything before the last '/'.
std::string pool_of(std::string_view worker);

class Roster {
 public:
  struct Changes {
    std::vector<std::string> starts, retires;
  };

  // The pool shall have this many workers.
  Changes resize(const std::string& pool, std::uint32_t count);

  // The worker is no more and nobody takes its place.
  void left(const std::string& worker);

  bool is_retiring(const std::string& worker) const;
  std::uint32_t wanted(const std::string& pool) const;  // 0 for a pool nobody has sized
  const std::map<std::string, std::uint32_t>& pools() const { return wanted_; }

 private:
  std::map<std::string, std::uint32_t> wanted_;
  std::map<std::string, std::map<std::uint32_t, bool>> members_;  // index -> retires
};

}  // namespace assay::flow
