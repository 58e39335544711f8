#include "actors/status_plane.h"

#include <chrono>
#include <utility>

namespace assay::actors {

StatusPlane::StatusPlane(const std::string& socket, Answer answer) {
  if (socket.empty()) return;
  Result<net::StatusServer> server = net::StatusServer::bind(socket);
  if (!server) return;
  thread_ = std::thread([this, answer = std::move(answer), server = std::move(*server)]() mutable {
    serve(server, answer);
  });
}

StatusPlane::~StatusPlane() {
  is_stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void StatusPlane::serve(net::StatusServer& server, const Answer& answer) {
  while (!is_stopping_) {
    Result<std::optional<net::StatusRequest>> request = server.poll(std::chrono::milliseconds(50));
    if (!request || !*request) continue;
    static_cast<void>(server.reply(**request, answer((*request)->body)).has_value());
  }
}

}  // namespace assay::actors
