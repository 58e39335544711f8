// What the links of this room share of ZeroMQ. Internal: included by its .cpp files only.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "runtime/core/file.h"
#include "runtime/net/peer_link.h"

namespace assay::net {

// What a message between peers is: [tag, body].
inline constexpr char kDataTag = 'D', kHeartbeatTag = 'H', kByeTag = 'B';

// Items that other threads leave for a link's own, which polls `wake`.
template <class Item>
class Mailbox {
 public:
  Mailbox() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void push(Item item) {
    {
      const std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
    }
    ring();
  }
  void ring() {
    const std::uint64_t one = 1;
    // A full counter rings already.
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
  }
  std::deque<Item> take_all() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t read = ::read(wake_.get(), &count, sizeof(count));
    const std::lock_guard lock(mutex_);
    return std::exchange(items_, {});
  }
  int wake() const { return wake_.get(); }

 private:
  FileDescriptor wake_;
  std::mutex mutex_;
  std::deque<Item> items_;
};

// A whole message, as far as it has at most `parts_max` parts; what is longer is emptied out and
// counts as no parts.
struct Message {
  std::vector<std::string> parts;
  std::string user;  // whom the handshake proved; empty without one
};
std::optional<Message> receive_message(zmq::socket_t& socket, std::size_t parts_max);

// Everything about a link's socket that does not depend on its side.
void set_link_options(zmq::socket_t& socket, const LinkOptions& options);

// The place of a peer in words and for ZeroMQ: IPv6 addresses stand in brackets.
std::string endpoint_of(const std::string& host, std::uint16_t port);

}  // namespace assay::net
