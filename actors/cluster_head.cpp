#include "actors/cluster_head.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "actors/worker_state.h"
#include "runtime/core/digest.h"
#include "runtime/net/weight_fetch.h"

namespace assay::actors {

namespace {

using net::Peer;
using net::PeerRole;
using telemetry::LogLevel;
using wire::MessageKind;

constexpr std::size_t kBulkFrameBytesMax = std::size_t{16} << 20;
constexpr std::size_t kBulkUnsentBytesMax = std::size_t{256} << 20;

struct Node {
  NodeInfo info;
  std::string incarnation;
  PeerRole role = PeerRole::kVerifier;
  std::string control, bulk;  // peers of the two links; bulk is empty until it has joined
};

bool may_report(PeerRole role, MessageKind kind) {
  switch (kind) {
    case MessageKind::kWorkerReport:
    case MessageKind::kStateReport:
    case MessageKind::kVerdictsReport:
      return role == PeerRole::kNode || role == PeerRole::kVerifier;
    case MessageKind::kRolloutsReport:
    case MessageKind::kRefusalReport:
    case MessageKind::kWeightsRequest:
      return role == PeerRole::kNode;
    default:
      return false;
  }
}

flow::PoolCapacities allowed_capacities(const wire::NodeHello& hello, PeerRole role) {
  flow::PoolCapacities capacities;
  for (const wire::PoolCapacity& one : hello.capacities) capacities[one.pool] = one.workers;
  if (role != PeerRole::kNode) capacities[kGeneratorPool] = 0;
  return capacities;
}

}  // namespace

struct ClusterHead::State {
  ClusterHeadOptions options;
  // Guards everything below but the listeners. Never held while an event is told.
  mutable std::mutex mutex;
  std::map<std::string, Node> nodes;           // by name, also those still joining
  std::map<std::string, std::string> by_peer;  // control or bulk peer -> name
  std::map<std::uint64_t, std::shared_ptr<const gpu::Weights>> weights;
  // Held while events are told, so that detach() waits for the last one.
  std::mutex telling;
  std::optional<ClusterEvents> events;
  // Last, so that their threads end first.
  std::unique_ptr<net::PeerListener> control, bulk;

  void log(LogLevel level, const std::string& text) { options.log.write(level, text); }

  void tell_joined(const NodeInfo& info) {
    const std::lock_guard lock(telling);
    if (events) events->on_joined(info);
  }
  void tell_lost(const std::string& node, const std::string& why) {
    const std::lock_guard lock(telling);
    if (events) events->on_lost(node, why);
  }

  std::string node_of(const std::string& peer) const {
    const std::lock_guard lock(mutex);
    const auto found = by_peer.find(peer);
    return found == by_peer.end() ? std::string() : found->second;
  }

  // ---- joining

  void on_control(const Peer& peer, std::string frame) {
    const std::string name = node_of(peer.id);
    if (name.empty()) return say_hello(peer, frame);
    report(*control, peer, name, std::move(frame));
  }

  void say_hello(const Peer& peer, const std::string& frame) {
    if (peer.role != PeerRole::kNode && peer.role != PeerRole::kVerifier) {
      return refuse(*control, peer,
                    "the key of a " + std::string(to_string(peer.role)) + " cannot host workers");
    }
    const Result<wire::NodeHello> hello = wire::decode_message<wire::NodeHello>(frame);
    if (!hello) {
      return refuse(
          *control, peer,
          "its first word was no hello of assay " + options.version + ": " + hello.error().message);
    }
    if (hello->version != options.version) {
      return refuse(*control, peer,
                    "the head runs assay " + options.version + " and the node " + hello->version +
                        ": install the same version");
    }
    if (!begin_join(peer, *hello)) {
      return refuse(*control, peer,
                    "a node named '" + hello->node + "' is here already: give each its own name");
    }
    wire::NodeWelcome welcome{options.run, options.config, bulk->port()};
    static_cast<void>(control->send(peer.id, wire::encode_message(welcome)));
  }

