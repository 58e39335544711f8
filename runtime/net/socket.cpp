#include "runtime/net/socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <zmq.hpp>

#include "runtime/core/file.h"
#include "runtime/core/limits.h"

namespace assay::net {

namespace {

constexpr int kLingerMs = 100;
constexpr int kQueuedMessagesMax = 256;
constexpr std::size_t kFileNameBytesMax = 64;
constexpr std::size_t kSequenceBytes = 8;

// sockaddr_un holds 107 bytes of path. Through the folder's descriptor only the file's own name
// counts, wherever the run lies.
struct Address {
  FileDescriptor folder;
  std::string path;      // as the caller named it
  std::string name;      // its last part
  std::string endpoint;  // valid while `folder` is open
};

Result<Address> address_of(const std::string& path) {
  const std::filesystem::path whole(path);
  const std::string name = whole.filename().string();
  if (name.empty() || name.size() > kFileNameBytesMax) {
    return Error{ErrorCode::kInvalidInput,
                 "'" + path + "' cannot name a socket: its last part must have 1 to " +
                     std::to_string(kFileNameBytesMax) + " bytes",
                 {},
                 {},
                 {}};
  }
  const std::string folder = whole.parent_path().empty() ? "." : whole.parent_path().string();
  Address address;
  address.path = path;
  address.name = name;
  address.folder = FileDescriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!address.folder.is_open()) return errno_error("open folder", folder);
  address.endpoint = "ipc:///proc/self/fd/" + std::to_string(address.folder.get()) + "/" + name;
  return address;
}

Error zmq_failure(std::string_view attempt, const std::string& path, const zmq::error_t& failure) {
  errno = failure.num();
  Error error = errno_error(attempt, path);
  error.message = std::string(attempt) + " " + path + ": " + failure.what();
  return error;
}

void set_common(zmq::socket_t& socket, std::size_t message_bytes_max) {
  socket.set(zmq::sockopt::linger, kLingerMs);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(message_bytes_max));
  socket.set(zmq::sockopt::sndhwm, kQueuedMessagesMax);
  socket.set(zmq::sockopt::rcvhwm, kQueuedMessagesMax);
}

// Only our own user and root may connect, checked by the kernel's peer credentials; the file's mode
// says the same to people.
void allow_owner_only(zmq::socket_t& socket) {
  const std::array<uid_t, 2> users = {::geteuid(), 0};
  for (const uid_t user : users) {
    const int code = zmq_setsockopt(socket.handle(), ZMQ_IPC_FILTER_UID, &user, sizeof(user));
    if (code != 0) throw zmq::error_t();
  }
}

bool wait_readable(zmq::socket_t& socket, std::chrono::milliseconds timeout) {
  zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
  return zmq::poll(&item, 1, timeout) > 0;
}

// The parts of one message. Parts beyond `parts_max` are read and thrown away; `count` tells.
struct Parts {
  std::array<std::string, 3> parts;
  std::size_t count = 0;
};

std::optional<Parts> receive(zmq::socket_t& socket) {
  Parts received;
  for (;;) {
    zmq::message_t part;
    const zmq::recv_result_t size = socket.recv(part, zmq::recv_flags::dontwait);
    if (!size) return std::nullopt;
    if (received.count < received.parts.size()) received.parts[received.count] = part.to_string();
    ++received.count;
    if (!part.more()) return received;
  }
}

}  // namespace

struct StatusServer::State {
  Address address;
  bool is_bound = false;
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::router};
  StatusServerCounters counters;

  // libzmq leaves the file behind.
  ~State() {
    if (is_bound) ::unlinkat(address.folder.get(), address.name.c_str(), 0);
  }
};

Result<StatusServer> StatusServer::bind(const std::string& path) {
  Result<Address> address = address_of(path);
  if (!address) return address.error();
  try {
    auto state = std::make_unique<State>();
    state->address = std::move(*address);
    set_common(state->socket, limits::kControlFrameBytesMax);
    state->socket.set(zmq::sockopt::router_mandatory, true);
    allow_owner_only(state->socket);
    state->socket.bind(state->address.endpoint);
    state->is_bound = true;
    const Address& bound = state->address;
    if (::fchmodat(bound.folder.get(), bound.name.c_str(), 0600, 0) != 0)
      return errno_error("restrict the mode of", path);
    return StatusServer(std::move(state));
  } catch (const zmq::error_t& failure) {
    return zmq_failure("listen on", path, failure);
  }
}

