#include "gpu/host/engine_bench.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "gpu/backend.h"
#include "gpu/host/float_buffer.h"
#include "gpu/host/float_mode.h"
#include "gpu/host/kernels.h"
#include "gpu/host/thread_pool.h"
#include "runtime/core/rng.h"

namespace assay::gpu::host {
namespace {

struct BenchModel {
  std::string name;
  model::ModelConfig config;
  std::size_t sequences = 0, length = 0;  // of a train batch
  std::uint32_t prompt = 0, completion = 0;
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
  std::vector<BenchModel> models{model_of("small", 18, 64, 2, 4, 192)};
  models[0].sequences = 256;
  models[0].length = 20;
  models[0].prompt = models[0].completion = 12;
  if (is_quick) return models;
  models.push_back(model_of("A", 64, 128, 4, 4, 384));
  models.back().sequences = models.back().length = 64;
  models.push_back(model_of("B", 64, 256, 4, 8, 768));
  models.back().sequences = 32;
  models.back().length = 128;
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

template <class Work>
double seconds_of(Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

double peak_gflops(ThreadPool& pool, unsigned threads) {
  constexpr std::size_t kRounds = 4000, kItems = 8;
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

// Rates and fractions of several interleaved runs of one thing.
struct Series {
  std::vector<double> rates, fractions;

  void add(double rate, double flops, double peak) {
    rates.push_back(rate);
    fractions.push_back(rate * flops / 1e9 / peak);
  }
};

Result<double> training_rate(Learner& learner, const wire::TrainBatch& batch) {
  Result<UpdateReport> report{UpdateReport{}};
  const double seconds = seconds_of([&] { report = learner.update(batch, {}); });
  if (!report) return report.error();
  return static_cast<double>(batch.token_count()) / seconds;
}

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

Result<void> bench_model(const BenchModel& m, const BenchOptions& options, ThreadPool& pool,
                         const BackendOptions& backend, BenchFigures& figures) {
  const std::size_t batches[] = {1, 64, 256};
  auto learner = make_learner(backend, m.config, {}, 1);
  if (!learner) return learner.error();
  const wire::TrainBatch batch = batch_of(m);
  Series training, generation[std::size(batches)];
  for (std::size_t repeat = 0; repeat <= options.repeats; ++repeat) {
    const double peak = peak_gflops(pool, pool.threads());
    const auto rate = training_rate(**learner, batch);
    if (!rate) return rate.error();
    // The first round only warms caches and buffers.
    if (repeat > 0) training.add(*rate, training_flops(m), peak);
    for (std::size_t i = 0; i < std::size(batches); ++i) {
      const double peak_now = peak_gflops(pool, pool.threads());
      const auto tokens = generation_rate(backend, m, **learner, batches[i]);
      if (!tokens) return tokens.error();
      if (repeat > 0) generation[i].add(*tokens, decoding_flops(m), peak_now);
    }
  }
  const double rate = median(training.rates);
  figures.training.push_back(
      {m.name, rate, rate * training_flops(m) / 1e9, median(training.fractions)});
  for (std::size_t i = 0; i < std::size(batches); ++i) {
    figures.generation.push_back(
        {m.name, batches[i], median(generation[i].rates), median(generation[i].fractions)});
  }
  return {};
}

ProductFigure bench_product(std::size_t rows, std::size_t columns, std::size_t depth,
                            std::size_t repeats, ThreadPool& pool) {
  const std::size_t panels = padded(columns) / kLanes;
  FloatBuffer a(rows * row_stride(depth)), b(panels * kLanes * depth),
      c(rows * row_stride(columns));
  Gemm product;
  product.a = a.get();
  product.a_row = static_cast<std::ptrdiff_t>(row_stride(depth));
  product.b = b.get();
  product.b_panel = static_cast<std::ptrdiff_t>(kLanes * depth);
  product.c = c.get();
  product.c_row = static_cast<std::ptrdiff_t>(row_stride(columns));
  product.rows = rows;
  product.panels = panels;
  product.k = depth;
  const double flops = 2.0 * static_cast<double>(rows * columns * depth);
  const auto times = static_cast<std::size_t>(5e7 / flops) + 1;
  Series series;
  for (std::size_t repeat = 0; repeat < repeats; ++repeat) {
    const double peak = peak_gflops(pool, 1);
    const double seconds = seconds_of([&] {
      for (std::size_t i = 0; i < times; ++i) best_kernels().gemm(product);
    });
    series.add(static_cast<double>(times) / seconds, flops, peak);
  }
  return {rows, columns, depth, median(series.rates) * flops / 1e9, median(series.fractions)};
}

}  // namespace

Result<BenchFigures> run_engine_bench(const BenchOptions& options) {
  const DenormalsOff denormals_off;
  auto pool = std::make_shared<ThreadPool>(options.threads);
  BackendOptions backend;
  backend.pool = pool;
  BenchFigures figures;
  figures.instruction_set = best_kernels().name;
  figures.threads = pool->threads();
  std::vector<double> one, all;
  for (std::size_t i = 0; i < std::max<std::size_t>(options.repeats, 1); ++i) {
    one.push_back(peak_gflops(*pool, 1));
    all.push_back(peak_gflops(*pool, pool->threads()));
  }
  figures.peak_gflops_one_thread = median(one);
  figures.peak_gflops = median(all);
  const std::size_t shapes[][3] = {{64, 128, 128},  {64, 768, 128},  {256, 128, 128},
                                   {256, 768, 128}, {256, 128, 384}, {256, 1536, 256},
                                   {1, 768, 128},   {4, 768, 128}};
  for (const auto& [rows, columns, depth] : shapes) {
    figures.products.push_back(bench_product(rows, columns, depth, options.repeats, *pool));
  }
  for (const BenchModel& m : bench_models(options.is_quick)) {
    if (auto done = bench_model(m, options, *pool, backend, figures); !done) return done.error();
  }
  return figures;
}

}  // namespace assay::gpu::host
