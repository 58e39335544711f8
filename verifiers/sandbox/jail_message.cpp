#include "verifiers/sandbox/jail_message.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "verifiers/sandbox/frame.h"

namespace assay::sandbox {

namespace {

Error gone() {
  return {ErrorCode::kUnavailable, "the other side of the jail's socket is gone", "", "", ""};
}

// Room for one control message with descriptors.
struct ControlSpace {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kDescriptorsMax)> bytes{};
};

void take_descriptors(msghdr& message, std::vector<FileDescriptor>& taken) {
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
      taken.emplace_back(fd);
    }
  }
}

}  // namespace

Result<void> send_message(int socket, std::span<const std::byte> bytes, std::span<const int> beside,
                          SteadyTime deadline) {
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlSpace space;
  if (!beside.empty()) {
    message.msg_control = space.bytes.data();
    message.msg_controllen = CMSG_SPACE(beside.size_bytes());
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(beside.size_bytes());
    std::memcpy(CMSG_DATA(head), beside.data(), beside.size_bytes());
  }
  // A message is far smaller than a socket's buffer, so it goes whole or not at all.
  while (true) {
    const ssize_t count = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count == static_cast<ssize_t>(bytes.size())) return {};
    if (count >= 0 || (errno != EAGAIN && errno != EINTR)) return gone();
    if (auto ready = wait_until_writable(socket, deadline); !ready) return ready;
  }
}

Result<std::vector<FileDescriptor>> receive_message(int socket, std::span<std::byte> bytes,
                                                    SteadyTime deadline) {
  std::vector<FileDescriptor> taken;
  while (!bytes.empty()) {
    iovec part{bytes.data(), bytes.size()};
    ControlSpace space;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space.bytes.data();
    message.msg_controllen = space.bytes.size();
    const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count > 0) {
      take_descriptors(message, taken);
      if ((message.msg_flags & MSG_CTRUNC) != 0) {
        return Error{ErrorCode::kCorrupt, "too many descriptors came at once", "", "", ""};
      }
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      return gone();
    } else if (auto ready = wait_until_readable(socket, deadline); !ready) {
      return ready.error();
    }
  }
  return taken;
}

}  // namespace assay::sandbox
