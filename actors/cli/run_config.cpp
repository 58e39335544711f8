#include "actors/cli/run_config.h"

#include "actors/cli/run_config_check.h"
#include "runtime/config/schema.h"
#include "runtime/config/toml_file.h"

namespace assay::cli {
namespace {

using config::Node;
using config::Range;
using config::Schema;

void describe_run(Schema& schema, RunConfig& run) {
  schema.key("max_steps", run.max_steps, "updates of the policy", Range::at_least(1));
  schema.key("seed", run.seed, "seed of everything drawn in the run");
  schema.key("seq_len", run.seq_len, "tokens of prompt and completion together",
             Range::between(2, 1 << 20));
  schema.key("output_dir", run.output_dir, "folder that holds the runs");
  schema.key("deterministic", run.is_deterministic,
             "bit-identical weights on every repeat, at some cost in speed");
  schema.table("run", "the run itself");
  schema.key("name", run.run_name, "folder below output_dir; empty: <source>--<model>--<id>");
  schema.key("rollout_files", run.has_rollout_files, "keep rollouts/step_N/*.jsonl.zst");
}

void describe_model(Schema& schema, ModelSettings& model) {
  model::ModelConfig& shape = model.shape;
  const Range size = Range::between(1, 1 << 20);
  schema.table("model", "the policy; the shape is for builtin:tiny only");
  schema.key("name", model.name, "builtin:tiny, or the path of a model folder");
  schema.key("hidden_size", shape.hidden_size, "width of the residual stream", size);
  schema.key("layers", shape.layer_count, "transformer blocks", Range::between(1, 1024));
  schema.key("heads", shape.head_count, "query heads", Range::between(1, 1024));
  schema.key("kv_heads", shape.kv_head_count, "key and value heads; divides heads",
             Range::between(1, 1024));
  schema.key("head_size", shape.head_size, "width of a head; even", Range::between(2, 1024));
  schema.key("ffn_size", shape.ffn_size, "inner width of the feed-forward part", size);
  schema.key("rope_theta", shape.rope_theta, "base of the rotary frequencies", Range::above(1));
  schema.key("rms_eps", shape.rms_eps, "added to the mean square in every norm", Range::above(0));
  schema.key("qkv_bias", shape.has_qkv_bias, "bias on query, key and value, as in Qwen2");
  schema.key("qk_norm", shape.has_qk_norm, "norm per head on query and key, as in Qwen3");
  schema.key("tied_embeddings", shape.has_tied_embeddings,
             "one matrix for input embedding and output");
}

void describe_tokenizer(Schema& schema, TokenizerSettings& tokenizer) {
  using Type = TokenizerSettings::Type;
  schema.table("tokenizer", "text to tokens, for builtin:tiny");
  schema.choice<Type>("type", tokenizer.type, {{"char", Type::kChar}, {"byte", Type::kByte}},
                      "one token a character of the alphabet, or one a byte");
  schema.key("alphabet", tokenizer.alphabet, "the characters of a char tokenizer");
}

void describe_optimiser(Schema& schema, gpu::OptimiserOptions& optim) {
  using Schedule = gpu::OptimiserOptions::Schedule;
  schema.key("lr", optim.lr, "peak learning rate", Range::above(0));
  schema.pair("betas", optim.beta1, optim.beta2, "decay of AdamW's two moments",
              Range::between(0, 0.999999));
  schema.key("eps", optim.eps, "AdamW's epsilon", Range::above(0));
  schema.key("weight_decay", optim.weight_decay, "decoupled; not on norms and biases",
             Range::at_least(0));
  schema.key("grad_norm", optim.grad_norm_max, "clip the gradient to this norm; 0: no clipping",
             Range::at_least(0));
  schema.choice<Schedule>("schedule", optim.schedule,
                          {{"constant", Schedule::kConstant},
                           {"linear", Schedule::kLinear},
                           {"cosine", Schedule::kCosine}},
                          "learning rate after the warm-up");
  schema.key("warmup", optim.warmup_updates, "updates in which the rate grows from 0");
  schema.key("lr_min_fraction", optim.lr_min_fraction, "of lr, reached at the last update",
             Range::between(0, 1));
}

void describe_chain(Schema& schema, ChainSettings& chain) {
  schema.key("operands_min", chain.operands_min, "fewest operands of a chain",
             Range::between(2, 64));
  schema.key("operands_max", chain.operands_max, "most operands of a chain", Range::between(2, 64));
  schema.key("operand_weights", chain.operand_weights,
             "how often each operand count is drawn, relative; empty: equally often",
             Range::at_least(0));
}

void describe_warm_up(Schema& schema, WarmUpSettings& sft) {
  schema.table("sft", "supervised warm-up before the base evaluation");
  schema.key("steps", sft.steps, "updates; 0: no warm-up");
  schema.key("batch_size", sft.batch_size, "demonstrations an update", Range::between(1, 1 << 20));
  schema.key("chain_fraction", sft.chain_fraction,
             "demonstrations that write every intermediate state", Range::between(0, 1));
  describe_chain(schema, sft.chain);
  describe_optimiser(schema, sft.optim);
  schema.key("cache_dir", sft.cache_dir,
             "keeps warm-up weights by config hash; empty: warm up every time");
}

void describe_loss(Schema& schema, algo::LossOptions& loss) {
  using algo::Aggregation;
  using algo::ImportanceCorrection;
  using algo::KlEstimator;
  using algo::Surrogate;
  schema.choice<Surrogate>("surrogate", loss.surrogate,
                           {{"clipped", Surrogate::kClipped},
                            {"gspo", Surrogate::kGspo},
                            {"cispo", Surrogate::kCispo},
                            {"reinforce", Surrogate::kReinforce}},
                           "how advantages enter the loss");
  schema.choice<Aggregation>("aggregation", loss.aggregation,
                             {{"token_mean", Aggregation::kTokenMean},
                              {"sequence_mean", Aggregation::kSequenceMean},
                              {"sequence_sum", Aggregation::kSequenceSum},
                              {"constant", Aggregation::kConstant}},
                             "what a token's loss is divided by");
  schema.key("clip_low", loss.clip_low, "ratio is clipped below 1 - clip_low",
             Range::between(0, 1));
  schema.key("clip_high", loss.clip_high, "ratio is clipped above 1 + clip_high",
             Range::at_least(0));
  schema.key("dual_clip", loss.dual_clip, "bound on the loss of bad tokens; 0: off",
             Range::at_least(0));
  schema.key("cispo_ratio_max", loss.cispo_ratio_max, "CISPO's cap on the ratio, absolute",
             Range::above(0));
  schema.choice<ImportanceCorrection>(
      "importance", loss.importance,
      {{"none", ImportanceCorrection::kNone},
       {"token_truncate", ImportanceCorrection::kTokenTruncate},
       {"token_mask", ImportanceCorrection::kTokenMask},
       {"sequence_truncate", ImportanceCorrection::kSequenceTruncate},
       {"sequence_mask", ImportanceCorrection::kSequenceMask}},
      "correction for tokens that an older policy drew");
  schema.key("importance_min", loss.importance_min, "lower bound of the masks", Range::at_least(0));
  schema.key("importance_max", loss.importance_max, "upper bound", Range::above(0));
  schema.key("decoupled", loss.is_decoupled,
             "clip against the weights at the start of the update, not against the behaviour");
  schema.key("entropy_coefficient", loss.entropy_coefficient, "reward for entropy",
             Range::at_least(0));
  schema.key("kl_coefficient", loss.kl_coefficient, "pull towards the base policy; 0: none",
             Range::at_least(0));
  schema.choice<KlEstimator>(
      "kl_estimator", loss.kl_estimator,
      {{"k1", KlEstimator::kK1},
       {"k2", KlEstimator::kK2},
       {"k3", KlEstimator::kK3},
       {"k3_plus", KlEstimator::kK3Plus}},
      "how the pull is computed; k3_plus: the value of k3, the gradient of k2");
}

void describe_algorithm(Schema& schema, AlgorithmSettings& algo) {
  using Type = AlgorithmSettings::Type;
  using algo::Baseline;
  using Scope = algo::BaselineScope;
  schema.table("algo", "advantages and loss");
  schema.choice<Type>("type", algo.type,
                      {{"grpo", Type::kGrpo},
                       {"dr_grpo", Type::kDrGrpo},
                       {"rloo", Type::kRloo},
                       {"dapo", Type::kDapo},
                       {"gspo", Type::kGspo},
                       {"cispo", Type::kCispo},
                       {"max_rl", Type::kMaxRl}},
                      "sets the defaults of the keys below as its paper does");
  schema.choice<Baseline>("baseline", algo.baseline,
                          {{"mean", Baseline::kMean},
                           {"median", Baseline::kMedian},
                           {"loo", Baseline::kLeaveOneOut},
                           {"quantile", Baseline::kQuantile},
                           {"max_rl", Baseline::kMaxRl}},
                          "what a reward is compared with");
  schema.choice<Scope>("baseline_scope", algo.baseline_scope,
                       {{"group", Scope::kGroup}, {"batch", Scope::kBatch}},
                       "whose rewards make baseline and standard deviation");
  schema.key("quantile", algo.quantile, "for baseline = \"quantile\"", Range::between(0, 1));
  schema.key("normalise_std", algo.is_std_normalised, "divide by the standard deviation");
  schema.key("whiten_batch", algo.is_batch_whitened,
             "centre and scale advantages over the whole batch instead");
  describe_loss(schema, algo.loss);
  schema.key("measure_kl", algo.is_kl_measured,
             "measure the KL from the base policy at every update, one more forward pass");
  schema.key("dynamic_sampling", algo.has_dynamic_sampling,
             "replace groups whose rewards are all equal by fresh ones");
  schema.key("dynamic_sampling_limit", algo.dynamic_sampling_limit,
             "groups issued per group wanted, at most", Range::at_least(1));
}

void describe_source(Schema& schema, SourceSettings& source) {
  schema.key("name", source.name, "how reports and metrics call it");
  schema.key("path", source.path, "JSONL file; empty for a procedural task");
  schema.choice("task", source.task, {"", "arithmetic"}, "procedural task; empty for a file");
  schema.key("verifier", source.verifier, "name of the [[verifier]] that judges its completions");
  schema.key("prompts", source.prompts,
             "prompts of an epoch or an evaluation; 0: every row of a file");
  schema.key("seed", source.seed, "of a procedural task; 0: derived from the run's seed");
  schema.key("prompt_column", source.prompt_column, "empty: detected");
  schema.key("reference_column", source.reference_column, "empty: detected");
  describe_chain(schema, source.chain);
  schema.key("operators", source.operators, "operators of the arithmetic task");
}

void describe_train_source(Schema& schema, SourceSettings& source) {
  describe_source(schema, source);
  schema.key("ratio", source.ratio, "share of the prompts among the train sources",
             Range::above(0));
}

void describe_eval_source(Schema& schema, EvalSourceSettings& eval) {
  describe_source(schema, eval.source);
  schema.key("samples", eval.samples, "completions a prompt", Range::between(1, 4096));
  schema.key("ks", eval.ks, "pass@k is estimated for these k", Range::between(1, 4096));
  schema.key("clustered", eval.is_clustered,
             "prompts of a stratum share a template: intervals take them as one observation");
  schema.key("interval", eval.interval,
             "steps between evaluations while training; 0: before and after only");
  schema.key("interval_prompts", eval.interval_prompts, "prompts of those; 0: all");
  schema.key("interval_samples", eval.interval_samples, "completions a prompt then; 0: samples",
             Range::between(0, 4096));
}

void describe_curator(Schema& schema, CuratorSettings& curator) {
  const auto minute_hour = Range::between(100, 24 * 3600 * 1000.0);
  schema.table("curator", "which prompt comes next, leases, groups");
  schema.key("batch_size", curator.batch_size, "prompts an update", Range::between(1, 1 << 20));
  schema.key("group_size", curator.group_size, "rollouts a prompt", Range::between(1, 4096));
  schema.key("max_off_policy_steps", curator.max_off_policy_steps,
             "staleness bound in policy versions; 0: synchronous", Range::between(0, 1024));
  schema.key("max_concurrent_groups", curator.max_concurrent_groups,
             "groups in flight; 0: what the staleness bound allows");
  schema.key("lease_timeout", curator.lease_timeout, "after that a group is issued again",
             minute_hour);
  schema.key("attempts_max", curator.attempts_max, "then a group is dropped with its reason",
             Range::between(1, 1000));
  schema.key("queue_items_max", curator.queue_items_max, "rollouts in any one queue",
             Range::at_least(1));
  schema.key("queue_bytes_max", curator.queue_bytes_max, "bytes in any one queue",
             Range::at_least(1 << 16));
  schema.items("train.source", curator.train, "what is trained on", describe_train_source);
  schema.items("eval.source", curator.eval, "what is evaluated on", describe_eval_source);
}

void describe_generator(Schema& schema, GeneratorSettings& generator) {
  gpu::SamplingOptions& sampling = generator.sampling;
  schema.table("generator", "the policy replicas that draw completions");
  schema.key("replicas", generator.replicas, "generators", Range::between(1, 4096));
  schema.key("replicas_max", generator.replicas_max,
             "above replicas: the pool follows its queue up to this", Range::between(0, 4096));
  schema.key("max_sequences", generator.max_sequences, "sequences a replica runs at once",
             Range::between(1, 1 << 16));
  schema.key("cache_bytes", generator.cache_bytes, "key and value cache of a replica",
             Range::at_least(1 << 16));
  schema.table("generator.sampling", "how a token is drawn");
  schema.key("temperature", sampling.temperature, "0: greedy", Range::between(0, 100));
  schema.key("top_k", sampling.top_k, "0: off");
  schema.key("top_p", sampling.top_p, "1: off", Range::between(0, 1));
  schema.key("max_completion_tokens", sampling.max_completion_tokens,
             "a completion that long is cut off", Range::between(1, 1 << 20));
}

void describe_verifier(Schema& schema, VerifierSettings& verifier) {
  schema.key("name", verifier.name, "what sources call it");
  schema.key("type", verifier.type, "which verifier of this build");
  schema.key("replicas", verifier.replicas, "actors of its pool", Range::between(1, 4096));
  schema.key("replicas_max", verifier.replicas_max,
             "above replicas: the pool follows its queue up to this", Range::between(0, 4096));
  schema.key("timeout", verifier.timeout,
             "of one check, for verifiers that wait for a process; 0: the verifier's own",
             Range::between(0, 3600 * 1000.0));
  schema.key("cache_verdicts", verifier.cache_verdicts,
             "verdicts that such a verifier remembers; 0: none", Range::between(0, 1 << 24));
  schema.key("suite", verifier.suite, "cases that it is audited with before training");
  schema.key("min_coverage", verifier.min_coverage,
             "errors it must catch there, at the lower end of the interval", Range::between(0, 1));
  schema.key("max_false_rejects", verifier.max_false_rejects,
             "right completions it may refuse there, at the upper end", Range::between(0, 1));
  schema.object("options", verifier.options, "the verifier's own options, [verifier.options]");
}

void describe_learner(Schema& schema, LearnerSettings& learner) {
  schema.table("learner", "the weights and the optimiser");
  schema.choice("device", learner.device, {"auto", "cpu", "cuda"}, "where the arithmetic runs");
  schema.key("threads", learner.threads, "0: all cores", Range::between(0, 4096));
  schema.key("epochs", learner.epochs, "passes over a train batch", Range::between(1, 1000));
  schema.key("minibatches", learner.minibatches, "optimiser steps a pass", Range::between(1, 4096));
  schema.table("learner.optim", "AdamW");
  describe_optimiser(schema, learner.optim);
}

void describe_health(Schema& schema, HealthSettings& health) {
  const Range fraction = Range::between(0, 1);
  schema.table("health", "thresholds of the alerts; 0 turns one off");
  schema.key("min_reward_std", health.min_reward_std, "standard deviation over the batch",
             Range::at_least(0));
  schema.key("min_entropy_fraction", health.min_entropy_fraction,
             "of the mean entropy of the first ten steps", fraction);
  schema.key("min_entropy", health.min_entropy, "nats a token, absolute", Range::at_least(0));
  schema.key("max_kl", health.max_kl,
             "KL from the base policy, nats a completion; three times that is critical",
             Range::at_least(0));
  schema.key("max_grad_norm", health.max_grad_norm, "before clipping", Range::at_least(0));
  schema.key("min_ess", health.min_ess, "effective share of the importance weights", fraction);
  schema.key("max_zero_variance_fraction", health.max_zero_variance_fraction,
             "groups whose rewards are all equal", fraction);
  schema.key("max_unscored_fraction", health.max_unscored_fraction, "verdicts without a reward",
             fraction);
  schema.key("max_tripwire_fraction", health.max_tripwire_fraction,
             "verdicts that a tripwire made; a tenth of a percent is a warning", fraction);
  schema.key("stop", health.stop, "a critical alert ends the run with exit code 3");
}

void describe(Schema& schema, RunConfig& run) {
  describe_run(schema, run);
  describe_model(schema, run.model);
  describe_tokenizer(schema, run.tokenizer);
  describe_warm_up(schema, run.sft);
  describe_algorithm(schema, run.algo);
  describe_curator(schema, run.curator);
  describe_generator(schema, run.generator);
  schema.table("", "");
  schema.items("verifier", run.verifiers, "who judges completions", describe_verifier);
  describe_learner(schema, run.learner);
  schema.table("ckpt", "checkpoints");
  schema.key("interval", run.checkpoint_interval, "steps between checkpoints; 0: only at the end");
  schema.key("keep", run.checkpoint_keep, "older ones are removed; 0: keep all");
  describe_health(schema, run.health);
  schema.table("control", "the same steps with rewards that teach nothing");
  schema.key("arms", run.control_arms, "which controls to run after the run",
             {"random_permute", "random_iid"});
  schema.table("status", "the live view");
  schema.key("enabled", run.has_status, "answer `assay status` and `assay explain`");
  schema.table("telemetry", "logs");
  schema.choice("log_level", run.log_level, {"trace", "debug", "info", "warn", "error"},
                "what reaches logs/latest/<actor>.log");
}

struct Preset {
  std::string_view type;
  std::string_view key;
  std::string_view value;
};

// What a type sets, over the defaults of the structs. Sources: algorithms as in their papers,
// Dr. GRPO arXiv:2503.20783, RLOO arXiv:2402.14740, DAPO arXiv:2503.14476, GSPO arXiv:2507.18071,
// CISPO arXiv:2506.13585.
constexpr Preset kPresets[] = {
    {"dr_grpo", "algo.normalise_std", "false"},   {"dr_grpo", "algo.aggregation", "constant"},
    {"dr_grpo", "algo.clip_high", "0.2"},         {"rloo", "algo.baseline", "loo"},
    {"rloo", "algo.normalise_std", "false"},      {"rloo", "algo.surrogate", "reinforce"},
    {"rloo", "algo.aggregation", "sequence_sum"}, {"dapo", "algo.dynamic_sampling", "true"},
    {"gspo", "algo.surrogate", "gspo"},           {"gspo", "algo.aggregation", "sequence_mean"},
    {"gspo", "algo.clip_low", "0.0003"},          {"gspo", "algo.clip_high", "0.0004"},
    {"cispo", "algo.surrogate", "cispo"},         {"cispo", "algo.normalise_std", "false"},
    {"max_rl", "algo.baseline", "max_rl"},        {"max_rl", "algo.normalise_std", "false"},
};

std::string text_of(const Node& root, std::string_view key) {
  const Node* node = root.find_path(key);
  if (node == nullptr) return {};
  if (const auto* text = std::get_if<std::string>(&node->value)) return *text;
  if (const auto* raw = std::get_if<config::RawText>(&node->value)) return raw->text;
  return {};
}

Result<void> apply_preset(Node& root) {
  const std::string type = text_of(root, "algo.type");
  for (const Preset& preset : kPresets) {
    if (preset.type != type || root.find_path(preset.key) != nullptr) continue;
    const std::string origin = "algo.type = \"" + type + "\"";
    const auto set =
        set_path(root, preset.key, Node{config::RawText{std::string(preset.value)}, origin});
    if (!set) return set;
  }
  return {};
}

Result<Node> read_tree(const config::Request& request) {
  Node root{config::Table{}, ""};
  for (const std::string& path : request.files) {
    auto file = config::read_toml(path);
    if (!file) return file.error();
    merge(root, std::move(*file));
  }
  for (const config::Override& override : request.overrides) {
    const auto set =
        set_path(root, override.key, Node{config::RawText{override.value}, override.shown});
    if (!set) return set.error();
  }
  const auto preset = apply_preset(root);
  if (!preset) return preset.error();
  return root;
}

Result<LoadedConfig> load_tree(const Node& root) {
  RunConfig run;
  Schema schema;
  describe(schema, run);
  auto values = schema.load(root);
  if (!values) return values.error();
  run.model.shape.context_size = run.seq_len;
  run.algo.loss.length_max = run.generator.sampling.max_completion_tokens;
  run.sft.optim.total_updates = run.sft.steps;
  run.learner.optim.total_updates = run.max_steps;
  LoadedConfig loaded{std::move(run), config::Resolved(std::move(*values))};
  const auto checked = check_run_config(loaded);
  if (!checked) return checked.error();
  return loaded;
}

}  // namespace

algo::AdvantageOptions advantage_options(const AlgorithmSettings& settings) {
  algo::AdvantageOptions options;
  options.baseline = settings.baseline;
  options.scope = settings.baseline_scope;
  options.quantile = settings.quantile;
  if (settings.is_std_normalised) options.scale = algo::AdvantageScale::kGroupStd;
  if (settings.is_batch_whitened) options.scale = algo::AdvantageScale::kBatchWhiten;
  return options;
}

Result<LoadedConfig> load_run_config(const config::Request& request) {
  const auto root = read_tree(request);
  if (!root) return root.error();
  return load_tree(*root);
}

Result<LoadedConfig> load_run_config_text(std::string_view toml, std::string_view name) {
  const auto root = config::parse_toml(toml, name);
  if (!root) return root.error();
  return load_tree(*root);
}

bool is_run_config_key(std::string_view key) {
  RunConfig run;
  Schema schema;
  describe(schema, run);
  return schema.has(config::snake_case(key));
}

std::vector<std::string> run_config_keys() {
  RunConfig run;
  Schema schema;
  describe(schema, run);
  return schema.keys();
}

std::string run_config_json_schema() {
  RunConfig run;
  Schema schema;
  describe(schema, run);
  return schema.to_json_schema("assay run config");
}

}  // namespace assay::cli
