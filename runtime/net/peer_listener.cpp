#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "runtime/core/check.h"
#include "runtime/net/zmq_parts.h"

namespace assay::net {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReceivedInARow = 256;  // then the other duties get their turn
constexpr std::size_t kGoneRemembered = 4096;
constexpr std::chrono::milliseconds kRetryBlocked{5};

struct Outgoing {
  std::string peer;
  std::string frame;
  std::string farewell;  // not empty: shut the peer out with this reason
};

// Answers libzmq's question whether a key may speak: one request, one reply, RFC 27.
class Gate {
 public:
  Gate(zmq::context_t& context, std::vector<PeerKey> allowed) : socket_(context, ZMQ_REP) {
    for (PeerKey& key : allowed) {
      std::array<std::uint8_t, 32> raw;
      ASSAY_CHECK(zmq_z85_decode(raw.data(), key.public_key.c_str()) != nullptr,
                  "keys are checked when they are read");
      roles_[std::string(raw.begin(), raw.end())] = key.role;
    }
    socket_.set(zmq::sockopt::linger, 0);
    socket_.bind("inproc://zeromq.zap.01");
  }

  zmq::socket_t& socket() { return socket_; }

  // Answers what waits; returns how many were refused.
  std::uint64_t answer() {
    std::uint64_t refused = 0;
    while (const std::optional<Message> request = receive_message(socket_, 7)) {
      const bool is_curve = request->parts.size() == 7 && request->parts[5] == "CURVE";
      const auto role = is_curve ? roles_.find(request->parts[6]) : roles_.end();
      const bool is_allowed = role != roles_.end();
      refused += is_allowed ? 0 : 1;
      const std::string id = request->parts.size() > 1 ? request->parts[1] : std::string();
      const std::string user = is_allowed ? std::string(to_string(role->second)) : std::string();
      reply({"1.0", id, is_allowed ? "200" : "400", is_allowed ? "OK" : "unknown key", user, ""});
    }
    return refused;
  }

 private:
  void reply(const std::vector<std::string>& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto flags = i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      socket_.send(zmq::buffer(parts[i]), flags);
    }
  }

  zmq::socket_t socket_;
  std::map<std::string, PeerRole> roles_;  // by raw public key
};

}  // namespace

struct PeerListener::State {
  struct Known {
    Peer peer;
    Clock::time_point heard;
    std::deque<std::string> unsent;
    std::size_t unsent_bytes = 0;
  };

  LinkOptions options;
  ListenerEvents events;
  zmq::context_t context{1};
  std::unique_ptr<Gate> gate;
  zmq::socket_t socket{context, ZMQ_ROUTER};
  std::uint16_t port = 0;
  Mailbox<Outgoing> mailbox;
  std::map<std::string, Known> peers;  // the link's thread alone
  std::deque<std::string> gone;        // lost ones, oldest first: they are told when they speak
  Clock::time_point last_heartbeat = Clock::now();
  std::atomic<bool> is_stopping = false;
  mutable std::mutex mutex;  // of what other threads read
  std::set<std::string> present;
  LinkCounters counters;
  std::thread thread;

  ~State() {
    is_stopping = true;
    mailbox.ring();
    if (thread.joinable()) thread.join();
  }

  template <class Change>
  void count(Change change) {
    const std::lock_guard lock(mutex);
    change(counters);
  }

  bool is_blocked() const {
    return std::any_of(peers.begin(), peers.end(),
                       [](const auto& entry) { return !entry.second.unsent.empty(); });
  }

