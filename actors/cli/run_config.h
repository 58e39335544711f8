// RunConfig: everything a run can be told, with the defaults of the first run.
//
// describe() in run_config.cpp is the one table that gives each member its key, its help and its
// limits; validation, `assay config`, the JSON Schema, resolved.toml and the hashes all read it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "gpu/generator.h"
#include "gpu/learner.h"
#include "runtime/algo/advantage.h"
#include "runtime/algo/loss_options.h"
#include "runtime/config/request.h"
#include "runtime/config/resolved.h"
#include "runtime/config/size.h"
#include "runtime/model/model_config.h"

namespace assay::cli {

// [model]
struct ModelSettings {
  std::string name = "builtin:tiny";  // "builtin:tiny" takes `shape`; a path brings its own
  // vocab_size is left to the tokenizer; context_size is seq_len.
  model::ModelConfig shape = {.hidden_size = 64,
                              .layer_count = 2,
                              .head_count = 4,
                              .kv_head_count = 4,
                              .head_size = 16,
                              .ffn_size = 192};
};

// [tokenizer]
struct TokenizerSettings {
  enum class Type { kChar, kByte } type = Type::kChar;
  std::string alphabet = "0123456789+-*=;";  // char only; one token a character
};

// The chains a procedural task draws: `47+8-5*2=` has four operands.
struct ChainSettings {
  std::uint32_t operands_min = 2;
  std::uint32_t operands_max = 5;
  std::vector<double> operand_weights;  // [operands_max - operands_min + 1]; empty: all equal
};

// [sft]: supervised warm-up on demonstrations of the first train source; skipped when steps is 0.
struct WarmUpSettings {
  std::uint64_t steps = 0;
  std::uint32_t batch_size = 64;
  gpu::OptimiserOptions optim = {
      .lr = 2e-3, .schedule = gpu::OptimiserOptions::Schedule::kCosine, .warmup_updates = 50};
  double chain_fraction = 0.5;  // demonstrations that show every intermediate state
  ChainSettings chain;
  std::string cache_dir = ".cache/assay";  // warm-up weights by config hash; empty: no cache
};

// [algo]
struct AlgorithmSettings {
  // A name for a set of the choices below; each of them can still be set on its own.
  enum class Type { kGrpo, kDrGrpo, kRloo, kDapo, kGspo, kCispo, kMaxRl } type = Type::kGrpo;
  algo::Baseline baseline = algo::Baseline::kMean;
  algo::BaselineScope baseline_scope = algo::BaselineScope::kGroup;
  double quantile = 0.4;              // for Baseline::kQuantile
  bool is_std_normalised = true;      // divide by the standard deviation of the scope
  bool is_batch_whitened = false;     // centre and scale over the whole batch instead
  algo::LossOptions loss;             // surrogate, aggregation, clipping, importance, KL, entropy
  bool is_kl_measured = true;         // from the base policy, at every update
  bool has_dynamic_sampling = false;  // replace groups without signal by fresh ones
  double dynamic_sampling_limit = 3;  // groups issued per group wanted, at most
};

// One [[curator.train.source]], and the data half of one [[curator.eval.source]].
struct SourceSettings {
  std::string name;
  std::string path;  // JSONL; empty for a procedural task
  std::string task;  // "arithmetic"; empty for a file
  std::string verifier;
  double ratio = 1;           // share of the prompts among train sources, any positive scale
  std::uint64_t prompts = 0;  // prompts an epoch (train) or in all (eval); 0: every row of a file
  std::uint64_t seed = 0;     // procedural tasks; 0: derived from the run's seed
  std::string prompt_column;  // empty: detected
  std::string reference_column;  // empty: detected
  ChainSettings chain;
  std::string operators = "+-*";
};

struct EvalSourceSettings {
  SourceSettings source;
  std::uint32_t samples = 16;  // completions a prompt
  std::vector<std::uint32_t> ks = {1, 2, 4, 8};
  bool is_clustered = false;           // prompts of a stratum share a template: one observation
  std::uint32_t interval = 0;          // steps between evals while training; 0: none
  std::uint32_t interval_prompts = 0;  // prompts of such an eval; 0: all
  std::uint32_t interval_samples = 0;  // completions a prompt of such an eval; 0: `samples`
};

// [curator]
struct CuratorSettings {
  std::uint32_t batch_size = 32;            // prompts per update
  std::uint32_t group_size = 8;             // rollouts per prompt, at least 2
  std::uint32_t max_off_policy_steps = 2;   // staleness bound in policy versions; 0: synchronous
  std::uint32_t max_concurrent_groups = 0;  // groups in flight; 0: what the staleness bound allows
  std::chrono::milliseconds lease_timeout{30000};
  std::uint32_t attempts_max = 3;        // then the group is dropped with its reason
  std::uint32_t queue_items_max = 4096;  // rollouts in any one queue
  config::Size queue_bytes_max{64 << 20};
  std::vector<SourceSettings> train;
  std::vector<EvalSourceSettings> eval;
};

// [generator]
struct GeneratorSettings {
  std::uint32_t replicas = 1;
  std::uint32_t replicas_max = 0;      // above replicas: as many as the queue asks for, up to this
  std::uint32_t max_sequences = 128;   // sequences a replica runs at once
  config::Size cache_bytes{64 << 20};  // key and value cache of a replica
  gpu::SamplingOptions sampling;       // stop_tokens come from the tokenizer
};

// One [[verifier]].
struct VerifierSettings {
  std::string name;
  std::string type;  // a name of the verifier registry: "chain", "math", ...
  std::uint32_t replicas = 1;
  std::uint32_t replicas_max = 0;        // above replicas: as many as the queue asks for
  std::chrono::milliseconds timeout{0};  // of one check; 0: the verifier's own
  std::uint32_t cache_verdicts = 16384;  // of verifiers that start processes; 0: none kept
  std::string suite;                     // cases of an audit before training; empty: none
  double min_coverage = 0.9;             // of errors caught, at the lower end of the interval
  double max_false_rejects = 1.0;        // at the upper end; 1: no gate
  std::string options = "{}";            // a JSON object; which keys exist is the verifier's to say
};

// [learner]
struct LearnerSettings {
  std::string device = "auto";  // auto | cpu | cuda
  std::uint32_t threads = 0;    // 0: all cores
  std::uint32_t epochs = 1;
  std::uint32_t minibatches = 1;
  gpu::OptimiserOptions optim;  // total_updates is max_steps
};

// [health]: thresholds of the alerts; 0 turns one off.
struct HealthSettings {
  double min_reward_std = 0.05;
  double min_entropy_fraction = 0.3;  // of the first ten steps' entropy
  double min_entropy = 0;             // nats; the scale is the vocabulary's, so it is off
  double max_kl = 10;                 // nats a completion, from the base policy
  double max_grad_norm = 100;
  double min_ess = 0.3;
  double max_zero_variance_fraction = 0.8;
  double max_unscored_fraction = 0.05;
  double max_tripwire_fraction = 0.01;
  bool stop = false;  // a critical alert ends the run with exit code 3
};

struct RunConfig {
  std::uint64_t max_steps = 50;
  std::uint64_t seed = 17;
  std::uint32_t seq_len = 128;  // tokens of prompt and completion together
  std::string output_dir = "outputs";
  bool is_deterministic = false;

