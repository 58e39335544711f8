#include <sys/random.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>

#include "runtime/core/check.h"
#include "runtime/net/tcp_probe.h"
#include "runtime/net/zmq_parts.h"

namespace assay::net {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReceivedInARow = 256;
constexpr std::chrono::milliseconds kRetryBlocked{5};
constexpr const char* kMonitorAddress = "inproc://monitor";

// A name that no earlier connection ever had. Its first byte is not 0, which ZeroMQ keeps for
// itself.
std::string fresh_identity() {
  std::array<char, 17> raw{};
  raw[0] = 'p';
  ASSAY_CHECK(
      ::getrandom(raw.data() + 1, raw.size() - 1, 0) == static_cast<ssize_t>(raw.size() - 1),
      "the kernel has random bytes");
  return {raw.begin(), raw.end()};
}

// The next event of a monitored socket; nothing when none waits.
std::optional<std::uint16_t> next_event(zmq::socket_t& monitor) {
  const std::optional<Message> message = receive_message(monitor, 2);
  if (!message || message->parts.empty() || message->parts[0].size() < 2) return std::nullopt;
  std::uint16_t event = 0;
  std::memcpy(&event, message->parts[0].data(), sizeof(event));
  return event;
}

}  // namespace

struct PeerDialer::State {
  LinkOptions options;
  DialerEvents events;
  std::string place;
  zmq::context_t context{1};
  zmq::socket_t socket{context, ZMQ_DEALER};
  zmq::socket_t monitor{context, ZMQ_PAIR};
  Mailbox<std::string> mailbox;
  std::deque<std::string> unsent;
  Clock::time_point heard = Clock::now(), last_heartbeat = Clock::now();
  std::atomic<bool> is_stopping = false, is_lost = false;
  std::atomic<std::uint64_t> frames_in = 0, frames_out = 0, garbage = 0;
  std::thread thread;

  ~State() {
    is_stopping = true;
    mailbox.ring();
    if (thread.joinable()) thread.join();
  }

  void connect(const std::string& endpoint, const ClusterKeys& keys) {
    constexpr int kEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                            ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                            ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED;
    set_link_options(socket, options);
    socket.set(zmq::sockopt::routing_id, fresh_identity());
    socket.set(zmq::sockopt::reconnect_ivl, -1);  // a link that breaks is over
    socket.set(zmq::sockopt::curve_serverkey, keys.head_public_key());
    socket.set(zmq::sockopt::curve_publickey, keys.public_key);
    socket.set(zmq::sockopt::curve_secretkey, keys.secret_key);
    if (zmq_socket_monitor(socket.handle(), kMonitorAddress, kEvents) != 0) throw zmq::error_t();
    monitor.connect(kMonitorAddress);
    socket.connect(endpoint);
  }

  // Waits until the other side has proved its key and accepted ours.
  Result<void> shake_hands(std::chrono::milliseconds patience) {
    const Clock::time_point deadline = Clock::now() + patience;
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) break;
      zmq::pollitem_t item{monitor.handle(), 0, ZMQ_POLLIN, 0};
      zmq::poll(&item, 1, left);
      const std::optional<std::uint16_t> event = next_event(monitor);
      if (!event) continue;
      if (*event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return {};
      break;
    }
    return Error{ErrorCode::kInvalidInput,
                 place + " does not accept the key",
                 "use a key file of this cluster; `assay keys init` makes them, and the head must "
                 "be started with its own",
                 {},
                 "E603"};
  }

  void serve() {
    while (!is_stopping && !is_lost) {
      const auto pause = unsent.empty() ? options.heartbeat / 4 : kRetryBlocked;
      zmq::pollitem_t items[] = {{socket.handle(), 0, ZMQ_POLLIN, 0},
                                 {monitor.handle(), 0, ZMQ_POLLIN, 0},
                                 {nullptr, mailbox.wake(), ZMQ_POLLIN, 0}};
      try {
        zmq::poll(items, 3, pause);
      } catch (const zmq::error_t&) {
        continue;  // a signal
      }
      receive();
      for (std::string& frame : mailbox.take_all()) unsent.push_back(std::move(frame));
      flush();
      if (next_event(monitor)) lose("the connection to " + place + " broke");
      keep_alive();
    }
    if (!is_lost) {
      flush();
      send_now(kByeTag, "");
    }
  }

  void receive() {
    for (std::size_t i = 0; i < kReceivedInARow && !is_lost; ++i) {
      std::optional<Message> message = receive_message(socket, 2);
      if (!message) return;
      if (message->parts.size() != 2 || message->parts[0].size() != 1) {
        ++garbage;
        continue;
      }
      heard = Clock::now();
      const char tag = message->parts[0].front();
      if (tag == kByeTag) return lose(place + " ended the link: " + message->parts[1]);
      if (tag != kDataTag) continue;
      ++frames_in;
      events.on_frame(std::move(message->parts[1]));
    }
  }

  bool send_now(char tag, std::string_view body) {
    if (!socket.send(zmq::buffer(&tag, 1), zmq::send_flags::sndmore | zmq::send_flags::dontwait)) {
      return false;
    }
    socket.send(zmq::buffer(body), zmq::send_flags::dontwait);
    return true;
  }

  void flush() {
    while (!unsent.empty() && send_now(kDataTag, unsent.front())) {
      unsent.pop_front();
      ++frames_out;
    }
  }

  void keep_alive() {
    const Clock::time_point now = Clock::now();
    if (now - last_heartbeat < options.heartbeat) return;
    // While this process was stopped nobody could be heard: what the head thinks of it, it will
    // say.
    const auto slept = now - last_heartbeat - options.heartbeat;
    if (slept > options.heartbeat) heard += slept;
    last_heartbeat = now;
    if (now - heard > options.patience) return lose(place + " is silent");
    send_now(kHeartbeatTag, "");
  }

  void lose(const std::string& why) {
    if (is_lost.exchange(true)) return;
    events.on_lost(why);
  }
};

Result<std::unique_ptr<PeerDialer>> PeerDialer::dial(const std::string& host, std::uint16_t port,
                                                     const ClusterKeys& keys,
                                                     const LinkOptions& options,
                                                     DialerEvents events) {
  if (auto reached = probe_tcp(host, port, options.patience); !reached) return reached.error();
  auto state = std::make_unique<State>();
  state->options = options;
  state->events = std::move(events);
  state->place = host + ":" + std::to_string(port);
  try {
    state->connect(endpoint_of(host, port), keys);
    if (auto done = state->shake_hands(options.patience); !done) return done.error();
  } catch (const zmq::error_t& failure) {
    return Error{
        ErrorCode::kUnavailable, "dial " + state->place + ": " + failure.what(), {}, {}, "E602"};
  }
  state->heard = state->last_heartbeat = Clock::now();
  State& running = *state;
  state->thread = std::thread([&running] { running.serve(); });
  return std::unique_ptr<PeerDialer>(new PeerDialer(std::move(state)));
}

PeerDialer::PeerDialer(std::unique_ptr<State> state) : state_(std::move(state)) {}
PeerDialer::~PeerDialer() = default;

Result<void> PeerDialer::send(std::string frame) {
  if (state_->is_lost) {
    return Error{ErrorCode::kUnavailable, "the link to " + state_->place + " is lost", {}, {}, {}};
  }
  state_->mailbox.push(std::move(frame));
  return {};
}

LinkCounters PeerDialer::counters() const {
  LinkCounters counters;
  counters.frames_in = state_->frames_in;
  counters.frames_out = state_->frames_out;
  counters.garbage = state_->garbage;
  return counters;
}

}  // namespace assay::net
