#include "verifiers/http/connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "runtime/core/file.h"
#include "verifiers/http/tls.h"

namespace assay::verifiers::http {

namespace {

Error broken() {
  return {ErrorCode::kUnavailable, "the judge cannot be reached: it breaks off", "", "", ""};
}

bool is_only_busy() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

class PlainConnection final : public Connection {
 public:
  PlainConnection(FileDescriptor socket, SteadyTime deadline)
      : socket_(std::move(socket)), deadline_(deadline) {}

  Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(count));
      } else if (!is_only_busy()) {
        return broken();
      } else if (auto ready = wait_for(socket_.get(), POLLOUT, deadline_); !ready) {
        return ready;
      }
    }
    return {};
  }

  Result<std::size_t> read(std::span<char> bytes) override {
    while (true) {
      // Asked before each read: a server that drips is always ready.
      if (SystemClock().now() >= deadline_) return late();
      const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
      if (count >= 0) return static_cast<std::size_t>(count);
      if (!is_only_busy()) return broken();
      if (auto ready = wait_for(socket_.get(), POLLIN, deadline_); !ready) return ready.error();
    }
  }

 private:
  FileDescriptor socket_;
  SteadyTime deadline_;
};

struct AddressList {
  ~AddressList() {
    if (first != nullptr) ::freeaddrinfo(first);
  }
  addrinfo* first = nullptr;
};

// A connected socket that does not block, to one address.
Result<FileDescriptor> connect_to(const addrinfo& address, SteadyTime deadline) {
  FileDescriptor socket(
      ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
  const Error refused{ErrorCode::kUnavailable, "the judge cannot be reached: no connection", "", "",
                      ""};
  if (!socket.is_open()) return refused;
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return socket;
  if (errno != EINPROGRESS) return refused;
  if (auto ready = wait_for(socket.get(), POLLOUT, deadline); !ready) return ready.error();
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return refused;
  return socket;
}

}  // namespace

Error late() {
  return {ErrorCode::kTimedOut, "the judge does not answer in time", "", "", ""};
}

Result<void> wait_for(int socket, short events, SteadyTime deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - SystemClock().now()).count();
  if (left <= 0) return late();
  pollfd waited{socket, events, 0};
  const int ready = ::poll(&waited, 1, static_cast<int>(std::min<std::int64_t>(left, INT_MAX)));
  if (ready == 0) return late();
  return ready > 0 || errno == EINTR ? Result<void>() : broken();
}

Result<std::unique_ptr<Connection>> Connection::open(const HttpTarget& target,
                                                     SteadyTime deadline) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  AddressList found;
  if (::getaddrinfo(target.host.c_str(), target.port.c_str(), &wanted, &found.first) != 0) {
    return Error{ErrorCode::kUnavailable, "the judge cannot be reached: its name is not known", "",
                 "", ""};
  }
  Result<FileDescriptor> socket = late();
  for (const addrinfo* one = found.first; one != nullptr && !socket; one = one->ai_next) {
    socket = connect_to(*one, deadline);
  }
  if (!socket) return socket.error();
  if (target.is_encrypted) return open_tls(std::move(*socket), target.host, deadline);
  return std::unique_ptr<Connection>(
      std::make_unique<PlainConnection>(std::move(*socket), deadline));
}

}  // namespace assay::verifiers::http
