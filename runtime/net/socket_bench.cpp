#include "runtime/net/socket_bench.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "runtime/core/ceiling.h"
#include "runtime/net/socket.h"

namespace assay::net {
namespace {

constexpr std::chrono::milliseconds kAnswerTimeout{2000};

// Sends every request back, on a thread of its own, for as long as it lives.
class Echo {
 public:
  explicit Echo(StatusServer server) : server_(std::move(server)), thread_([this] { serve(); }) {}
  ~Echo() {
    is_stopping_ = true;
    thread_.join();
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

 private:
  void serve() {
    while (!is_stopping_) {
      const Result<std::optional<StatusRequest>> request =
          server_.poll(std::chrono::milliseconds(20));
      // A reply that fails is an answer that never comes: the client says so.
      if (request && *request) static_cast<void>(server_.reply(**request, (*request)->body));
    }
  }

  StatusServer server_;
  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

Result<Latency> request_round_trip_us(StatusClient& client, std::size_t count) {
  const std::string body(64, 'x');
  std::vector<double> times;
  for (std::size_t i = 0; i < count; ++i) {
    Result<std::string> answer{std::string()};
    times.push_back(seconds_of([&] { answer = client.request(body, kAnswerTimeout); }) * 1e6);
    if (!answer) return answer.error();
  }
  return latency_of(std::move(times));
}

}  // namespace

Result<std::vector<Figure>> socket_bench(const SocketBenchOptions& options) {
  const std::string path = options.folder + "/bench.sock";
  Result<StatusServer> server = StatusServer::bind(path);
  if (!server) return server.error();
  const Echo echo(std::move(*server));
  Result<StatusClient> client = StatusClient::connect(path);
  if (!client) return client.error();
  Series p50({.name = "zeromq_round_trip_p50_us",
              .unit = "us",
              .ceiling = "socket_round_trip_p50_us",
              .better = Better::kLower});
  Series p99({.name = "zeromq_round_trip_p99_us",
              .unit = "us",
              .ceiling = "socket_round_trip_p99_us",
              .better = Better::kLower});
  for (std::size_t round = 0; round < options.repeats; ++round) {
    const Result<Latency> bare = socket_round_trip_us(options.requests);
    if (!bare) return bare.error();
    const Result<Latency> ours = request_round_trip_us(*client, options.requests);
    if (!ours) return ours.error();
    p50.add(ours->p50, bare->p50);
    p99.add(ours->p99, bare->p99);
  }
  return std::vector<Figure>{p50.figure(), p99.figure()};
}

}  // namespace assay::net
