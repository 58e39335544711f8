// Peer links over real sockets on loopback: honest peers, foreign ones, silent and greedy ones.
#include "runtime/net/peer_link.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>
#include <thread>
#include <zmq.hpp>

#include "runtime/core/file.h"
#include "runtime/core/rng.h"
#include "runtime/net/tcp_probe.h"

namespace assay::net {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// What happens on one side, in order.
class Events {
 public:
  void add(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }
  // The next event, or "(nothing)" after a while.
  std::string next(std::chrono::milliseconds patience = 5s) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [this] { return !events_.empty(); })) return "(nothing)";
    std::string event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> events_;
};

class PeerLink : public ::testing::Test {
 protected:
  static const ClusterKeys& keys(PeerRole role) {
    static const std::vector<ClusterKeys> all = make_cluster_keys();
    return all[static_cast<std::size_t>(role)];
  }
  static LinkOptions quick() {
    LinkOptions options;
    options.heartbeat = 50ms;
    options.patience = 400ms;
    return options;
  }

  void listen(LinkOptions options = quick()) {
    ListenerEvents events;
    events.on_frame = [this](const Peer& peer, std::string frame) {
      const std::lock_guard lock(mutex_);
      last_peer_ = peer.id;
      heard_.add(std::string(to_string(peer.role)) + ": " + frame);
    };
    events.on_lost = [this](const Peer&, const std::string& why) { heard_.add("lost: " + why); };
    auto made = PeerListener::listen("127.0.0.1", 0, keys(PeerRole::kHead), options);
    ASSERT_TRUE(made) << made.error().message;
    listener_ = std::move(*made);
    listener_->start(events);
  }

  Result<std::unique_ptr<PeerDialer>> dial(const ClusterKeys& own, Events& events,
                                           LinkOptions options = quick()) {
    DialerEvents on;
    on.on_frame = [&events](std::string frame) { events.add(std::move(frame)); };
    on.on_lost = [&events](const std::string& why) { events.add("lost: " + why); };
    return PeerDialer::dial("127.0.0.1", listener_->port(), own, options, on);
  }

  std::string last_peer() {
    const std::lock_guard lock(mutex_);
    return last_peer_;
  }

  Events heard_;  // at the listener
  std::mutex mutex_;
  std::string last_peer_;
  std::unique_ptr<PeerListener> listener_;
};

TEST_F(PeerLink, FramesGoBothWaysAndTheKeySaysWhoSpeaks) {
  listen();
  Events events, other_events;
  auto node = dial(keys(PeerRole::kNode), events);
  ASSERT_TRUE(node) << node.error().message;
  auto verifier = dial(keys(PeerRole::kVerifier), other_events);
  ASSERT_TRUE(verifier);

  ASSERT_TRUE((*node)->send("hello"));
  EXPECT_EQ(heard_.next(), "node: hello");
  const std::string node_id = last_peer();
  ASSERT_TRUE((*verifier)->send(std::string("\0\xff", 2)));
  EXPECT_EQ(heard_.next(), "verifier: " + std::string("\0\xff", 2));
  ASSERT_TRUE(listener_->send(node_id, "welcome"));

  EXPECT_EQ(events.next(), "welcome");
  EXPECT_EQ(other_events.next(100ms), "(nothing)");
}

TEST_F(PeerLink, AnIdleLinkLives) {
  listen();
  Events events;
  auto node = dial(keys(PeerRole::kNode), events);
  ASSERT_TRUE(node);
  ASSERT_TRUE((*node)->send("hello"));
  EXPECT_EQ(heard_.next(), "node: hello");

  EXPECT_EQ(heard_.next(1500ms), "(nothing)");
  EXPECT_EQ(events.next(10ms), "(nothing)");
}

TEST_F(PeerLink, AForeignKeyIsRefusedWithinItsPatience) {
  listen();
  Events events;
  ClusterKeys foreign = make_cluster_keys()[1];
  foreign.peers = keys(PeerRole::kNode).peers;  // it knows this head, the head does not know it
  const auto start = Clock::now();

  const auto refused = dial(foreign, events);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "E603");
  EXPECT_LT(Clock::now() - start, 2s);
  EXPECT_GE(listener_->counters().refused, 1u);
}

