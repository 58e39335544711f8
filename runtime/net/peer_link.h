// Peer links: frames between the head of a cluster and its nodes.
//
// ZeroMQ ROUTER (the head) and DEALER (a node) over CURVE: both ends prove a key, everything is
// encrypted, and a key's role travels with every frame. Each link has a thread of its own that
// owns its socket; send() may be called from any thread and never blocks. A frame is not delivered
// because it was sent: whoever needs to know asks for an answer.
//
// Both ends send something at least every `heartbeat`. A peer that is silent for `patience`, or
// does not take what is sent to it, is lost for good: it is told so when it speaks again, and joins
// anew under a fresh identity. So a process that was stopped and goes on never mixes old work with
// new.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/core/result.h"
#include "runtime/net/cluster_keys.h"

namespace assay::net {

struct LinkOptions {
  std::chrono::milliseconds heartbeat{500};
  std::chrono::milliseconds patience{3000};
  std::size_t frame_bytes_max = 64 * 1024;  // larger frames cut the connection
  std::size_t unsent_bytes_max = 64 << 20;  // for one peer; beyond it the peer is lost
  std::size_t peers_max = 4096;
};

struct LinkCounters {
  std::uint64_t frames_in = 0, frames_out = 0;
  std::uint64_t refused = 0;  // handshakes with a key that may not speak here
  std::uint64_t garbage = 0;  // frames that were none of ours
};

// A peer of this listener, from its first frame until it is lost.
struct Peer {
  std::string id;  // fresh for every connection; opaque
  PeerRole role = PeerRole::kClient;
};

// Called on the link's thread: must not block. `frame` is foreign.
struct ListenerEvents {
  std::function<void(const Peer& peer, std::string frame)> on_frame;
  std::function<void(const Peer& peer, const std::string& why)> on_lost;
};

class PeerListener {
 public:
  // Takes `host`:`port`; port 0 takes a free one. Peers may connect, and are heard once it is
  // started. Errors: kInvalidInput for keys that are not the head's; kUnavailable when the port is
  // taken.
  static Result<std::unique_ptr<PeerListener>> listen(const std::string& host, std::uint16_t port,
                                                      const ClusterKeys& keys,
                                                      const LinkOptions& options);
  ~PeerListener();                    // no event comes after it
  void start(ListenerEvents events);  // once

  std::uint16_t port() const;
  // Queues a frame. Errors: kNotFound for a peer that is lost or was never there.
  Result<void> send(const std::string& peer, std::string frame);
  // Shuts a peer out; on_lost follows.
  void drop(const std::string& peer, const std::string& why);
  LinkCounters counters() const;

 private:
  struct State;
  explicit PeerListener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct DialerEvents {
  std::function<void(std::string frame)> on_frame;
  std::function<void(const std::string& why)> on_lost;  // once; the link is over
};

class PeerDialer {
 public:
  // Connects and waits for the handshake, `patience` at most. Errors: kUnavailable when nobody
  // listens there or the host cannot be reached; kInvalidInput when the key is refused.
  static Result<std::unique_ptr<PeerDialer>> dial(const std::string& host, std::uint16_t port,
                                                  const ClusterKeys& keys,
                                                  const LinkOptions& options, DialerEvents events);
  ~PeerDialer();

  // Queues a frame. Errors: kUnavailable once the link is lost.
  Result<void> send(std::string frame);
  LinkCounters counters() const;

 private:
  struct State;
  explicit PeerDialer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::net
