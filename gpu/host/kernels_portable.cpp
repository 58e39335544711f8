// The kernels in plain C++: slow, for processors without AVX2 and as the twin of the others.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "gpu/host/kernels.h"
#include "gpu/host/lanes_portable.h"
// Built on the lanes above.
#include "gpu/host/kernels_body.h"

namespace assay::gpu::host {

extern const Kernels kPortableKernels;
constexpr Kernels kPortableKernels = kernels_named("portable");

}  // namespace assay::gpu::host
