// The host backend's half of gpu/engine_bench.h.
#pragma once

#include <vector>

#include "gpu/engine_bench.h"

namespace assay::gpu::host {

Result<std::vector<Figure>> engine_bench(const BackendOptions& backend,
                                         const EngineBenchOptions& options);

}  // namespace assay::gpu::host
