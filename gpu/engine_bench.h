// How fast this machine's engine trains and generates, beside its peak at the same moment.
#pragma once

#include <cstddef>
#include <vector>

#include "gpu/backend.h"
#include "runtime/core/figure.h"
#include "runtime/core/result.h"

namespace assay::gpu {

struct EngineBenchOptions {
  std::size_t repeats = 5;  // interleaved rounds, after one that only warms caches and buffers
  bool is_quick =
      false;  // the same figures from a fraction of the work: for a look, not a measurement
  bool has_neighbour = false;  // also beside a busy process
};

// fma_peak_gflops (all threads) beside so many times fma_peak_gflops_1_thread, then, each beside
// the peak read just before and just after it:
//   gemm_<rows>x<columns>x<depth>_gflops   a matrix product on one thread
//   train_<model>_gflops                   one update of a batch
//   generate_<model>_batch_<n>_gflops      n rollouts at once, prompts in their time but not
//   counted
// and the tokens per second of the last two. Models: `small` is the first run's (0.1 million
// weights), `a` has 0.86 million (vocabulary 64, width 128, 4 layers), `b` 3.4 million (width 256).
// With a neighbour also, for model a: train_a_slowdown and generate_a_batch_64_slowdown, how many
// times longer the same takes while another process is busy, beside fma_peak_slowdown, the same for
// bare multiplications.
//
// Counted per token, with N weights in the layers' matrices, vocabulary V, width d, L layers and
// length T: training 6N + 6Vd + 6LdT, decoding 2N + 2Vd + 4Ld * (mean context).
// Errors: as make_learner(); errno codes where the neighbour cannot be started.
Result<std::vector<Figure>> engine_bench(const BackendOptions& backend,
                                         const EngineBenchOptions& options);

}  // namespace assay::gpu
