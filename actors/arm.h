// One arm of a run: the asynchronous loop of curator, generators, verifiers and learner, from
// version 0 (or the last committed step) to max_steps. No CAF in this header.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gpu/backend.h"
#include "gpu/generator.h"
#include "gpu/learner.h"
#include "gpu/weights.h"
#include "runtime/algo/advantage.h"
#include "runtime/algo/control.h"
#include "runtime/algo/health.h"
#include "runtime/core/clock.h"
#include "runtime/core/result.h"
#include "runtime/dataset/prompt_source.h"
#include "runtime/flow/batch_builder.h"
#include "runtime/flow/group_flow.h"
#include "runtime/flow/placement.h"
#include "runtime/store/ledger_event.h"
#include "runtime/telemetry/log.h"
#include "runtime/text/tokenizer.h"
#include "verifiers/verifier.h"

namespace assay::actors {

class ClusterHead;

// How many workers a pool has. With replicas_max above replicas it follows its queue between them.
struct PoolPlan {
  std::uint32_t replicas = 1;
  std::uint32_t replicas_max = 0;
};

// Everything an arm needs; the composition root fills it.
struct ArmOptions {
  store::LedgerHeader ledger;  // run, arm, seed, config hash, group size, bounds
  flow::FlowOptions flow;
  algo::RewardArmOptions rewards;
  algo::AdvantageOptions advantage;
  gpu::UpdateOptions update;
  bool has_reference = false;  // measure (and perhaps penalise) the KL from the base policy
  gpu::OptimiserOptions optimiser;
  gpu::BackendOptions backend;
  gpu::GeneratorOptions generator;
  gpu::SamplingOptions sampling;
  std::map<std::string, PoolPlan> pools;  // "generator", and every verifier by its name
  // Where workers may live: this process, as far as it hosts their pools, and the cluster's nodes.
  flow::PoolCapacities local_capacities = {{flow::kEveryPool, 4096}};
  std::shared_ptr<ClusterHead> cluster;   // null: this process alone
  std::uint64_t checkpoint_interval = 0;  // steps; 0: only after the last one
  std::uint32_t checkpoint_keep = 2;

  std::shared_ptr<const dataset::PromptSource> prompts;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::map<std::string, std::shared_ptr<const verifiers::Verifier>> verifiers;  // by name

  // A fresh learner of the run's shape; its weights do not matter.
  std::function<Result<std::unique_ptr<gpu::Learner>>()> make_learner;
  // A generator that draws with these weights; one is made for every replica and replacement.
  std::function<Result<std::unique_ptr<gpu::Generator>>(std::shared_ptr<const gpu::Weights>)>
      make_generator;
  std::string base_folder;  // the base policy, as Learner::save() wrote it
  std::string ledger_path;
  std::string quarantine_path;  // completions that tripped a wire; empty: none are kept
  std::string checkpoints_folder;
  std::string rollouts_folder;  // step files go to <folder>/step_N/; empty: none
  std::string status_socket;    // empty: nobody can attach
  std::shared_ptr<const telemetry::LogFolder> logs;  // null: no log files
  bool is_resume = false;                            // continue from the ledger
  std::uint64_t announced_steps = 0;  // by earlier attempts; a ledger with fewer has lost some
  std::function<void(const std::string&)> tell;  // people, what resuming found; may be empty
  // Whether the observer of this step is given the policy after it; empty: never.
  std::function<bool(std::uint64_t step)> wants_weights;
};

// What one update did, in the order of steps.
struct StepReport {
  std::uint64_t step = 0;  // from 1: the version after it
  flow::BatchSummary batch;
  gpu::UpdateReport update;
  flow::Accounting accounting;
  std::uint64_t zero_signal_groups = 0;  // seen so far, dropped ones included
  double chain_fraction = 0;             // of the batch: verdicts whose "chain" check passed
  bool has_chain_checks = false;
  double seconds = 0;                  // since the arm began
  double wait_s = 0, update_s = 0;     // of the learner, this step
  std::uint64_t generated_tokens = 0;  // so far
  std::uint64_t verifier_errors = 0;   // unscored verdicts so far
  // Scored since the step before, whatever became of their groups, and those that tripped a wire:
  // a group in which all did teaches nothing and may never be in a batch.
  std::uint64_t judged_rollouts = 0, tripped_rollouts = 0;
  Digest weights;
};

enum class StepDecision { kContinue, kStop };

// What an observer makes of a step: whether to go on, and what is alarming, for the status. A bare
// decision converts.
struct StepFinding {
  StepFinding(StepDecision decided, std::vector<algo::HealthAlert> raised = {})
      : decision(decided), alerts(std::move(raised)) {}

  StepDecision decision;
  std::vector<algo::HealthAlert> alerts;
};
// The weights are those after the step, or null where ArmOptions::wants_weights did not ask.
using StepObserver =
    std::function<StepFinding(const StepReport&, const std::shared_ptr<const gpu::Weights>&)>;

struct ArmTimes {         // seconds of CPU or wall, summed over workers
  double generate_s = 0;  // wall, inside the engine
  double verify_s = 0;    // wall, inside verifiers
  double update_s = 0;    // wall, inside the engine
  double wait_s = 0;      // wall, the learner waiting for a batch
  double ledger_s = 0;    // CPU of the ledger keeper's thread
};

enum class ArmEnd { kDone, kStoppedByObserver, kInterrupted };

struct ArmOutcome {
  ArmEnd end = ArmEnd::kDone;
  std::uint64_t steps = 0;
  Digest weights;
  flow::Accounting accounting;
  std::uint64_t unscored_rollouts = 0;
  std::uint64_t generated_tokens = 0;
  std::uint64_t rollouts = 0;
  ArmTimes times;
  double wall_s = 0;
  double cpu_s = 0;
  std::uint32_t lost_workers = 0;  // died too often and were given up
  std::string final_folder;        // checkpoint of the last step
};

// Runs the arm in this process and returns when it is over. `interrupt` becomes true on Ctrl-C: the
// arm then finishes the update in hand, writes a checkpoint and ends. The observer is called on
// another thread, one step at a time, in order; it may take its time, nobody waits for it but the
// end.
// Errors: what the engine, the ledger or a file said; everything committed before is kept.
Result<ArmOutcome> run_arm(const ArmOptions& options, const StepObserver& observe,
                           const std::atomic<bool>& interrupt);

}  // namespace assay::actors
