// The status plane: answers whoever attaches to a run's socket, on a thread of its own.
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <atomic>
#include <string>
#include <thread>

#include "runtime/net/socket.h"

namespace assay::actors {

// Serves until destroyed. A run that nobody can watch is still a run: a socket that cannot be bound
// is passed over.
class StatusPlane {
 public:
  // Requests go to `status` as StatusQuery. An empty path: no socket.
  StatusPlane(caf::actor_system& system, const std::string& socket_path, caf::actor status);
  ~StatusPlane();
  StatusPlane(const StatusPlane&) = delete;
  StatusPlane& operator=(const StatusPlane&) = delete;

 private:
  void serve(caf::actor_system& system, const caf::actor& status, net::StatusServer& server);

  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

}  // namespace assay::actors