  void serve() {
    while (!is_stopping) {
      const auto pause = is_blocked() ? kRetryBlocked : options.heartbeat / 4;
      zmq::pollitem_t items[] = {{socket.handle(), 0, ZMQ_POLLIN, 0},
                                 {gate->socket().handle(), 0, ZMQ_POLLIN, 0},
                                 {nullptr, mailbox.wake(), ZMQ_POLLIN, 0}};
      try {
        zmq::poll(items, 3, pause);
      } catch (const zmq::error_t&) {
        continue;  // a signal
      }
      const std::uint64_t refused = gate->answer();
      if (refused > 0) count([&](LinkCounters& all) { all.refused += refused; });
      receive();
      for (Outgoing& one : mailbox.take_all()) enqueue(std::move(one));
      flush_all();
      keep_alive();
    }
    // Farewells that were asked for just before the end.
    for (Outgoing& one : mailbox.take_all()) enqueue(std::move(one));
    flush_all();
  }

  void receive() {
    for (std::size_t i = 0; i < kReceivedInARow; ++i) {
      std::optional<Message> message = receive_message(socket, 3);
      if (!message) return;
      accept(*message);
    }
  }

  void accept(Message& message) {
    const auto role = parse_peer_role(message.user);
    if (message.parts.size() != 3 || message.parts[1].size() != 1 || !role) {
      count([](LinkCounters& all) { ++all.garbage; });
      return;
    }
    const std::string& id = message.parts[0];
    const auto found = peers.find(id);
    if (found == peers.end() && !is_welcome(id)) return;
    Known& known = peers[id];
    known.heard = Clock::now();
    if (known.peer.id.empty()) {
      known.peer = {id, *role};
      const std::lock_guard lock(mutex);
      present.insert(id);
    }
    const char tag = message.parts[1].front();
    if (tag == kByeTag) return lose(id, "it said goodbye");
    if (tag != kDataTag) return;
    count([](LinkCounters& all) { ++all.frames_in; });
    const Peer peer = known.peer;
    events.on_frame(peer, std::move(message.parts[2]));
  }

  // Whether an identity that is not known may join. One that was lost may not: it is told so.
  bool is_welcome(const std::string& id) {
    const bool was_lost = std::find(gone.begin(), gone.end(), id) != gone.end();
    if (was_lost) send_now(id, kByeTag, "this link was given up; join anew");
    if (!was_lost && peers.size() >= options.peers_max) {
      send_now(id, kByeTag, "there are too many peers already");
      return false;
    }
    return !was_lost;
  }

  // False when the peer takes nothing now.
  bool send_now(const std::string& id, char tag, std::string_view body) {
    const auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
    try {
      if (!socket.send(zmq::buffer(id), more)) return false;
      socket.send(zmq::buffer(&tag, 1), more);
      socket.send(zmq::buffer(body), zmq::send_flags::dontwait);
      return true;
    } catch (const zmq::error_t& failure) {
      if (failure.num() == EHOSTUNREACH) lose(id, "its connection is gone");
      return failure.num() == EHOSTUNREACH;
    }
  }

  void enqueue(Outgoing one) {
    const auto found = peers.find(one.peer);
    if (found == peers.end()) return;
    if (!one.farewell.empty()) {
      send_now(one.peer, kByeTag, one.farewell);
      return lose(one.peer, one.farewell);
    }
    Known& known = found->second;
    known.unsent_bytes += one.frame.size();
    known.unsent.push_back(std::move(one.frame));
    if (known.unsent_bytes > options.unsent_bytes_max) lose(one.peer, "it does not take its mail");
  }

  void flush_all() {
    std::vector<std::string> ids;
    for (const auto& [id, known] : peers) {
      if (!known.unsent.empty()) ids.push_back(id);
    }
    for (const std::string& id : ids) flush(id);
  }

  void flush(const std::string& id) {
    for (auto found = peers.find(id); found != peers.end() && !found->second.unsent.empty();
         found = peers.find(id)) {
      if (!send_now(id, kDataTag, found->second.unsent.front())) return;
      found = peers.find(id);
      if (found == peers.end()) return;
      found->second.unsent_bytes -= found->second.unsent.front().size();
      found->second.unsent.pop_front();
      count([](LinkCounters& all) { ++all.frames_out; });
    }
  }