  bool begin_join(const Peer& peer, const wire::NodeHello& hello) {
    const std::lock_guard lock(mutex);
    const auto [entry, is_new] = nodes.try_emplace(hello.node);
    if (!is_new) return false;
    Node& node = entry->second;
    node.info = {hello.node, hello.machine, allowed_capacities(hello, peer.role)};
    node.incarnation = hello.incarnation;
    node.role = peer.role;
    node.control = peer.id;
    by_peer[peer.id] = hello.node;
    return true;
  }

  void on_bulk(const Peer& peer, std::string frame) {
    const std::string name = node_of(peer.id);
    if (!name.empty()) return report(*bulk, peer, name, std::move(frame));
    const Result<wire::BulkHello> hello = wire::decode_message<wire::BulkHello>(frame);
    std::optional<NodeInfo> joined = hello ? finish_join(peer, *hello) : std::nullopt;
    if (!joined) return refuse(*bulk, peer, "it did not say hello on the control link");
    log(LogLevel::kInfo, "node " + joined->name + " joined");
    tell_joined(*joined);
  }

  std::optional<NodeInfo> finish_join(const Peer& peer, const wire::BulkHello& hello) {
    const std::lock_guard lock(mutex);
    const auto found = nodes.find(hello.node);
    if (found == nodes.end() || found->second.incarnation != hello.incarnation ||
        found->second.role != peer.role || !found->second.bulk.empty()) {
      return std::nullopt;
    }
    found->second.bulk = peer.id;
    by_peer[peer.id] = hello.node;
    return found->second.info;
  }

  void refuse(net::PeerListener& listener, const Peer& peer, const std::string& why) {
    log(LogLevel::kWarn,
        "a peer with the key of a " + std::string(to_string(peer.role)) + " is shut out: " + why);
    listener.drop(peer.id, why);
  }

  // ---- reports

  void report(net::PeerListener& listener, const Peer& peer, const std::string& name,
              std::string frame) {
    const Result<MessageKind> kind = wire::kind_of(frame);
    if (!kind) return refuse(listener, peer, "node " + name + ": " + kind.error().message);
    if (!may_report(peer.role, *kind)) {
      return refuse(listener, peer, "node " + name + " said what its key does not allow");
    }
    if (*kind == MessageKind::kWeightsRequest) return serve_weights(listener, peer, frame);
    const std::lock_guard lock(telling);
    if (events) events->on_report(name, *kind, std::move(frame));
  }

  void serve_weights(net::PeerListener& listener, const Peer& peer, const std::string& frame) {
    const auto request = wire::decode_message<wire::WeightsRequest>(frame);
    if (!request) return refuse(listener, peer, request.error().message);
    static_cast<void>(listener.send(peer.id, wire::encode_message(chunk_of(*request))));
  }

  wire::WeightsChunk chunk_of(const wire::WeightsRequest& request) const {
    wire::WeightsChunk chunk;
    chunk.version = request.version;
    chunk.offset = request.offset;
    std::shared_ptr<const gpu::Weights> kept;
    {
      const std::lock_guard lock(mutex);
      const auto found = weights.find(request.version.value);
      if (found != weights.end()) kept = found->second;
    }
    if (kept == nullptr || request.bytes > net::kWeightsChunkBytes) return chunk;
    const auto image = kept->image();
    if (request.offset >= image.size() || request.bytes > image.size() - request.offset) {
      return chunk;
    }
    const auto part = image.subspan(request.offset, request.bytes);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(part.data());
    chunk.bytes.assign(bytes, bytes + part.size());
    chunk.sha256 = sha256(part);
    return chunk;
  }

  // ---- losing

