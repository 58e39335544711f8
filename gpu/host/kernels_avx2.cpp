// The kernels for processors with AVX2 and FMA. Reached only after kernels.cpp has asked the
// processor.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "gpu/host/kernels.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma")
#include "gpu/host/lanes_avx2.h"
// Built on the lanes above.
#include "gpu/host/kernels_body.h"
#pragma GCC pop_options

namespace assay::gpu::host {

extern const Kernels kAvx2Kernels;
constexpr Kernels kAvx2Kernels = kernels_named("avx2");

}  // namespace assay::gpu::host
#endif
