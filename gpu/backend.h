// Where a policy comes from: picks a backend and makes its learner and generators.
//
// The host backend is always there. A learner and its generators must come from the same device,
// because they share weights without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gpu/engine_meter.h"
#include "gpu/generator.h"
#include "gpu/learner.h"
#include "gpu/weights.h"
#include "runtime/core/result.h"
#include "runtime/model/model_config.h"

namespace assay::gpu {

namespace host {
class ThreadPool;
}

// Threads that several engines may share. A learner and a generator which run at the same time
// should share one pool, so that together they never run more threads than there are cores.
std::shared_ptr<host::ThreadPool> make_thread_pool(unsigned threads);

struct BackendOptions {
  std::string device = "auto";  // "auto", "cpu" or "cuda"
  unsigned threads = 0;         // compute threads, the calling one included; 0 = one per core
  std::shared_ptr<host::ThreadPool> pool;  // shared threads; null = the engine makes its own
  std::shared_ptr<EngineMeter> meter;      // counts the engines' CPU time; null = nobody asks
};

struct GeneratorOptions {
  std::size_t max_sequences = 256;                     // running at once; more wait in the queue
  std::size_t cache_bytes_max = std::size_t{1} << 30;  // keys and values of all running sequences
};

// The device that "auto" stands for here, for people: "cpu (avx2, 2 threads)".
Result<std::string> describe_device(const BackendOptions& options);

// Instructions that the cpu device computes with here: "avx512", "avx2" or "portable".
std::string_view instruction_set();

// A learner with freshly drawn weights: normal with deviation 0.02 (residual projections divided by
// sqrt(2 * layer_count)), norms one, biases zero. The draw depends on `init_seed` alone.
// Errors: kInvalidInput when the config is impossible, kUnavailable when this build lacks the
// device.
Result<std::unique_ptr<Learner>> make_learner(const BackendOptions& backend,
                                              const model::ModelConfig& config,
                                              const OptimiserOptions& optimiser,
                                              std::uint64_t init_seed);

// A generator for the policy of `weights`, which must come from a learner or load_weights() of the
// same device. Errors: kInvalidInput when they do not, kUnavailable as above.
Result<std::unique_ptr<Generator>> make_generator(const BackendOptions& backend,
                                                  std::shared_ptr<const Weights> weights,
                                                  const GeneratorOptions& options);

// The weights alone of a folder that Learner::save() wrote: enough to generate or evaluate.
// Errors: as Learner::restore().
Result<std::shared_ptr<const Weights>> load_weights(const BackendOptions& backend,
                                                    const std::string& folder);

// The weights whose image() this is, of a policy of this config. `image` is foreign: compare the
// digest() of what comes out with what was announced. Errors: kCorrupt when it has another size.
Result<std::shared_ptr<const Weights>> make_weights(const BackendOptions& backend,
                                                    const model::ModelConfig& config,
                                                    PolicyVersion version,
                                                    std::span<const std::byte> image);

}  // namespace assay::gpu
