// The node host: stands in for curator, supervisor and status where workers live without them.
//
// It starts and stops workers as the head orders, gives them their work, and reports what they say.
// Weights are fetched in chunks and handed to every generator once they are whole and their digest
// is the one that was announced; until then the generators go on with what they have. It keeps no
// state worth keeping: when the head is lost everything here ends, and the head gives the work to
// others.
#pragma once

#include <caf/behavior.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "actors/messages.h"
#include "actors/recent_weights.h"
#include "actors/verifier.h"
#include "gpu/backend.h"
#include "gpu/generator.h"
#include "runtime/net/peer_link.h"
#include "runtime/net/weight_fetch.h"
#include "runtime/text/tokenizer.h"
#include "runtime/wire/codec.h"

namespace assay::actors {

// What workers of a run are made of. The composition root makes it from the run's configuration.
struct Workshop {
  std::uint64_t run_seed = 0;
  std::uint32_t group_size = 8;
  bool is_deterministic = false;
  std::uint64_t staleness_max = 0;
  gpu::BackendOptions backend;
  model::ModelConfig model;
  gpu::GeneratorOptions generator;
  gpu::SamplingOptions sampling;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  VerifierTable verifiers;
};

// The two links to the head.
struct HeadLinks {
  std::shared_ptr<net::PeerDialer> control, bulk;
};

// links -> node host
struct HeadSpoke {
  std::string frame;
};

struct NodeHostSetup {
  std::shared_ptr<const Workshop> workshop;
  HeadLinks links;
  std::function<void(const std::string&)> tell;  // people; any thread
};

struct NodeHostState {
  NodeHostSetup setup;
  std::map<std::string, caf::actor> workers;     // by id
  std::map<caf::actor_addr, std::string> names;  // of those watched
  WeightsByVersion weights;
  std::deque<wire::WeightsNotice> wanted;  // to be fetched, oldest first
  std::optional<net::WeightFetch> fetch;   // of the first wanted
  std::deque<wire::WorkerOrder> waiting;   // generators whose weights are not here yet
  static inline const char* name = "node host";
};

// Detached: making weights of an image takes a while.
caf::behavior node_host(caf::stateful_actor<NodeHostState>* self, NodeHostSetup setup);

}  // namespace assay::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::HeadSpoke)
