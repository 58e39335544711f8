// The status plane's sockets: requests and replies over a file in the run's folder.
//
// ZeroMQ ROUTER and DEALER over ipc. The file has mode 0600 and only its owner (and root) may
// connect. Frames that are not a request are ignored and counted. Each object belongs to one
// thread. A reply that cannot be delivered is dropped: the client's timeout says so.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/core/result.h"

namespace assay::net {

struct StatusRequest {
  std::string client;  // opaque: hand it back in reply()
  std::string body;    // up to limits::kControlFrameBytesMax bytes, foreign
};

struct StatusServerCounters {
  std::uint64_t requests = 0;
  std::uint64_t replies = 0;
  std::uint64_t dropped_replies = 0;  // the client had gone
  std::uint64_t garbage = 0;          // frames that were no request
};

class StatusServer {
 public:
  // Listens on the file `path`; a stale one is replaced. Paths may be longer than the kernel's 107
  // bytes for socket names as long as the file's own name is not.
  // Errors: kInvalidInput for a name that is too long; errno codes.
  static Result<StatusServer> bind(const std::string& path);
  ~StatusServer();
  StatusServer(StatusServer&&) noexcept;
  StatusServer& operator=(StatusServer&&) noexcept;

  // The next request, or nothing when none arrives within `timeout` (0 = only look).
  Result<std::optional<StatusRequest>> poll(std::chrono::milliseconds timeout);

  // Answers one request; at most kReplyBytesMax bytes.
  Result<void> reply(const StatusRequest& request, std::string_view body);

  StatusServerCounters counters() const;

 private:
  struct State;
  explicit StatusServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

inline constexpr std::size_t kReplyBytesMax = std::size_t{16} << 20;

class StatusClient {
 public:
  // Attaches to a run's socket. Errors: kNotFound when the file is not there; kUnavailable when
  // nobody listens behind it.
  static Result<StatusClient> connect(const std::string& path);
  ~StatusClient();
  StatusClient(StatusClient&&) noexcept;
  StatusClient& operator=(StatusClient&&) noexcept;

  // Sends one request and waits for its own reply; replies to earlier, timed-out requests are
  // skipped. Errors: kTimedOut; kExhausted when the body is too large.
  Result<std::string> request(std::string_view body, std::chrono::milliseconds timeout);

 private:
  struct State;
  explicit StatusClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::net
