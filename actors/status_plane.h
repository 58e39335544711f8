// The status plane: answers whoever attaches to a run, on a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "runtime/net/socket.h"

namespace assay::actors {

class StatusPlane {
 public:
  // Makes the answer to a request's body, which is foreign; called on the plane's thread.
  using Answer = std::function<std::string(const std::string& request)>;

  // Listens on `socket` while the object lives. An empty name, or one that cannot be listened on:
  // nobody can attach, since a run that nobody can watch is still a run.
  StatusPlane(const std::string& socket, Answer answer);
  ~StatusPlane();
  StatusPlane(const StatusPlane&) = delete;
  StatusPlane& operator=(const StatusPlane&) = delete;

 private:
  void serve(net::StatusServer& server, const Answer& answer);

  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

}  // namespace assay::actors
