#include "tests/verifiers/http/judge_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <charconv>
#include <chrono>

#include "runtime/core/check.h"

namespace assay::testing {

namespace {

using namespace std::chrono_literals;

bool can_read(int socket, int wait_ms) {
  pollfd waited{socket, POLLIN, 0};
  return ::poll(&waited, 1, wait_ms) > 0;
}

std::size_t length_in(const std::string& head) {
  constexpr std::string_view kName = "Content-Length: ";
  const std::size_t at = head.find(kName);
  std::size_t length = 0;
  if (at != std::string::npos) {
    std::from_chars(head.data() + at + kName.size(), head.data() + head.size(), length);
  }
  return length;
}

}  // namespace

bool JudgeConnection::send(const std::string& bytes) const {
  return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

void JudgeConnection::wait(std::chrono::milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!is_stopping_ && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(2ms);
}

void JudgeConnection::answer(unsigned status, const std::string& body,
                             const std::string& headers) const {
  send("HTTP/1.1 " + std::to_string(status) + " Said\r\nContent-Type: application/json\r\n" +
       headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

void JudgeConnection::drop() const {
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

JudgeServer::JudgeServer(Behaviour behaviour) : behaviour_(std::move(behaviour)) {
  listener_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  ASSAY_CHECK(::bind(listener_.get(), any, size) == 0 && ::listen(listener_.get(), 64) == 0 &&
                  ::getsockname(listener_.get(), any, &size) == 0,
              "a loopback port can be opened");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

JudgeServer::~JudgeServer() {
  is_stopping_ = true;
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
}

std::string JudgeServer::last_request() const {
  const std::lock_guard lock(mutex_);
  return last_request_;
}

void JudgeServer::accept_all() {
  while (!is_stopping_) {
    if (!can_read(listener_.get(), 5)) continue;
    const int socket = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) connections_.emplace_back([this, socket] { serve(socket); });
  }
}

void JudgeServer::serve(int socket) {
  const FileDescriptor owned(socket);
  std::string request;
  std::size_t wanted = std::string::npos;
  while (!is_stopping_ && request.size() < wanted) {
    char bytes[4096];
    if (!can_read(socket, 5)) continue;
    const ssize_t count = ::recv(socket, bytes, sizeof bytes, 0);
    if (count <= 0) return;
    request.append(bytes, static_cast<std::size_t>(count));
    const std::size_t head = request.find("\r\n\r\n");
    if (head != std::string::npos) wanted = head + 4 + length_in(request.substr(0, head));
  }
  ++request_count_;
  {
    const std::lock_guard lock(mutex_);
    last_request_ = request;
  }
  behaviour_(JudgeConnection(socket, is_stopping_), request);
}

}  // namespace assay::testing