  std::string run_name;  // empty: <source>--<model>--<id>
  ModelSettings model;
  TokenizerSettings tokenizer;
  WarmUpSettings sft;
  AlgorithmSettings algo;
  CuratorSettings curator;
  GeneratorSettings generator;
  std::vector<VerifierSettings> verifiers;
  LearnerSettings learner;
  std::uint64_t checkpoint_interval = 0;  // steps; 0: only at the end
  std::uint32_t checkpoint_keep = 2;      // older ones are removed; 0: keep all
  HealthSettings health;
  std::vector<std::string> control_arms;  // "random_permute", "random_iid"
  bool has_status = true;
  std::string log_level = "info";  // trace | debug | info | warn | error
  bool has_rollout_files = true;   // rollouts/step_N/*.jsonl.zst
};

struct LoadedConfig {
  RunConfig run;
  config::Resolved resolved;  // every value as text with its origin, and the hashes
};

// The estimator that these settings ask for.
algo::AdvantageOptions advantage_options(const AlgorithmSettings& settings);

// Reads, merges and checks. Paths in the config stay as written: relative to the working folder.
// Errors: kInvalidInput with ids E101 (not TOML), E103 (unknown key), E104 (wrong type or range),
// E110 (group_size below 2), E111 (keys that contradict each other); kNotFound for a missing file.
Result<LoadedConfig> load_run_config(const config::Request& request);

// The same for a resolved config that came as text; `name` stands for it in errors.
Result<LoadedConfig> load_run_config_text(std::string_view toml, std::string_view name);

// True when `key` (dashes or underscores) names a key or a table of RunConfig.
bool is_run_config_key(std::string_view key);

// Every key, dotted; those of arrays of tables without an index.
std::vector<std::string> run_config_keys();

// The config as JSON Schema (draft 2020-12), with the defaults.
std::string run_config_json_schema();

}  // namespace assay::cli
