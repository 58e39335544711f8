#include "runtime/net/tcp_probe.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "runtime/core/file.h"

namespace assay::net {

namespace {

using Clock = std::chrono::steady_clock;

// 0, or why no connection came about.
int try_address(const addrinfo& address, Clock::time_point deadline) {
  const FileDescriptor socket(
      ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
  if (!socket.is_open()) return errno;
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting{socket.get(), POLLOUT, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return ETIMEDOUT;
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) break;
    if (ready < 0 && errno != EINTR) return errno;
  }
  int failure = 0;
  socklen_t size = sizeof(failure);
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0) return errno;
  return failure;
}

}  // namespace

Result<void> probe_tcp(const std::string& host, std::uint16_t port,
                       std::chrono::milliseconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  const std::string place = host + ":" + std::to_string(port);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (code != 0) {
    return Error{ErrorCode::kNotFound,
                 "look up " + host + ": " + ::gai_strerror(code),
                 "name an address, or add the host to /etc/hosts",
                 {},
                 {}};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  int failure = ETIMEDOUT;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    failure = try_address(*one, deadline);
    if (failure == 0) return {};
  }
  const bool is_refused = failure == ECONNREFUSED;
  return Error{
      ErrorCode::kUnavailable,
      is_refused ? "nobody listens on " + place : "reach " + place + ": " + std::strerror(failure),
      is_refused ? "start the head there, or name its address and port"
                 : "see whether the host is up and its firewall lets this port through",
      {},
      "E602"};
}

}  // namespace assay::net