StatusServer::StatusServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
StatusServer::~StatusServer() = default;
StatusServer::StatusServer(StatusServer&&) noexcept = default;
StatusServer& StatusServer::operator=(StatusServer&&) noexcept = default;

// A request is [client, sequence, body]; the sequence number comes back with the reply, so that a
// client never takes an old answer for a new one.
Result<std::optional<StatusRequest>> StatusServer::poll(std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + timeout;
  try {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      const bool is_ready =
          wait_readable(state_->socket, std::max(left, std::chrono::milliseconds(0)));
      if (!is_ready) return std::optional<StatusRequest>();
      std::optional<Parts> received = receive(state_->socket);
      if (!received) continue;
      if (received->count != 3 || received->parts[1].size() != kSequenceBytes) {
        ++state_->counters.garbage;
        continue;
      }
      ++state_->counters.requests;
      return std::optional(
          StatusRequest{received->parts[1] + received->parts[0], std::move(received->parts[2])});
    }
  } catch (const zmq::error_t& failure) {
    if (failure.num() == EINTR) return std::optional<StatusRequest>();
    return zmq_failure("listen on", state_->address.path, failure);
  }
}

Result<void> StatusServer::reply(const StatusRequest& request, std::string_view body) {
  if (body.size() > kReplyBytesMax)
    return Error{ErrorCode::kExhausted, "a status reply is larger than its limit", {}, {}, {}};
  if (request.client.size() <= kSequenceBytes)
    return Error{ErrorCode::kInvalidInput, "a status reply needs the request's client", {}, {}, {}};
  const std::string_view client(request.client);
  const auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
  try {
    const std::string_view id = client.substr(kSequenceBytes);
    const std::string_view sequence = client.substr(0, kSequenceBytes);
    if (!state_->socket.send(zmq::message_t(id.data(), id.size()), more)) {
      ++state_->counters.dropped_replies;
      return {};
    }
    state_->socket.send(zmq::message_t(sequence.data(), sequence.size()), more);
    state_->socket.send(zmq::message_t(body.data(), body.size()), zmq::send_flags::dontwait);
    ++state_->counters.replies;
    return {};
  } catch (const zmq::error_t& failure) {
    if (failure.num() != EHOSTUNREACH)
      return zmq_failure("reply on", state_->address.path, failure);
    ++state_->counters.dropped_replies;
    return {};
  }
}

StatusServerCounters StatusServer::counters() const {
  return state_->counters;
}

struct StatusClient::State {
  Address address;
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  std::uint64_t sequence = 0;
};

Result<StatusClient> StatusClient::connect(const std::string& path) {
  Result<Address> address = address_of(path);
  if (!address) return address.error();
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno_error("attach to", path);
  if (!S_ISSOCK(status.st_mode))
    return Error{ErrorCode::kInvalidInput, path + " is not a socket", {}, {}, {}};
  try {
    auto state = std::make_unique<State>();
    state->address = std::move(*address);
    set_common(state->socket, kReplyBytesMax);
    state->socket.connect(state->address.endpoint);
    return StatusClient(std::move(state));
  } catch (const zmq::error_t& failure) {
    return zmq_failure("attach to", path, failure);
  }
}

StatusClient::StatusClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
StatusClient::~StatusClient() = default;
StatusClient::StatusClient(StatusClient&&) noexcept = default;
StatusClient& StatusClient::operator=(StatusClient&&) noexcept = default;

Result<std::string> StatusClient::request(std::string_view body,
                                          std::chrono::milliseconds timeout) {
  if (body.size() > limits::kControlFrameBytesMax)
    return Error{ErrorCode::kExhausted, "a status request is larger than its limit", {}, {}, {}};
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + timeout;
  const std::uint64_t sequence = ++state_->sequence;
  std::string mark(kSequenceBytes, '\0');
  std::memcpy(mark.data(), &sequence, kSequenceBytes);
  try {
    state_->socket.send(zmq::buffer(mark), zmq::send_flags::sndmore);
    state_->socket.send(zmq::message_t(body.data(), body.size()), zmq::send_flags::none);
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0 || !wait_readable(state_->socket, left)) break;
      std::optional<Parts> received = receive(state_->socket);
      if (received && received->count == 2 && received->parts[0] == mark)
        return std::move(received->parts[1]);
    }
  } catch (const zmq::error_t& failure) {
    return zmq_failure("ask", state_->address.path, failure);
  }
  return Error{ErrorCode::kTimedOut,
               "ask " + state_->address.path + ": no answer within " +
                   std::to_string(timeout.count()) + " ms",
               "see whether the run is still alive",
               {},
               {}};
}

}  // namespace assay::net
