#include "gpu/host/engine_bench.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gpu/host/float_buffer.h"
#include "gpu/host/float_mode.h"
#include "gpu/host/kernels.h"
#include "gpu/host/thread_pool.h"
#include "runtime/core/ceiling.h"
#include "runtime/core/rng.h"

namespace assay::gpu::host {
namespace {

struct BenchModel {
  std::string name;
  model::ModelConfig config;
  std::size_t sequences = 0, length = 0;  // of a train batch
  std::uint32_t prompt = 0, completion = 0;
  std::vector<std::size_t> generation_batches;
};

BenchModel model_of(std::string name, std::uint32_t vocab, std::uint32_t hidden,
                    std::uint32_t layers, std::uint32_t heads, std::uint32_t ffn) {
  BenchModel m;
  m.name = std::move(name);
  m.config.vocab_size = vocab;
  m.config.hidden_size = hidden;
  m.config.layer_count = layers;
  m.config.head_count = m.config.kv_head_count = heads;
  m.config.head_size = hidden / heads;
  m.config.ffn_size = ffn;
  m.config.context_size = 256;
  m.prompt = 32;
  m.completion = 64;
  return m;
}

std::vector<BenchModel> bench_models(bool is_quick) {
  std::vector<BenchModel> models{model_of("small", 16, 64, 2, 4, 192),
                                 model_of("a", 64, 128, 4, 4, 384),
                                 model_of("b", 64, 256, 4, 8, 768)};
  models[0].sequences = 256;
  models[0].length = 20;
  models[0].prompt = models[0].completion = 12;
  models[0].generation_batches = {256};
  models[1].sequences = models[1].length = 64;
  models[1].generation_batches = {1, 16, 64, 256};
  models[2].sequences = 32;
  models[2].length = 128;
  models[2].generation_batches = {64};
  if (!is_quick) return models;
  for (BenchModel& m : models) {
    m.sequences /= 8;
    m.completion /= 4;
  }
  return models;
}

double layer_weights(const model::ModelConfig& c) {
  const double d = c.hidden_size, query = double{1} * c.head_count * c.head_size;
  const double kv = double{1} * c.kv_head_count * c.head_size;
  return c.layer_count * (d * (2 * query + 2 * kv) + 3 * d * c.ffn_size);
}

double training_flops(const BenchModel& m) {
  const double d = m.config.hidden_size;
  return 6 * layer_weights(m.config) + 6 * d * m.config.vocab_size +
         6 * d * m.config.layer_count * static_cast<double>(m.length);
}

double decoding_flops(const BenchModel& m) {
  const double d = m.config.hidden_size;
  return 2 * layer_weights(m.config) + 2 * d * m.config.vocab_size +
         4 * d * m.config.layer_count * (m.prompt + m.completion / 2.0);
}

double peak_gflops(ThreadPool& pool, unsigned threads) {
  constexpr std::size_t kRounds = 2000, kItems = 8;
  const Kernels& kernels = best_kernels();
  double flops = 0;
  const double seconds = seconds_of([&] {
    if (threads == 1) {
      flops = kernels.peak(kRounds * kItems);
      return;
    }
    std::vector<double> parts(kItems * threads);
    pool.run(parts.size(), [&](std::size_t i, unsigned) { parts[i] = kernels.peak(kRounds); });
    for (const double part : parts) flops += part;
  });
  return flops / seconds / 1e9;
}

wire::TrainBatch batch_of(const BenchModel& m) {
  Rng rng(1);
  wire::TrainBatch batch;
  batch.offsets.push_back(0);
  for (std::size_t i = 0; i < m.sequences; ++i) {
    for (std::size_t t = 0; t < m.length; ++t) {
      batch.tokens.push_back(static_cast<wire::TokenId>(rng.below(m.config.vocab_size)));
      batch.mask.push_back(t > 0);
      batch.advantages.push_back(static_cast<float>(rng.next_normal()));
      batch.weights.push_back(1);
      batch.logprobs_behaviour.push_back(-4);
      batch.versions.push_back(0);
    }
    batch.offsets.push_back(static_cast<std::uint32_t>(batch.tokens.size()));
  }
  return batch;
}

Result<double> training_rate(Learner& learner, const wire::TrainBatch& batch) {
  Result<UpdateReport> report{UpdateReport{}};
  const double seconds = seconds_of([&] { report = learner.update(batch, {}); });
  if (!report) return report.error();
  return static_cast<double>(batch.token_count()) / seconds;
}

// Tokens a second of `batch` rollouts in groups of 8, from the first prompt to the last token.
Result<double> generation_rate(const BackendOptions& backend, const BenchModel& m, Learner& learner,
                               std::size_t batch) {
  constexpr std::size_t kGroupSize = 8;
  GeneratorOptions options;
  options.max_sequences = batch;
  auto generator = make_generator(backend, learner.publish(), options);
  if (!generator) return generator.error();
  Rng rng(2);
  for (std::size_t first = 0; first < batch; first += kGroupSize) {
    GenerationRequest request;
    request.group = GroupId{first + 1};
    request.sampling.max_completion_tokens = m.completion;
    for (std::uint32_t t = 0; t < m.prompt; ++t) {
      request.prompt_tokens.push_back(static_cast<wire::TokenId>(rng.below(m.config.vocab_size)));
    }
    for (std::size_t i = first; i < std::min(batch, first + kGroupSize); ++i) {
      request.indices.push_back(static_cast<std::uint32_t>(i - first));
      request.seeds.push_back(i);
    }
    if (auto submitted = (*generator)->submit(std::move(request)); !submitted) {
      return submitted.error();
    }
  }
  const double seconds = seconds_of([&] {
    while ((*generator)->running_sequences() + (*generator)->queued_sequences() > 0) {
      static_cast<void>((*generator)->advance());
    }
  });
  return static_cast<double>((*generator)->counters().generated_tokens) / seconds;
}

// A matrix product on one thread, in GFLOP/s.
class ProductBench {
 public:
  ProductBench(std::size_t rows, std::size_t columns, std::size_t depth)
      : a_(rows * row_stride(depth)),
        b_(padded(columns) * depth),
        c_(rows * row_stride(columns)),
        flops_(2.0 * static_cast<double>(rows * columns * depth)) {
    product_.a = a_.get();
    product_.a_row = static_cast<std::ptrdiff_t>(row_stride(depth));
    product_.b = b_.get();
    product_.b_panel = static_cast<std::ptrdiff_t>(kLanes * depth);
    product_.c = c_.get();
    product_.c_row = static_cast<std::ptrdiff_t>(row_stride(columns));
    product_.rows = rows;
    product_.panels = padded(columns) / kLanes;
    product_.k = depth;
  }

