#include "runtime/net/zmq_parts.h"

namespace assay::net {

namespace {

constexpr int kLingerMs = 200;
constexpr int kQueuedMessagesMax = 64;
constexpr int kHandshakeMs = 2000;  // a connection that proves nothing by then is closed

}  // namespace

std::optional<Message> receive_message(zmq::socket_t& socket, std::size_t parts_max) {
  Message message;
  bool is_too_long = false;
  for (;;) {
    zmq::message_t part;
    if (!socket.recv(part, zmq::recv_flags::dontwait)) return std::nullopt;
    if (message.parts.size() < parts_max) {
      message.parts.push_back(part.to_string());
    } else {
      is_too_long = true;
    }
    if (part.more()) continue;
    if (is_too_long) message.parts.clear();
    // Absent without a handshake that names a user, which libzmq reports as an error.
    if (const char* user = zmq_msg_gets(part.handle(), "User-Id")) message.user = user;
    return message;
  }
}

void set_link_options(zmq::socket_t& socket, const LinkOptions& options) {
  socket.set(zmq::sockopt::linger, kLingerMs);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(options.frame_bytes_max));
  socket.set(zmq::sockopt::sndhwm, kQueuedMessagesMax);
  socket.set(zmq::sockopt::rcvhwm, kQueuedMessagesMax);
  socket.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::ipv6, true);
}

std::string endpoint_of(const std::string& host, std::uint16_t port) {
  const bool is_v6 = host.find(':') != std::string::npos && host.front() != '[';
  return "tcp://" + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace assay::net
