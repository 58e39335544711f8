#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "actors/arm.h"
#include "actors/cli/bench.h"
#include "actors/cli/run_setup.h"
#include "gpu/generator.h"
#include "runtime/core/ceiling.h"
#include "runtime/core/clock.h"
#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "runtime/core/rng.h"
#include "runtime/flow/batch_builder.h"
#include "runtime/net/socket.h"
#include "runtime/store/ledger_bench.h"

namespace assay::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAnswerTimeout{2000};
constexpr double kRewardMean = 0.5;

// The first run's model, task and batch; its policy is untrained and its rewards are coins, so that
// every group has something to learn from.
LoadedConfig bench_config(const BenchRequest& request) {
  RunConfig run;
  run.run_name = "bench";
  run.max_steps = request.is_quick ? 4 : 30;
  run.seq_len = 64;
  run.learner.threads = request.threads;
  run.generator.max_sequences = 256;
  run.generator.sampling.max_completion_tokens = 32;
  SourceSettings source;
  source.name = source.task = "arithmetic";
  source.verifier = "chain";
  source.prompts = 65'536;
  run.curator.train = {source};
  VerifierSettings chain;
  chain.name = chain.type = "chain";
  run.verifiers = {chain};
  return {run, config::Resolved({})};
}

// What it took to draw and train on some rollouts.
struct Work {
  double rollouts = 0, wall_s = 0, cpu_s = 0;

  double rollouts_per_s() const { return rollouts / wall_s; }
  double cpu_us_per_rollout() const { return cpu_s * 1e6 / rollouts; }
};

// Attaches to a run's socket again and again, as `assay status` does, until it is destroyed.
class Attacher {
 public:
  Attacher(std::string socket, milliseconds pause)
      : socket_(std::move(socket)), pause_(pause), thread_([this] { attach_often(); }) {}
  ~Attacher() { static_cast<void>(stop()); }
  Attacher(const Attacher&) = delete;
  Attacher& operator=(const Attacher&) = delete;

  // Milliseconds from nothing to the answer, of every attach that found the run alive.
  std::vector<double> stop() {
    is_stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return times_;
  }

 private:
  void attach_often() {
    while (!is_stopping_) {
      bool is_answered = false;
      const double seconds = seconds_of([&] { is_answered = attach(); });
      if (is_answered) times_.push_back(seconds * 1e3);
      // Before the run listens there is no file, and asking for it costs nothing.
      std::this_thread::sleep_for(is_answered ? pause_ : milliseconds(1));
    }
  }

  bool attach() {
    Result<net::StatusClient> client = net::StatusClient::connect(socket_);
    if (!client) return false;
    const Result<std::string> answer = client->request(R"({"get":"status"})", kAnswerTimeout);
    if (!answer) return false;
    const nlohmann::json status = parse_json(*answer);
    return status.is_object() && status.contains("queues");
  }

  std::string socket_;
  milliseconds pause_;
  std::vector<double> times_;  // the thread's until it is joined
  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

struct ArmReading {
  Work work;
  std::vector<double> attach_ms;
};

// A whole arm of a run, watched from outside.
Result<ArmReading> read_arm(const RunSetup& setup, const actors::ArmOptions& options,
                            milliseconds pause) {
  if (auto made = make_folders(options.checkpoints_folder); !made) return made.error();
  auto base = make_run_learner(setup, options.optimiser);
  if (!base) return base.error();
  if (auto saved = (*base)->save(options.base_folder); !saved) return saved.error();
  const std::atomic<bool> interrupt = false;
  Attacher attacher(options.status_socket, pause);
  const Result<actors::ArmOutcome> outcome = actors::run_arm(options, {}, interrupt);
  ArmReading reading;
  reading.attach_ms = attacher.stop();
  if (!outcome) return outcome.error();
  reading.work = {static_cast<double>(outcome->rollouts), outcome->wall_s, outcome->cpu_s};
  return reading;
}

// Measures only the calls into the engine.
class EngineTime {
 public:
  template <class Call>
  auto operator()(Call&& call) {
    const auto cpu = process_cpu_time();
    const auto start = std::chrono::steady_clock::now();
    auto outcome = call();
    wall_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    cpu_s += static_cast<double>((process_cpu_time() - cpu).count()) * 1e-6;
    return outcome;
  }

