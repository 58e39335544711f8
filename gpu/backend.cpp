#include "gpu/backend.h"

#include <cstring>
#include <utility>

#include "gpu/host/checkpoint.h"
#include "gpu/host/host_generator.h"
#include "gpu/host/host_learner.h"
#include "gpu/host/kernels.h"
#include "gpu/host/layout.h"
#include "gpu/host/thread_pool.h"

namespace assay::gpu {
namespace {

Result<void> check_device(const BackendOptions& options) {
  if (options.device == "auto" || options.device == "cpu") return {};
  if (options.device == "cuda") {
    return Error{ErrorCode::kUnavailable, "this build has no CUDA backend",
                 "use device = \"cpu\" or \"auto\"", "", ""};
  }
  return Error{ErrorCode::kInvalidInput, "unknown device '" + options.device + "'",
               "use \"auto\", \"cpu\" or \"cuda\"", "", ""};
}

std::shared_ptr<host::ThreadPool> pool_of(const BackendOptions& options) {
  return options.pool ? options.pool : std::make_shared<host::ThreadPool>(options.threads);
}

}  // namespace

std::shared_ptr<host::ThreadPool> make_thread_pool(unsigned threads) {
  return std::make_shared<host::ThreadPool>(threads);
}

Result<std::string> describe_device(const BackendOptions& options) {
  if (const auto checked = check_device(options); !checked) return checked.error();
  const unsigned threads = pool_of(options)->threads();
  return "cpu (" + std::string(instruction_set()) + ", " + std::to_string(threads) +
         (threads == 1 ? " thread)" : " threads)");
}

std::string_view instruction_set() {
  return host::best_kernels().name;
}

Result<std::unique_ptr<Learner>> make_learner(const BackendOptions& backend,
                                              const model::ModelConfig& config,
                                              const OptimiserOptions& optimiser,
                                              std::uint64_t init_seed) {
  if (const auto checked = check_device(backend); !checked) return checked.error();
  auto layout = host::make_layout(config);
  if (!layout) return layout.error();
  std::unique_ptr<Learner> learner = std::make_unique<host::HostLearner>(
      std::make_shared<const host::Layout>(std::move(*layout)), optimiser, init_seed,
      pool_of(backend), host::best_kernels());
  return backend.meter ? metered(std::move(learner), backend.meter) : std::move(learner);
}

Result<std::unique_ptr<Generator>> make_generator(const BackendOptions& backend,
                                                  std::shared_ptr<const Weights> weights,
                                                  const GeneratorOptions& options) {
  if (const auto checked = check_device(backend); !checked) return checked.error();
  auto host_weights = std::dynamic_pointer_cast<const host::HostWeights>(std::move(weights));
  if (!host_weights) {
    return Error{ErrorCode::kInvalidInput, "the weights do not belong to the cpu backend",
                 "publish them from a learner of the same device", "", ""};
  }
  std::unique_ptr<Generator> generator = std::make_unique<host::HostGenerator>(
      std::move(host_weights), options, pool_of(backend), host::best_kernels());
  return backend.meter ? metered(std::move(generator), backend.meter) : std::move(generator);
}

Result<std::shared_ptr<const Weights>> load_weights(const BackendOptions& backend,
                                                    const std::string& folder) {
  if (const auto checked = check_device(backend); !checked) return checked.error();
  const auto state = host::read_learner_state(folder);
  if (!state) return state.error();
  auto layout = host::make_layout(state->config);
  if (!layout) return layout.error();
  auto store =
      std::make_shared<host::WeightStore>(std::make_shared<const host::Layout>(std::move(*layout)));
  const host::NamedArena arenas[] = {{"", {store->arena(), store->layout().arena_size}}};
  const auto read = host::read_arenas(folder + "/" + host::kModelFile, store->layout(), arenas);
  if (!read) return read.error();
  store->pack(*pool_of(backend));
  return std::shared_ptr<const Weights>(
      std::make_shared<host::HostWeights>(std::move(store), state->version));
}

Result<std::shared_ptr<const Weights>> make_weights(const BackendOptions& backend,
                                                    const model::ModelConfig& config,
                                                    PolicyVersion version,
                                                    std::span<const std::byte> image) {
  if (const auto checked = check_device(backend); !checked) return checked.error();
  auto layout = host::make_layout(config);
  if (!layout) return layout.error();
  const std::size_t bytes = layout->arena_size * sizeof(float);
  if (image.size() != bytes) {
    return Error{ErrorCode::kCorrupt,
                 "an image of " + std::to_string(image.size()) + " bytes is no policy of " +
                     std::to_string(bytes) + " bytes",
                 "both processes must run the same configuration and version", "", ""};
  }
  auto store =
      std::make_shared<host::WeightStore>(std::make_shared<const host::Layout>(std::move(*layout)));
  std::memcpy(store->arena(), image.data(), bytes);
  store->pack(*pool_of(backend));
  return std::shared_ptr<const Weights>(
      std::make_shared<host::HostWeights>(std::move(store), version));
}

}  // namespace assay::gpu
