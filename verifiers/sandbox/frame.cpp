#include "verifiers/sandbox/frame.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <span>

#include "runtime/core/file.h"

namespace assay::sandbox {

namespace {

using namespace std::chrono;

constexpr std::size_t kHeaderBytes = 4;

Error gone() {
  return {ErrorCode::kUnavailable, "the other side of the stream is gone", "", "", ""};
}

// Waits until the stream can be read or written.
Result<void> wait_for(int fd, short events, SteadyTime deadline) {
  while (true) {
    int wait_ms = -1;
    if (deadline != kNoDeadline) {
      const auto left = ceil<milliseconds>(deadline - SystemClock().now()).count();
      if (left <= 0) {
        return Error{ErrorCode::kTimedOut, "the other side of the stream is silent", "", "", ""};
      }
      wait_ms = static_cast<int>(std::min<std::int64_t>(left, INT_MAX));
    }
    pollfd waited{fd, events, 0};
    const int count = ::poll(&waited, 1, wait_ms);
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return errno_error("wait for", "a stream");
  }
}

bool is_only_busy() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

Result<void> write_all_by(int fd, std::string_view bytes, SteadyTime deadline) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (!is_only_busy()) {
      return gone();
    } else if (auto ready = wait_for(fd, POLLOUT, deadline); !ready) {
      return ready;
    }
  }
  return {};
}

Result<void> read_all_by(int fd, char* bytes, std::size_t size, SteadyTime deadline) {
  while (size > 0) {
    const ssize_t count = ::recv(fd, bytes, size, MSG_DONTWAIT);
    if (count > 0) {
      bytes += count;
      size -= static_cast<std::size_t>(count);
    } else if (count == 0 || !is_only_busy()) {
      return gone();
    } else if (auto ready = wait_for(fd, POLLIN, deadline); !ready) {
      return ready;
    }
  }
  return {};
}

Result<void> read_all(int fd, char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::read(fd, bytes, size);
    if (count > 0) {
      bytes += count;
      size -= static_cast<std::size_t>(count);
    } else if (count == 0 || errno != EINTR) {
      return gone();
    }
  }
  return {};
}

Result<std::string> framed(std::string_view payload) {
  if (payload.size() > UINT32_MAX) {
    return Error{ErrorCode::kExhausted, "a frame holds at most 4 GiB", "", "", ""};
  }
  std::string frame(kHeaderBytes, '\0');
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    frame[i] = static_cast<char>(payload.size() >> (8 * i) & 0xff);
  }
  return frame += payload;
}

Result<std::size_t> checked_size(const std::array<char, kHeaderBytes>& header,
                                 std::size_t bytes_max) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    size |= std::size_t{static_cast<unsigned char>(header[i])} << (8 * i);
  }
  if (size <= bytes_max) return size;
  return Error{
      ErrorCode::kCorrupt,
      "a frame of " + std::to_string(size) + " bytes, more than " + std::to_string(bytes_max), "",
      "", ""};
}

}  // namespace

Result<void> wait_until_readable(int fd, SteadyTime deadline) {
  return wait_for(fd, POLLIN, deadline);
}

Result<void> wait_until_writable(int fd, SteadyTime deadline) {
  return wait_for(fd, POLLOUT, deadline);
}

Result<void> write_frame(int fd, std::string_view payload, SteadyTime deadline) {
  const auto frame = framed(payload);
  if (!frame) return frame.error();
  return write_all_by(fd, *frame, deadline);
}

Result<void> write_plain_frame(int fd, std::string_view payload) {
  const auto frame = framed(payload);
  if (!frame) return frame.error();
  return write_all(fd, std::as_bytes(std::span(*frame)), "a stream");
}

Result<std::string> read_frame(int fd, std::size_t bytes_max, SteadyTime deadline) {
  std::array<char, kHeaderBytes> header{};
  if (auto read = read_all_by(fd, header.data(), header.size(), deadline); !read) {
    return read.error();
  }
  const auto size = checked_size(header, bytes_max);
  if (!size) return size.error();
  std::string payload(*size, '\0');
  if (auto read = read_all_by(fd, payload.data(), *size, deadline); !read) return read.error();
  return payload;
}

Result<std::string> read_plain_frame(int fd, std::size_t bytes_max) {
  std::array<char, kHeaderBytes> header{};
  if (auto read = read_all(fd, header.data(), header.size()); !read) return read.error();
  const auto size = checked_size(header, bytes_max);
  if (!size) return size.error();
  std::string payload(*size, '\0');
  if (auto read = read_all(fd, payload.data(), *size); !read) return read.error();
  return payload;
}

}  // namespace assay::sandbox