  double gflops(bool is_quick) const {
    const auto times = static_cast<std::size_t>((is_quick ? 5e7 : 5e8) / flops_) + 1;
    const double seconds = seconds_of([&] {
      for (std::size_t i = 0; i < times; ++i) best_kernels().gemm(product_);
    });
    return static_cast<double>(times) * flops_ / seconds / 1e9;
  }

 private:
  FloatBuffer a_, b_, c_;
  Gemm product_;
  double flops_;
};

// A model, its learner and what was read of it.
struct ModelBench {
  BenchModel model;
  wire::TrainBatch batch;
  std::unique_ptr<Learner> learner;
};

class EngineBench {
 public:
  EngineBench(BackendOptions backend, const EngineBenchOptions& options)
      : backend_(std::move(backend)), options_(options), pool_(*backend_.pool) {}

  Result<void> prepare() {
    if (options_.has_neighbour) {
      Result<BusyNeighbour> neighbour = BusyNeighbour::start();
      if (!neighbour) return neighbour.error();
      neighbour_.emplace(std::move(*neighbour));
    }
    for (BenchModel& m : bench_models(options_.is_quick)) {
      ModelBench bench{m, batch_of(m), nullptr};
      auto learner = make_learner(backend_, m.config, {}, 1);
      if (!learner) return learner.error();
      bench.learner = std::move(*learner);
      models_.push_back(std::move(bench));
    }
    return {};
  }

  // Reads everything once. The readings of the first round, which warms caches, are not kept.
  Result<void> read_round(bool is_kept) {
    is_kept_ = is_kept;
    const double one = peak_gflops(pool_, 1);
    add({.name = "fma_peak_gflops_1_thread", .unit = "GFLOP/s"}, one, 0);
    add({.name = "fma_peak_gflops",
         .unit = "GFLOP/s",
         .ceiling = "threads_x_fma_peak_gflops_1_thread"},
        peak_gflops(pool_, pool_.threads()), one * pool_.threads());
    read_products();
    for (ModelBench& bench : models_) {
      if (auto done = read_model(bench); !done) return done;
    }
    return neighbour_ ? read_slowdown() : Result<void>();
  }

  std::vector<Figure> figures() const { return figures_of(series_); }

 private:
  void add(FigureKind kind, double value, double ceiling) {
    if (!is_kept_) return;
    const auto [place, is_new] = place_of_.try_emplace(kind.name, series_.size());
    if (is_new) series_.emplace_back(std::move(kind));
    series_[place->second].add(value, ceiling);
  }

  // What `read` returns, and the mean of the peaks just before and just after it.
  template <class Read>
  std::pair<double, double> beside_peak(unsigned threads, Read&& read) {
    const double before = peak_gflops(pool_, threads);
    const double value = read();
    return {value, (before + peak_gflops(pool_, threads)) / 2};
  }

