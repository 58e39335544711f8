// How fast the host backend is here, as fractions of what this processor can do at the same time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/result.h"

namespace assay::gpu::host {

struct BenchOptions {
  unsigned threads = 0;     // 0 = one per core
  std::size_t repeats = 3;  // interleaved; each figure is their median
  bool is_quick = false;    // the small model only
};

struct TrainingFigure {
  std::string model;  // "A": vocab 64, hidden 128, 4 layers; "B": hidden 256; "small": hidden 64
  double tokens_per_second = 0;
  double gflops = 0;
  double peak_fraction = 0;  // of the fused multiply-add peak on all threads, read just before
};

struct GenerationFigure {
  std::string model;
  std::size_t batch = 0;  // rollouts at once
  double tokens_per_second = 0;
  double peak_fraction = 0;
};

// One matrix product on one thread.
struct ProductFigure {
  std::size_t rows = 0, columns = 0, depth = 0;
  double gflops = 0;
  double peak_fraction = 0;
};

struct BenchFigures {
  std::string instruction_set;
  unsigned threads = 0;
  double peak_gflops_one_thread = 0;
  double peak_gflops = 0;  // all threads
  std::vector<ProductFigure> products;
  std::vector<TrainingFigure> training;
  std::vector<GenerationFigure> generation;
};

// Takes seconds (quick) to about a minute. Counted per token, N = weights of the layers' matrices,
// V, d, L = vocabulary, width, layers, T = length: training 6N + 6Vd + 6LdT, decoding
// 2N + 2Vd + 4Ld * (mean context); prompts are not counted, but their time is.
Result<BenchFigures> run_engine_bench(const BenchOptions& options);

}  // namespace assay::gpu::host