// Nobody can pretend to be the head.
TEST_F(PeerLink, AHeadWithAnotherKeyIsNotSpokenTo) {
  listen();
  Events events;
  ClusterKeys mistaken = keys(PeerRole::kNode);
  mistaken.peers = make_cluster_keys()[1].peers;

  const auto refused = dial(mistaken, events);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "E603");
}

TEST_F(PeerLink, OnlyTheHeadsKeyLeads) {
  const auto refused = PeerListener::listen("127.0.0.1", 0, keys(PeerRole::kNode), quick());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("key of a node"), std::string::npos);
}

TEST_F(PeerLink, ATakenPortIsNamed) {
  listen();
  const auto second =
      PeerListener::listen("127.0.0.1", listener_->port(), keys(PeerRole::kHead), quick());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().id, "E601");
  EXPECT_NE(second.error().message.find("the port is taken"), std::string::npos);
}

TEST_F(PeerLink, BothSidesNoticeTheOthersEnd) {
  listen();
  Events events;
  auto node = dial(keys(PeerRole::kNode), events);
  ASSERT_TRUE(node);
  ASSERT_TRUE((*node)->send("hello"));
  EXPECT_EQ(heard_.next(), "node: hello");

  node->reset();
  EXPECT_EQ(heard_.next(), "lost: it said goodbye");
  auto second = dial(keys(PeerRole::kNode), events);
  ASSERT_TRUE(second);
  listener_.reset();
  EXPECT_EQ(events.next().substr(0, 6), "lost: ");
  EXPECT_EQ((*second)->send("anyone?").error().code, ErrorCode::kUnavailable);
}

TEST_F(PeerLink, ADroppedPeerIsToldWhy) {
  listen();
  Events events;
  auto node = dial(keys(PeerRole::kNode), events);
  ASSERT_TRUE(node);
  ASSERT_TRUE((*node)->send("hello"));
  EXPECT_EQ(heard_.next(), "node: hello");

  listener_->drop(last_peer(), "it speaks another version");

  EXPECT_EQ(heard_.next(), "lost: it speaks another version");
  EXPECT_NE(events.next().find("it speaks another version"), std::string::npos);
  EXPECT_EQ(listener_->send(last_peer(), "more").error().code, ErrorCode::kNotFound);
}

// A peer of ours that does nothing by itself, as a stopped process.
class RawPeer {
 public:
  RawPeer(std::uint16_t port, const ClusterKeys& keys) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::curve_serverkey, keys.head_public_key());
    socket_.set(zmq::sockopt::curve_publickey, keys.public_key);
    socket_.set(zmq::sockopt::curve_secretkey, keys.secret_key);
    socket_.connect("tcp://127.0.0.1:" + std::to_string(port));
  }
  void say(const std::string& tag, const std::string& body) {
    socket_.send(zmq::buffer(tag), zmq::send_flags::sndmore);
    socket_.send(zmq::buffer(body), zmq::send_flags::none);
  }
  void say_nonsense() { socket_.send(zmq::str_buffer("one part alone"), zmq::send_flags::none); }
  // The next farewell; empty when none comes.
  std::string farewell() {
    socket_.set(zmq::sockopt::rcvtimeo, 3000);
    for (;;) {
      zmq::message_t tag, body;
      if (!socket_.recv(tag) || !socket_.recv(body)) return "";
      if (tag.to_string() == "B") return body.to_string();
    }
  }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, ZMQ_DEALER};
};

TEST_F(PeerLink, ASilentPeerIsLostAndToldSoWhenItSpeaksAgain) {
  listen();
  RawPeer stopped(listener_->port(), keys(PeerRole::kNode));
  stopped.say("D", "hello");
  EXPECT_EQ(heard_.next(), "node: hello");

  EXPECT_EQ(heard_.next(), "lost: it is silent");
  stopped.say("D", "my old work");

  EXPECT_EQ(stopped.farewell(), "this link was given up; join anew");
  EXPECT_EQ(heard_.next(200ms), "(nothing)") << "what it says now is not listened to";
}

