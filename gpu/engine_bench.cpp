#include "gpu/engine_bench.h"

#include "gpu/host/engine_bench.h"

namespace assay::gpu {

Result<std::vector<Figure>> engine_bench(const BackendOptions& backend,
                                         const EngineBenchOptions& options) {
  const Result<std::string> device = describe_device(backend);
  if (!device) return device.error();
  return host::engine_bench(backend, options);
}

}  // namespace assay::gpu
