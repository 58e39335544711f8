// The kernels for processors with AVX-512. Reached only after kernels.cpp has asked the processor.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "gpu/host/kernels.h"

// g++ 12 takes the deliberately undefined operands inside its own AVX-512 header for mistakes.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx2,fma")
#include "gpu/host/lanes_avx512.h"
// Built on the lanes above.
#include "gpu/host/kernels_body.h"
#pragma GCC pop_options

namespace assay::gpu::host {

extern const Kernels kAvx512Kernels;
constexpr Kernels kAvx512Kernels = kernels_named("avx512");

}  // namespace assay::gpu::host
#endif