TEST_F(PeerLink, NonsenseOfAKnownKeyIsCountedAndIgnored) {
  listen();
  RawPeer odd(listener_->port(), keys(PeerRole::kNode));
  odd.say_nonsense();
  odd.say("DD", "two letters");
  odd.say("D", "sense");
  EXPECT_EQ(heard_.next(), "node: sense");
  EXPECT_EQ(listener_->counters().garbage, 2u);
}

TEST_F(PeerLink, APeerThatDoesNotTakeItsMailIsLostBeforeItFillsMemory) {
  LinkOptions options = quick();
  options.patience = 30s;
  options.unsent_bytes_max = 4 << 20;
  listen(options);
  RawPeer deaf(listener_->port(), keys(PeerRole::kNode));
  deaf.say("D", "hello");
  EXPECT_EQ(heard_.next(), "node: hello");

  const std::string frame(60'000, 'x');
  for (int i = 0; i < 2000 && listener_->send(last_peer(), frame); ++i) {
    if (i % 50 == 0) std::this_thread::sleep_for(2ms);
  }

  EXPECT_EQ(heard_.next(), "lost: it does not take its mail");
}

// ---- strangers

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

FileDescriptor connect_to(std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    ADD_FAILURE() << "connect: " << errno;
  }
  return socket;
}

// The greeting of ZMTP 3 for CURVE, then a frame that claims 4 GiB.
std::string huge_claim() {
  std::string bytes = "\xff";
  bytes += std::string(8, '\0') + "\x7f\x03" + std::string(1, '\0');
  std::string mechanism = "CURVE";
  mechanism.resize(20, '\0');
  bytes += mechanism + std::string(32, '\0');
  bytes += std::string("\x06\x00\x00\x00\x01\x00\x00\x00\x00", 9);
  return bytes;
}

TEST_F(PeerLink, StrangersCostNoMemoryAndDisturbNobody) {
  listen();
  Events events;
  auto node = dial(keys(PeerRole::kNode), events);
  ASSERT_TRUE(node);
  const std::size_t before = resident_bytes();
  Rng rng(17, 0);
  std::vector<FileDescriptor> open;
  for (int i = 0; i < 300; ++i) {
    FileDescriptor stranger = connect_to(listener_->port());
    std::string bytes = i % 3 == 0 ? huge_claim() : std::string();
    while (i % 3 == 1 && bytes.size() < 2000) bytes += static_cast<char>(rng.below(256));
    if (!bytes.empty()) {
      [[maybe_unused]] const auto sent =
          ::send(stranger.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    open.push_back(std::move(stranger));  // every third says nothing at all
  }

  ASSERT_TRUE((*node)->send("still here"));
  EXPECT_EQ(heard_.next(), "node: still here");
  EXPECT_LT(resident_bytes(), before + (std::size_t{64} << 20));
  EXPECT_EQ(events.next(10ms), "(nothing)");
}

// ---- probing

TEST(TcpProbe, SaysWhetherSomebodyListens) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::uint16_t port = ntohs(address.sin_port);

  const Result<void> nobody = probe_tcp("127.0.0.1", port, 1s);
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().message.find("nobody listens"), std::string::npos);
  ASSERT_EQ(::listen(socket.get(), 0), 0);
  EXPECT_TRUE(probe_tcp("127.0.0.1", port, 1s));
}

// A listener whose queue is full drops what asks for a place, like a host that is gone.
TEST(TcpProbe, ASilentHostCostsNoMoreThanThePatience) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(::listen(socket.get(), 0), 0);
  const std::uint16_t port = ntohs(address.sin_port);
  std::vector<FileDescriptor> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(waiting.back().get(), reinterpret_cast<sockaddr*>(&address), size);
  }
  const auto start = Clock::now();

  const Result<void> silent = probe_tcp("127.0.0.1", port, 300ms);

  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().id, "E602");
  EXPECT_LT(Clock::now() - start, 2s);
}

TEST(TcpProbe, AnUnknownHostIsNamed) {
  const Result<void> unknown = probe_tcp("no-such-host.invalid", 1, 1s);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("no-such-host.invalid"), std::string::npos);
}

}  // namespace
}  // namespace assay::net
