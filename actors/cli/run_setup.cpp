#include "actors/cli/run_setup.h"

#include <algorithm>
#include <array>
#include <thread>

#include "actors/worker_state.h"
#include "runtime/algo/pass_at_k.h"
#include "runtime/dataset/dataset.h"
#include "runtime/text/byte_tokenizer.h"
#include "runtime/text/char_tokenizer.h"
#include "verifiers/registry.h"
#include "verifiers/verdict_cache.h"

namespace assay::cli {

namespace {

Error config_error(std::string message, std::string remedy) {
  return {ErrorCode::kInvalidInput, std::move(message), std::move(remedy), {}, "E111"};
}

Result<std::shared_ptr<const text::Tokenizer>> make_tokenizer(const TokenizerSettings& settings) {
  if (settings.type == TokenizerSettings::Type::kByte) {
    return std::shared_ptr<const text::Tokenizer>(std::make_shared<text::ByteTokenizer>());
  }
  Result<text::CharTokenizer> tokenizer = text::CharTokenizer::create(settings.alphabet);
  if (!tokenizer) return tokenizer.error();
  return std::shared_ptr<const text::Tokenizer>(
      std::make_shared<text::CharTokenizer>(std::move(*tokenizer)));
}

dataset::ArithmeticOptions arithmetic_options(const SourceSettings& source, dataset::Split split,
                                              std::uint64_t run_seed) {
  dataset::ArithmeticOptions options;
  options.operand_count_min = source.chain.operands_min;
  options.operand_count_max = source.chain.operands_max;
  options.operand_count_weights = source.chain.operand_weights;
  options.operators = source.operators;
  options.split = split;
  options.seed = source.seed != 0 ? source.seed : run_seed;
  if (source.prompts > 0) options.prompts_per_epoch = source.prompts;
  options.source = source.name;
  options.verifier = source.verifier;
  return options;
}

dataset::JsonlOptions jsonl_options(const SourceSettings& source) {
  dataset::JsonlOptions options;
  options.path = source.path;
  options.name = source.name;
  options.prompt_column = source.prompt_column;
  options.truth_column = source.reference_column;
  options.verifier = source.verifier;
  options.rows_max = source.prompts;
  return options;
}

Result<std::shared_ptr<const dataset::PromptSource>> make_train_source(const SourceSettings& source,
                                                                       std::uint64_t seed) {
  if (source.task == "arithmetic") {
    Result<dataset::ArithmeticTask> task =
        dataset::ArithmeticTask::create(arithmetic_options(source, dataset::Split::kTrain, seed));
    if (!task) return task.error();
    return std::shared_ptr<const dataset::PromptSource>(
        std::make_shared<dataset::ArithmeticTask>(std::move(*task)));
  }
  Result<dataset::JsonlDataset> rows = dataset::JsonlDataset::load(jsonl_options(source));
  if (!rows) return rows.error();
  return std::shared_ptr<const dataset::PromptSource>(dataset::shuffled(std::move(*rows), seed));
}

Result<void> make_prompts(RunSetup& setup) {
  std::vector<dataset::MixtureEntry> entries;
  for (const SourceSettings& source : setup.config.curator.train) {
    auto made = make_train_source(source, setup.config.seed);
    if (!made) return made.error();
    setup.prompts_description += (*made)->describe() + "\n";
    entries.push_back({std::move(*made), source.ratio});
  }
  if (entries.empty()) {
    return config_error("no training source is given", "add a [[curator.train.source]] table");
  }
  if (entries.size() == 1) {
    setup.prompts = entries.front().source;
    return {};
  }
  Result<std::unique_ptr<dataset::PromptSource>> mixed =
      dataset::mixture(std::move(entries), setup.config.seed);
  if (!mixed) return mixed.error();
  setup.prompts = std::move(*mixed);
  return {};
}

Result<EvalSet> make_eval_set(const EvalSourceSettings& settings, std::uint64_t seed) {
  EvalSet set;
  set.settings = settings;
  const SourceSettings& source = settings.source;
  if (source.task == "arithmetic") {
    Result<dataset::ArithmeticTask> task = dataset::ArithmeticTask::create(
        arithmetic_options(source, dataset::Split::kEvaluation, seed));
    if (!task) return task.error();
    const std::uint64_t lengths = source.chain.operands_max - source.chain.operands_min + 1;
    const std::uint64_t wanted = source.prompts > 0 ? source.prompts : 64 * lengths;
    Result<std::vector<wire::Prompt>> prompts =
        task->distinct_prompts(std::max<std::uint64_t>(1, wanted / lengths));
    if (!prompts) return prompts.error();
    set.prompts = std::move(*prompts);
    set.guess_chance = 0.01;  // one of a hundred two-digit answers
    set.is_procedural = true;
    return set;
  }
  Result<dataset::JsonlDataset> rows = dataset::JsonlDataset::load(jsonl_options(source));
  if (!rows) return rows.error();
  set.prompts = rows->prompts();
  std::vector<std::string> references;
  for (const wire::Prompt& prompt : set.prompts) references.push_back(prompt.reference);
  set.guess_chance = algo::match_chance(references);
  return set;
}

Result<std::shared_ptr<const verifiers::Verifier>> make_one_verifier(
    const VerifierSettings& settings) {
  verifiers::VerifierContext context;
  context.time_limit = settings.timeout;
  Result<std::unique_ptr<verifiers::Verifier>> made =
      verifiers::make_verifier(settings.type, settings.options, context);
  if (!made) return made.error();
  std::shared_ptr<const verifiers::Verifier> verifier = std::move(*made);
  if (verifier->longest_check().count() > 0 && settings.cache_verdicts > 0) {
    verifier =
        std::make_shared<verifiers::CachedVerifier>(std::move(verifier), settings.cache_verdicts);
  }
  return verifier;
}

Result<void> make_verifiers(RunSetup& setup) {
  for (const VerifierSettings& settings : setup.config.verifiers) {
    Result<std::shared_ptr<const verifiers::Verifier>> made = make_one_verifier(settings);
    if (!made) return made.error();
    setup.verifiers[settings.name] = std::move(*made);
  }
  const auto check = [&](const SourceSettings& source) -> Result<void> {
    if (setup.verifiers.contains(source.verifier)) return {};
    return config_error("source '" + source.name + "' names the verifier '" + source.verifier +
                            "', which is not declared",
                        "add [[verifier]] with name = \"" + source.verifier + "\"");
  };
  for (const SourceSettings& source : setup.config.curator.train) {
    if (auto known = check(source); !known) return known.error();
  }
  for (const EvalSourceSettings& eval : setup.config.curator.eval) {
    if (auto known = check(eval.source); !known) return known.error();
  }
  return {};
}

Result<void> make_warm_up_task(RunSetup& setup) {
  if (setup.config.sft.steps == 0) return {};
  const SourceSettings& first = setup.config.curator.train.front();
  if (first.task != "arithmetic") {
    return config_error(
        "supervised warm-up needs demonstrations, and source '" + first.name + "' has none",
        "set sft.steps = 0, or train on task = \"arithmetic\"");
  }
  SourceSettings source = first;
  source.chain = setup.config.sft.chain;
  Result<dataset::ArithmeticTask> task = dataset::ArithmeticTask::create(
      arithmetic_options(source, dataset::Split::kTrain, setup.config.seed));
  if (!task) return task.error();
  setup.warm_up_task = std::move(*task);
  return {};
}

std::string default_name(const RunSetup& setup) {
  return setup.config.curator.train.front().name + "--tiny--" +
         setup.config_sha256.short_hex().substr(0, 6);
}

flow::FlowOptions flow_options(const RunConfig& config) {
  const CuratorSettings& curator = config.curator;
  flow::FlowOptions options;
  options.dispatch.batch_groups = curator.batch_size;
  options.dispatch.staleness_max = curator.max_off_policy_steps;
  options.dispatch.running_groups_max =
      curator.max_concurrent_groups > 0 ? curator.max_concurrent_groups
                                        : (curator.max_off_policy_steps + 1) * curator.batch_size;
  options.dispatch.step_count = config.max_steps;
  options.dispatch.is_deterministic = config.is_deterministic;
  options.group_size = curator.group_size;
  options.is_dynamic_sampling = config.algo.has_dynamic_sampling;
  options.resample_rounds_max =
      static_cast<std::uint32_t>(std::max(1.0, config.algo.dynamic_sampling_limit));
  options.generation_lease = curator.lease_timeout;
  options.verification_lease = curator.lease_timeout;
  options.attempts_max = curator.attempts_max;
  options.to_verify_rollouts_max = curator.queue_items_max;
  options.to_verify_bytes_max = curator.queue_bytes_max.bytes;
  return options;
}

// A pool of generators, and one for every verifier that a training source names.
std::map<std::string, actors::PoolPlan> pools_of(const RunConfig& config) {
  std::map<std::string, actors::PoolPlan> pools = {
      {actors::kGeneratorPool, {config.generator.replicas, config.generator.replicas_max}}};
  for (const VerifierSettings& verifier : config.verifiers) {
    const auto judges = [&](const SourceSettings& source) {
      return source.verifier == verifier.name;
    };
    const auto& train = config.curator.train;
    if (std::none_of(train.begin(), train.end(), judges)) continue;
    pools[verifier.name] = {verifier.replicas, verifier.replicas_max};
  }
  return pools;
}

}  // namespace

Result<RunSetup> make_setup_without_data(const LoadedConfig& loaded) {
  RunSetup setup;
  setup.config = loaded.run;
  setup.config_sha256 = loaded.resolved.digest();
  constexpr std::array<std::string_view, 8> kWarmUpKeys = {
      "seed", "seq_len", "model", "tokenizer", "sft", "curator.train", "learner.device", "task"};
  setup.warm_up_sha256 = loaded.resolved.digest(kWarmUpKeys);
  Result<std::shared_ptr<const text::Tokenizer>> tokenizer = make_tokenizer(loaded.run.tokenizer);
  if (!tokenizer) return tokenizer.error();
  setup.tokenizer = std::move(*tokenizer);
  setup.model = loaded.run.model.shape;
  setup.model.vocab_size = static_cast<std::uint32_t>(setup.tokenizer->vocab_size());
  setup.model.context_size = loaded.run.seq_len;
  setup.config.generator.sampling.stop_tokens = {setup.tokenizer->eos_token()};
  if (auto made = make_verifiers(setup); !made) return made.error();
  const unsigned threads = setup.config.learner.threads > 0
                               ? setup.config.learner.threads
                               : std::max(1u, std::thread::hardware_concurrency());
  const auto pool = gpu::make_thread_pool(threads);
  setup.backend = {setup.config.learner.device, threads, pool,
                   std::make_shared<gpu::EngineMeter>(pool)};
  return setup;
}

Result<RunSetup> make_run_setup(const LoadedConfig& loaded) {
  Result<RunSetup> made = make_setup_without_data(loaded);
  if (!made) return made.error();
  RunSetup setup = std::move(*made);
  if (auto prompts = make_prompts(setup); !prompts) return prompts.error();
  if (auto task = make_warm_up_task(setup); !task) return task.error();
  for (const EvalSourceSettings& settings : setup.config.curator.eval) {
    Result<EvalSet> set = make_eval_set(settings, setup.config.seed);
    if (!set) return set.error();
    setup.eval_sets.push_back(std::move(*set));
  }
  setup.name = setup.config.run_name.empty() ? default_name(setup) : setup.config.run_name;
  return setup;
}

Result<std::unique_ptr<gpu::Learner>> make_run_learner(const RunSetup& setup,
                                                       const gpu::OptimiserOptions& optimiser) {
  return gpu::make_learner(setup.backend, setup.model, optimiser, setup.config.seed);
}

Result<actors::ArmOptions> make_arm_options(const RunSetup& setup, const store::RunPaths& paths,
                                            const std::string& arm, double reward_mean,
                                            bool is_resume) {
  const RunConfig& config = setup.config;
  const auto reward_arm = algo::parse_reward_arm(arm);
  if (!reward_arm) {
    return config_error("control arm '" + arm + "' is not known",
                        "control.arms may hold random_permute, random_iid and inverted");
  }

  actors::ArmOptions options;
  options.ledger.run = setup.name;
  options.ledger.arm = arm;
  options.ledger.seed = config.seed;
  options.ledger.config_sha256 = setup.config_sha256;
  options.ledger.group_size = config.curator.group_size;
  options.ledger.staleness_max = config.curator.max_off_policy_steps;
  options.ledger.attempts_max = config.curator.attempts_max;
  options.flow = flow_options(config);
  options.ledger.open_groups_max = flow::open_groups_max(options.flow.dispatch);
  options.rewards = {*reward_arm, config.seed, reward_mean};
  options.advantage = advantage_options(config.algo);
  options.update = {config.algo.loss, config.learner.epochs, config.learner.minibatches,
                    config.generator.sampling.temperature};
  options.has_reference = config.algo.is_kl_measured || config.algo.loss.kl_coefficient > 0;
  options.optimiser = config.learner.optim;
  options.optimiser.total_updates = config.max_steps;
  options.backend = setup.backend;
  options.generator = {config.generator.max_sequences, config.generator.cache_bytes.bytes};
  options.sampling = config.generator.sampling;
  options.pools = pools_of(config);
  options.checkpoint_interval = config.checkpoint_interval;
  options.checkpoint_keep = config.checkpoint_keep;
  options.prompts = setup.prompts;
  options.tokenizer = setup.tokenizer;
  options.verifiers = setup.verifiers;
  // A verifier that is still busy with one check must not lose what it holds.
  for (const auto& [name, verifier] : setup.verifiers) {
    options.flow.verification_lease = std::max<std::chrono::microseconds>(
        options.flow.verification_lease, 2 * verifier->longest_check());
  }
  options.make_learner = [setup, optimiser = options.optimiser] {
    return make_run_learner(setup, optimiser);
  };
  options.make_generator = [backend = options.backend, generator = options.generator](
                               std::shared_ptr<const gpu::Weights> weights) {
    return gpu::make_generator(backend, std::move(weights), generator);
  };
  options.base_folder = paths.checkpoints() + "/base";
  options.ledger_path = paths.ledger(arm);
  options.quarantine_path = paths.quarantine(arm);
  options.checkpoints_folder = paths.checkpoints(arm);
  if (config.has_rollout_files && arm == "true")
    options.rollouts_folder = paths.root() + "/rollouts";
  if (config.has_status) options.status_socket = paths.status_socket();
  options.is_resume = is_resume;
  return options;
}

}  // namespace assay::cli
