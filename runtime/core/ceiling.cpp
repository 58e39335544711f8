#include "runtime/core/ceiling.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/core/file.h"

namespace assay {
namespace {

constexpr std::size_t kBytesPerReading = std::size_t{64} << 20;
constexpr std::size_t kAllocationsPerReading = 200'000;
constexpr int kForksPerReading = 8;

// Keeps the compiler from leaving out work whose result nobody reads.
void must_happen(void* result) {
  asm volatile("" : : "r"(result) : "memory");
}

using Word = std::uint64_t;

bool read_word(int fd, Word& word) {
  ssize_t got = 0;
  do got = ::read(fd, &word, sizeof word);
  while (got < 0 && errno == EINTR);
  return got == sizeof word;
}

bool write_word(int fd, Word word) {
  ssize_t put = 0;
  do put = ::write(fd, &word, sizeof word);
  while (put < 0 && errno == EINTR);
  return put == sizeof word;
}

// Waits for a child to end, or with WUNTRACED to stop.
void wait_for(pid_t child, int options) {
  while (::waitpid(child, nullptr, options) < 0 && errno == EINTR) {
  }
}

// One side of a two-way channel.
struct Side {
  FileDescriptor in, out;
};

bool round_trip(int in, int out, Word word) {
  Word answer = 0;
  return write_word(out, word) && read_word(in, answer) && answer == word;
}

// Sends words back until the other side closes.
void echo(int in, int out) {
  Word word = 0;
  while (read_word(in, word) && write_word(out, word)) {
  }
}

// Words from `near` to an echo on a thread of its own at `far`.
Result<Latency> ping_pong(Side near, Side far, std::size_t count) {
  std::vector<double> times;
  bool is_whole = true;
  std::thread other([&far] { echo(far.in.get(), far.out.get()); });
  for (Word i = 1; i <= count && is_whole; ++i) {
    times.push_back(seconds_of([&] { is_whole = round_trip(near.in.get(), near.out.get(), i); }) *
                    1e6);
  }
  const Error error = errno_error("exchange words with", "a thread");
  near = Side{};  // closed: the echo ends
  other.join();
  if (!is_whole) return error;
  return latency_of(std::move(times));
}

// Answers one word on each of `count` connections.
void answer_attaches(int listener, std::size_t count) {
  while (count-- > 0) {
    const FileDescriptor connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.is_open()) return;
    Word word = 0;
    if (read_word(connection.get(), word)) write_word(connection.get(), word);
  }
}

bool attach(const sockaddr_un& address, socklen_t size) {
  const FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return client.is_open() &&
         ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
         round_trip(client.get(), client.get(), 1);
}

}  // namespace

double memcpy_gbps(std::size_t block_bytes) {
  const std::vector<char> from(block_bytes, 'x');
  std::vector<char> to(block_bytes);
  const std::size_t times = std::max<std::size_t>(1, kBytesPerReading / block_bytes);
  const double seconds = seconds_of([&] {
    for (std::size_t i = 0; i < times; ++i) {
      std::memcpy(to.data(), from.data(), block_bytes);
      must_happen(to.data());
    }
  });
  return static_cast<double>(times * block_bytes) / seconds / 1e9;
}

double allocations_per_s(std::size_t block_bytes) {
  const double seconds = seconds_of([&] {
    for (std::size_t i = 0; i < kAllocationsPerReading; ++i) {
      const auto block = std::make_unique_for_overwrite<char[]>(block_bytes);
      must_happen(block.get());
    }
  });
  return kAllocationsPerReading / seconds;
}

Result<double> fork_us() {
  std::vector<double> times;
  for (int i = 0; i < kForksPerReading; ++i) {
    pid_t child = -1;
    const double seconds = seconds_of([&] {
      child = ::fork();
      if (child == 0) ::_exit(0);
      if (child > 0) wait_for(child, 0);
    });
    if (child < 0) return errno_error("start", "a process");
    times.push_back(seconds * 1e6);
  }
  return percentile(std::move(times), 0.5);
}

Result<Latency> pipe_round_trip_us(std::size_t round_trips) {
  std::array<int, 2> there{-1, -1}, back{-1, -1};
  const bool is_made =
      ::pipe2(there.data(), O_CLOEXEC) == 0 && ::pipe2(back.data(), O_CLOEXEC) == 0;
  const Error error = errno_error("make", "a pipe");
  Side near{FileDescriptor(back[0]), FileDescriptor(there[1])};
  Side far{FileDescriptor(there[0]), FileDescriptor(back[1])};
  if (!is_made) return error;
  return ping_pong(std::move(near), std::move(far), round_trips);
}

Result<Latency> socket_round_trip_us(std::size_t round_trips) {
  std::array<int, 2> pair{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return errno_error("make", "a pair of sockets");
  }
  const auto copy_of = [](int fd) { return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); };
  Side near{FileDescriptor(pair[0]), copy_of(pair[0])};
  Side far{FileDescriptor(pair[1]), copy_of(pair[1])};
  if (!near.out.is_open() || !far.out.is_open()) return errno_error("copy", "a socket");
  return ping_pong(std::move(near), std::move(far), round_trips);
}

Result<Latency> socket_attach_us(std::size_t attaches) {
  const FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener.is_open()) return errno_error("make", "a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  // An address without a path: the kernel chooses a name that no file shows.
  if (::bind(listener.get(), plain, sizeof address.sun_family) != 0 ||
      ::listen(listener.get(), 1) != 0 || ::getsockname(listener.get(), plain, &size) != 0) {
    return errno_error("listen on", "a socket");
  }
  std::vector<double> times;
  bool is_whole = true;
  std::thread server([&] { answer_attaches(listener.get(), attaches); });
  for (std::size_t i = 0; i < attaches && is_whole; ++i) {
    times.push_back(seconds_of([&] { is_whole = attach(address, size); }) * 1e6);
  }
  const Error error = errno_error("attach to", "a socket");
  ::shutdown(listener.get(), SHUT_RDWR);
  server.join();
  if (!is_whole) return error;
  return latency_of(std::move(times));
}

Result<BusyNeighbour> BusyNeighbour::start() {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return errno_error("start", "a process");
  if (child > 0) {
    wait_for(child, WUNTRACED);
    return BusyNeighbour(child);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have ended before the line above.
  if (::getppid() != parent) ::_exit(0);
  // It stops itself, and only now: stopped from outside it might stand still before it has asked to
  // die with its parent, and then outlive it.
  ::raise(SIGSTOP);
  for (std::uint64_t count = 0;; ++count) must_happen(&count);
}

BusyNeighbour::BusyNeighbour(BusyNeighbour&& other) noexcept
    : process_(std::exchange(other.process_, -1)) {}

void BusyNeighbour::resume() {
  ::kill(process_, SIGCONT);
}

void BusyNeighbour::pause() {
  ::kill(process_, SIGSTOP);
  wait_for(process_, WUNTRACED);
}

BusyNeighbour::~BusyNeighbour() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  wait_for(process_, 0);
}

}  // namespace assay