  void keep_alive() {
    const Clock::time_point now = Clock::now();
    if (now - last_heartbeat < options.heartbeat) return;
    // Time in which this process itself was stopped says nothing about its peers.
    const auto slept = now - last_heartbeat - options.heartbeat;
    last_heartbeat = now;
    std::vector<std::string> silent, all;
    for (auto& [id, known] : peers) {
      if (slept > options.heartbeat) known.heard += slept;
      (now - known.heard > options.patience ? silent : all).push_back(id);
    }
    for (const std::string& id : silent) lose(id, "it is silent");
    for (const std::string& id : all) send_now(id, kHeartbeatTag, "");
  }

  void lose(const std::string& id, const std::string& why) {
    const auto found = peers.find(id);
    if (found == peers.end()) return;
    const Peer peer = found->second.peer;
    peers.erase(found);
    gone.push_back(id);
    if (gone.size() > kGoneRemembered) gone.pop_front();
    {
      const std::lock_guard lock(mutex);
      present.erase(id);
    }
    events.on_lost(peer, why);
  }
};

Result<std::unique_ptr<PeerListener>> PeerListener::listen(const std::string& host,
                                                           std::uint16_t port,
                                                           const ClusterKeys& keys,
                                                           const LinkOptions& options) {
  if (keys.role != PeerRole::kHead) {
    return Error{ErrorCode::kInvalidInput,
                 "the key of a " + std::string(to_string(keys.role)) + " cannot lead a cluster",
                 "give the head its own head.key",
                 {},
                 {}};
  }
  auto state = std::make_unique<State>();
  state->options = options;
  const std::string endpoint =
      port == 0 ? endpoint_of(host, 0).replace(endpoint_of(host, 0).rfind(':') + 1, 1, "*")
                : endpoint_of(host, port);
  try {
    state->gate = std::make_unique<Gate>(state->context, keys.peers);
    zmq::socket_t& socket = state->socket;
    set_link_options(socket, options);
    socket.set(zmq::sockopt::router_mandatory, true);
    socket.set(zmq::sockopt::curve_server, true);
    socket.set(zmq::sockopt::curve_secretkey, keys.secret_key);
    socket.set(zmq::sockopt::zap_domain, "assay");
    socket.bind(endpoint);
    const std::string bound = socket.get(zmq::sockopt::last_endpoint);
    state->port = static_cast<std::uint16_t>(std::stoul(bound.substr(bound.rfind(':') + 1)));
  } catch (const zmq::error_t& failure) {
    const bool is_taken = failure.num() == EADDRINUSE;
    return Error{ErrorCode::kUnavailable,
                 "listen on " + endpoint + ": " +
                     (is_taken ? "the port is taken" : std::string(failure.what())),
                 is_taken ? "another head may be running there; choose another port, or stop it"
                          : "name an address of this machine",
                 {},
                 "E601"};
  }
  return std::unique_ptr<PeerListener>(new PeerListener(std::move(state)));
}

void PeerListener::start(ListenerEvents events) {
  ASSAY_CHECK(!state_->thread.joinable(), "a listener is started once");
  state_->events = std::move(events);
  state_->last_heartbeat = Clock::now();
  state_->thread = std::thread([&running = *state_] { running.serve(); });
}

PeerListener::PeerListener(std::unique_ptr<State> state) : state_(std::move(state)) {}
PeerListener::~PeerListener() = default;

std::uint16_t PeerListener::port() const {
  return state_->port;
}

Result<void> PeerListener::send(const std::string& peer, std::string frame) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->present.contains(peer)) {
      return Error{ErrorCode::kNotFound, "the peer is gone", {}, {}, {}};
    }
  }
  state_->mailbox.push({peer, std::move(frame), {}});
  return {};
}

void PeerListener::drop(const std::string& peer, const std::string& why) {
  state_->mailbox.push({peer, {}, why});
}

LinkCounters PeerListener::counters() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counters;
}

}  // namespace assay::net