  double wall_s = 0, cpu_s = 0;
};

// The requests for one train batch, and the groups that wait for their rollouts.
struct Asked {
  std::vector<gpu::GenerationRequest> requests;
  std::vector<flow::TrainGroup> groups;
};

Result<Asked> ask_for_batch(const RunSetup& setup, const actors::ArmOptions& options,
                            std::uint64_t step) {
  Asked asked;
  Rng coins(options.ledger.seed, step);
  const std::uint64_t count = options.flow.dispatch.batch_groups;
  for (std::uint64_t index = step * count; index < (step + 1) * count; ++index) {
    const wire::Prompt prompt = setup.prompts->prompt(0, index);
    auto tokens = setup.tokenizer->encode(prompt.text);
    if (!tokens) return tokens.error();
    gpu::GenerationRequest request;
    request.group = GroupId{index + 1};
    request.prompt_tokens = std::move(*tokens);
    request.sampling = options.sampling;
    flow::TrainGroup group{request.group, {}, {}};
    for (std::uint32_t i = 0; i < options.flow.group_size; ++i) {
      request.indices.push_back(i);
      request.seeds.push_back(derive_sampling_seed(options.ledger.seed, {request.group, i}));
      group.rewards.push_back(coins.next_bool(kRewardMean) ? 1.0 : 0.0);
    }
    group.rollouts.resize(options.flow.group_size);
    asked.requests.push_back(std::move(request));
    asked.groups.push_back(std::move(group));
  }
  return asked;
}

Result<std::vector<wire::Rollout>> draw(gpu::Generator& engine,
                                        std::vector<gpu::GenerationRequest> requests) {
  std::vector<wire::Rollout> rollouts;
  for (gpu::GenerationRequest& request : requests) {
    if (auto taken = engine.submit(std::move(request)); !taken) return taken.error();
  }
  while (engine.running_sequences() + engine.queued_sequences() > 0) {
    auto finished = engine.advance();
    if (!finished) return finished.error();
    std::move(finished->begin(), finished->end(), std::back_inserter(rollouts));
  }
  return rollouts;
}

// As many rollouts and updates as the arm's, by the engine alone and one after the other.
Result<Work> read_engine(const RunSetup& setup, const actors::ArmOptions& options) {
  auto learner = make_run_learner(setup, options.optimiser);
  if (!learner) return learner.error();
  auto engine = gpu::make_generator(options.backend, (*learner)->publish(), options.generator);
  if (!engine) return engine.error();
  EngineTime measured;
  Work work;
  for (std::uint64_t step = 0; step < options.flow.dispatch.step_count; ++step) {
    auto asked = ask_for_batch(setup, options, step);
    if (!asked) return asked.error();
    auto rollouts = measured([&] { return draw(**engine, std::move(asked->requests)); });
    if (!rollouts) return rollouts.error();
    work.rollouts += static_cast<double>(rollouts->size());
    const std::uint64_t first = asked->groups.front().id.value;
    for (wire::Rollout& rollout : *rollouts) {
      const RolloutId id = rollout.id;
      asked->groups[id.group.value - first].rollouts[id.index] =
          std::make_shared<const wire::Rollout>(std::move(rollout));
    }
    const auto built =
        flow::build_train_batch(asked->groups, options.advantage, (*learner)->version());
    if (!built) return built.error();
    const auto report = measured([&] { return (*learner)->update(built->batch, options.update); });
    if (!report) return report.error();
    (*engine)->set_weights((*learner)->publish());
  }
  work.wall_s = measured.wall_s;
  work.cpu_s = measured.cpu_s;
  return work;
}

Result<std::vector<Figure>> arm_figures(const BenchRequest& request) {
  constexpr double kAttachGoalMs = 200;
  const auto setup = make_run_setup(bench_config(request));
  if (!setup) return setup.error();
  const auto attach = [&](const std::string& part) {
    return Series({.name = "status_attach_" + part + "_ms",
                   .unit = "ms",
                   .ceiling = "socket_attach_" + part + "_ms",
                   .better = Better::kLower,
                   .goal = Goal{Goal::Of::kValue, kAttachGoalMs}});
  };
  Series rate(
      {.name = "arm_rollouts_per_s", .unit = "rollouts/s", .ceiling = "engine_rollouts_per_s"});
  Series cpu({.name = "arm_cpu_us_per_rollout",
              .unit = "us",
              .ceiling = "engine_cpu_us_per_rollout",
              .better = Better::kLower});
  Series p50 = attach("p50"), p99 = attach("p99");
  for (std::size_t round = 0; round < request.repeats; ++round) {
    const store::RunPaths paths(request.folder + "/round_" + std::to_string(round));
    auto options = make_arm_options(*setup, paths, "random_iid", kRewardMean, false);
    if (!options) return options.error();
    options->rollouts_folder = paths.root() + "/rollouts";
    const auto engine = read_engine(*setup, *options);
    if (!engine) return engine.error();
    const auto arm = read_arm(*setup, *options, milliseconds(request.is_quick ? 5 : 50));
    if (!arm) return arm.error();
    rate.add(arm->work.rollouts_per_s(), engine->rollouts_per_s());
    cpu.add(arm->work.cpu_us_per_rollout(), engine->cpu_us_per_rollout());
    if (arm->attach_ms.empty()) {
      return Error{ErrorCode::kTimedOut, "no attach to the measured run was answered", "", "", ""};
    }
    const auto bare = socket_attach_us(arm->attach_ms.size());
    if (!bare) return bare.error();
    const Latency ours = latency_of(arm->attach_ms);
    p50.add(ours.p50, bare->p50 / 1e3);
    p99.add(ours.p99, bare->p99 / 1e3);
  }
  return std::vector<Figure>{rate.figure(), cpu.figure(), p50.figure(), p99.figure()};
}

}  // namespace

Result<std::vector<Figure>> bench_orchestrator(const BenchRequest& request) {
  store::LedgerBenchOptions ledger;
  ledger.folder = request.folder;
  if (request.is_quick) ledger.groups = 60;
  auto figures = store::ledger_figures(ledger, request.repeats);
  if (!figures) return figures.error();
  const auto more = arm_figures(request);
  if (!more) return more.error();
  figures->insert(figures->end(), more->begin(), more->end());
  return figures;
}

}  // namespace assay::cli
