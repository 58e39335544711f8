// What the head of a cluster and its nodes tell each other.
//
// Small messages travel on the control link; those that carry texts, tokens or weights on the bulk
// link, so that they never hold up a heartbeat. Workers are named as everywhere: "math/0". Orders
// go from the head to a node, reports from a node to the head.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/digest.h"
#include "runtime/core/ids.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/verdict.h"

namespace assay::wire {

// ---- joining

// How many workers of a pool a node may host. The pool "*" stands for every pool.
struct PoolCapacity {
  std::string pool;
  std::uint32_t workers = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("pool", self.pool, "workers", self.workers);
  }
};

struct NodeHello {
  std::string version;      // of the program
  std::string node;         // its name in the cluster
  std::string incarnation;  // fresh for every process
  std::string machine;      // the same for processes that can share memory
  std::vector<PoolCapacity> capacities;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("version", self.version, "node", self.node, "incarnation", self.incarnation, "machine",
             self.machine, "capacities", self.capacities);
  }
};

struct NodeWelcome {
  std::string run;
  std::string config;  // the run's resolved configuration, TOML
  std::uint16_t bulk_port = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("run", self.run, "config", self.config, "bulk_port", self.bulk_port);
  }
};

// The first word on the bulk link: whose it is.
struct BulkHello {
  std::string node, incarnation;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("node", self.node, "incarnation", self.incarnation);
  }
};

// ---- orders

struct WorkerOrder {
  std::string worker;
  bool is_start = true;                 // false: stop it
  std::vector<std::uint64_t> versions;  // of the weights that a generator begins with

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("worker", self.worker, "is_start", self.is_start, "versions", self.versions);
  }
};

struct GenerateOrder {
  std::string worker;
  GroupId group;
  PromptId prompt;
  std::vector<std::uint32_t> indices;
  std::vector<TokenId> prompt_tokens;
  std::optional<PolicyVersion> version;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("worker", self.worker, "group", self.group, "prompt", self.prompt, "indices",
             self.indices, "prompt_tokens", self.prompt_tokens, "version", self.version);
  }
};

struct CancelOrder {
  std::string worker;
  GroupId group;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("worker", self.worker, "group", self.group);
  }
};

struct VerifyTask {
  RolloutId rollout;
  std::uint32_t attempt = 1;
  std::uint32_t prompt = 0;  // place in the order's prompts
  std::string completion;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("rollout", self.rollout, "attempt", self.attempt, "prompt", self.prompt, "completion",
             self.completion);
  }
};

// A verifier is given texts and references; never weights, tokens or log-probabilities.
struct VerifyOrder {
  std::string worker;
  std::vector<Prompt> prompts;
  std::vector<VerifyTask> tasks;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("worker", self.worker, "prompts", self.prompts, "tasks", self.tasks);
  }
};

// New weights exist; the node fetches them where it hosts generators.
struct WeightsNotice {
  PolicyVersion version;
  Digest digest;
  std::uint64_t image_bytes = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("version", self.version, "digest", self.digest, "image_bytes", self.image_bytes);
  }
};

// ---- reports

enum class WorkerEvent : std::uint8_t { kReady, kFailed, kStopped };

struct WorkerReport {
  std::string worker;
  WorkerEvent event = WorkerEvent::kReady;
  std::uint32_t window = 0;  // what a ready one may hold
  std::string why;           // of a failed one

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("worker", self.worker, "event", self.event, "window", self.window, "why", self.why);
  }
};

struct RolloutsReport {
  std::string worker;
  std::vector<Rollout> rollouts;
  std::uint64_t generated_tokens = 0;
  double busy_s = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("worker", self.worker, "rollouts", self.rollouts, "generated_tokens",
             self.generated_tokens, "busy_s", self.busy_s);
  }
};

struct RefusalReport {
  std::string worker;
  GroupId group;
  std::string why;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("worker", self.worker, "group", self.group, "why", self.why);
  }
};

struct JudgedRollout {
  RolloutId rollout;
  std::uint32_t attempt = 1;
  Verdict verdict;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("rollout", self.rollout, "attempt", self.attempt, "verdict", self.verdict);
  }
};

struct VerdictsReport {
  std::string worker;
  std::vector<JudgedRollout> verdicts;
  double busy_s = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("worker", self.worker, "verdicts", self.verdicts, "busy_s", self.busy_s);
  }
};

// What a worker says of itself, for the status.
struct StateReport {
  std::string worker, doing;
  double doing_s = 0;  // since when
  double busy_s = 0;
  bool is_busy = false;
  std::uint64_t done = 0, failed = 0;
  double p50_ms = 0, p95_ms = 0;
  std::optional<std::uint64_t> policy_version;
  std::uint64_t resident_bytes = 0;  // of the node's process

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("worker", self.worker, "doing", self.doing, "doing_s", self.doing_s, "busy_s",
             self.busy_s, "is_busy", self.is_busy, "done", self.done, "failed", self.failed,
             "p50_ms", self.p50_ms, "p95_ms", self.p95_ms, "policy_version", self.policy_version,
             "resident_bytes", self.resident_bytes);
  }
};

// ---- weights

struct WeightsRequest {
  PolicyVersion version;
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("version", self.version, "offset", self.offset, "bytes", self.bytes);
  }
};

// Empty bytes: the head no longer has that version.
struct WeightsChunk {
  PolicyVersion version;
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> bytes;
  Digest sha256;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("version", self.version, "offset", self.offset, "bytes", self.bytes, "sha256",
             self.sha256);
  }
};

}  // namespace assay::wire