  // Either link lost: the node is lost.
  void on_lost(const Peer& peer, const std::string& why) {
    std::optional<Node> lost;
    {
      const std::lock_guard lock(mutex);
      const auto name = by_peer.find(peer.id);
      if (name == by_peer.end()) return;
      const auto node = nodes.find(name->second);
      lost = std::move(node->second);
      nodes.erase(node);
      by_peer.erase(lost->control);
      by_peer.erase(lost->bulk);
    }
    const bool is_control = lost->control == peer.id;
    const std::string& other = is_control ? lost->bulk : lost->control;
    if (!other.empty())
      (is_control ? bulk : control)->drop(other, "its other link is lost: " + why);
    log(LogLevel::kWarn, "node " + lost->info.name + " is lost: " + why);
    if (!lost->bulk.empty()) tell_lost(lost->info.name, why);
  }

  Result<void> listen() {
    net::LinkOptions bulk_link = options.link;
    bulk_link.frame_bytes_max = kBulkFrameBytesMax;
    bulk_link.unsent_bytes_max = kBulkUnsentBytesMax;
    auto first =
        net::PeerListener::listen(options.host, options.control_port, options.keys, options.link);
    if (!first) return first.error();
    auto second =
        net::PeerListener::listen(options.host, options.bulk_port, options.keys, bulk_link);
    if (!second) return second.error();
    control = std::move(*first);
    bulk = std::move(*second);
    const auto lost = [this](const Peer& peer, const std::string& why) { on_lost(peer, why); };
    control->start(
        {[this](const Peer& peer, std::string frame) { on_control(peer, std::move(frame)); },
         lost});
    bulk->start(
        {[this](const Peer& peer, std::string frame) { on_bulk(peer, std::move(frame)); }, lost});
    return {};
  }

  std::string link_of(const std::string& node, bool is_bulk) const {
    const std::lock_guard lock(mutex);
    const auto found = nodes.find(node);
    if (found == nodes.end()) return {};
    return is_bulk ? found->second.bulk : found->second.control;
  }
};

Result<std::shared_ptr<ClusterHead>> ClusterHead::start(ClusterHeadOptions options) {
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  if (auto listening = state->listen(); !listening) return listening.error();
  return std::shared_ptr<ClusterHead>(new ClusterHead(std::move(state)));
}

ClusterHead::ClusterHead(std::unique_ptr<State> state) : state_(std::move(state)) {}

ClusterHead::~ClusterHead() {
  detach();
  std::vector<std::string> peers;
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [name, node] : state_->nodes) peers.push_back(node.control);
  }
  for (const std::string& peer : peers) state_->control->drop(peer, kRunIsOver);
  state_->control.reset();
}

void ClusterHead::attach(ClusterEvents events) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->weights.clear();  // of the arm before: its versions have the same numbers
  }
  {
    const std::lock_guard lock(state_->telling);
    state_->events = std::move(events);
  }
  for (const NodeInfo& node : nodes()) state_->tell_joined(node);
}

void ClusterHead::detach() {
  const std::lock_guard lock(state_->telling);
  state_->events.reset();
}

void ClusterHead::order(const std::string& node, std::string frame) {
  static_cast<void>(state_->control->send(state_->link_of(node, false), std::move(frame)));
}

void ClusterHead::order_bulk(const std::string& node, std::string frame) {
  static_cast<void>(state_->bulk->send(state_->link_of(node, true), std::move(frame)));
}

void ClusterHead::publish(std::shared_ptr<const gpu::Weights> weights) {
  const std::lock_guard lock(state_->mutex);
  state_->weights[weights->version().value] = weights;
  while (state_->weights.size() > state_->options.versions_kept) {
    state_->weights.erase(state_->weights.begin());
  }
}

std::vector<NodeInfo> ClusterHead::nodes() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<NodeInfo> all;
  for (const auto& [name, node] : state_->nodes) {
    if (!node.bulk.empty()) all.push_back(node.info);
  }
  return all;
}

std::uint16_t ClusterHead::control_port() const {
  return state_->control->port();
}

}  // namespace assay::actors