  void read_products() {
    constexpr std::size_t kShapes[][3] = {{64, 128, 128},  {64, 768, 128},  {256, 128, 128},
                                          {256, 768, 128}, {256, 128, 384}, {256, 1536, 256},
                                          {1, 768, 128},   {4, 768, 128}};
    for (const auto& [rows, columns, depth] : kShapes) {
      const ProductBench product(rows, columns, depth);
      const auto [gflops, peak] =
          beside_peak(1, [&product, this] { return product.gflops(options_.is_quick); });
      add({.name = "gemm_" + std::to_string(rows) + "x" + std::to_string(columns) + "x" +
                   std::to_string(depth) + "_gflops",
           .unit = "GFLOP/s",
           .ceiling = "fma_peak_gflops_1_thread"},
          gflops, peak);
    }
  }

  // One rate in tokens a second, as such and as a fraction of the peak.
  Result<void> read_rate(const std::string& name, double flops, std::optional<Goal> goal,
                         const std::function<Result<double>()>& read) {
    Result<double> rate{0.0};
    const auto [value, peak] = beside_peak(pool_.threads(), [&] {
      rate = read();
      return rate ? *rate : 0.0;
    });
    if (!rate) return rate.error();
    add({.name = name + "_gflops", .unit = "GFLOP/s", .ceiling = "fma_peak_gflops", .goal = goal},
        value * flops / 1e9, peak);
    add({.name = name + "_tokens_per_s", .unit = "tokens/s"}, value, 0);
    return {};
  }

  Result<void> read_model(ModelBench& bench) {
    const BenchModel& m = bench.model;
    const bool has_goal = m.name == "a";
    const auto train = read_rate("train_" + m.name, training_flops(m), goal_if(has_goal, 0.40),
                                 [&] { return training_rate(*bench.learner, bench.batch); });
    if (!train) return train;
    for (const std::size_t batch : m.generation_batches) {
      const auto generate =
          read_rate("generate_" + m.name + "_batch_" + std::to_string(batch), decoding_flops(m),
                    goal_if(has_goal && batch >= 64, 0.25),
                    [&] { return generation_rate(backend_, m, *bench.learner, batch); });
      if (!generate) return generate;
    }
    return {};
  }

  static std::optional<Goal> goal_if(bool has_goal, double ratio) {
    if (!has_goal) return std::nullopt;
    return Goal{Goal::Of::kRatio, ratio};
  }

  // Rates of model a and of bare multiplications at one moment.
  struct Rates {
    double peak = 0, train = 0, generate = 0;
  };

  Result<Rates> read_rates() {
    constexpr std::size_t kPeakReadings = 8;
    ModelBench& a = models_[1];
    Rates rates;
    const auto train = training_rate(*a.learner, a.batch);
    if (!train) return train.error();
    // As long as the others: a neighbour comes and goes within milliseconds.
    for (std::size_t i = 0; i < kPeakReadings; ++i) {
      rates.peak += peak_gflops(pool_, pool_.threads()) / kPeakReadings;
    }
    const auto generate = generation_rate(backend_, a.model, *a.learner, 64);
    if (!generate) return generate.error();
    rates.train = *train;
    rates.generate = *generate;
    return rates;
  }

  Result<void> read_slowdown() {
    constexpr double kGoal = 2.5;
    is_busy_first_ = !is_busy_first_;
    Rates quiet, busy;
    for (const bool is_busy : {is_busy_first_, !is_busy_first_}) {
      if (is_busy) neighbour_->resume();
      const auto rates = read_rates();
      if (is_busy) neighbour_->pause();
      if (!rates) return rates.error();
      (is_busy ? busy : quiet) = *rates;
    }
    const double peak = quiet.peak / busy.peak;
    const FigureKind kind{.name = "",
                          .unit = "times",
                          .ceiling = "fma_peak_slowdown",
                          .better = Better::kLower,
                          .goal = Goal{Goal::Of::kValue, kGoal}};
    FigureKind train = kind, generate = kind;
    train.name = "train_a_slowdown";
    generate.name = "generate_a_batch_64_slowdown";
    add(std::move(train), quiet.train / busy.train, peak);
    add(std::move(generate), quiet.generate / busy.generate, peak);
    return {};
  }

  BackendOptions backend_;
  EngineBenchOptions options_;
  ThreadPool& pool_;
  std::vector<ModelBench> models_;
  std::vector<Series> series_;
  std::map<std::string, std::size_t> place_of_;  // in series_, by name
  std::optional<BusyNeighbour> neighbour_;
  bool is_kept_ = false;
  bool is_busy_first_ = false;
};

}  // namespace

Result<std::vector<Figure>> engine_bench(const BackendOptions& backend,
                                         const EngineBenchOptions& options) {
  const DenormalsOff denormals_off;
  BackendOptions shared = backend;
  if (!shared.pool) shared.pool = std::make_shared<ThreadPool>(shared.threads);
  EngineBench bench(shared, options);
  if (auto prepared = bench.prepare(); !prepared) return prepared.error();
  for (std::size_t round = 0; round <= options.repeats; ++round) {
    if (auto done = bench.read_round(round > 0); !done) return done.error();
  }
  return bench.figures();
}

}  // namespace assay::gpu::host
