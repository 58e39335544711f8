#include "actors/status_plane.h"

#include <caf/scoped_actor.hpp>

#include <chrono>
#include <optional>
#include <utility>

#include "actors/status.h"

namespace assay::actors {

StatusPlane::StatusPlane(caf::actor_system& system, const std::string& socket_path,
                         caf::actor status) {
  if (socket_path.empty()) return;
  Result<net::StatusServer> server = net::StatusServer::bind(socket_path);
  if (!server) return;
  thread_ = std::thread([this, &system, status, server = std::move(*server)]() mutable {
    serve(system, status, server);
  });
}

StatusPlane::~StatusPlane() {
  is_stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void StatusPlane::serve(caf::actor_system& system, const caf::actor& status,
                        net::StatusServer& server) {
  caf::scoped_actor self(system);
  while (!is_stopping_) {
    Result<std::optional<net::StatusRequest>> request = server.poll(std::chrono::milliseconds(50));
    if (!request || !*request) continue;
    std::string body = R"({"assay":1,"error":"the run is ending"})";
    self->request(status, std::chrono::seconds(2), StatusQuery{(*request)->body})
        .receive([&](const StatusAnswer& answer) { body = answer.body; }, [](caf::error&) {});
    static_cast<void>(server.reply(**request, body).has_value());
  }
}

}  // namespace assay::actors
