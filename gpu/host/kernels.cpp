#include "gpu/host/kernels.h"

namespace assay::gpu::host {

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

const Kernels* kernels_for(InstructionSet set) {
  if (set == InstructionSet::kPortable) return &kPortableKernels;
#if defined(__x86_64__)
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == InstructionSet::kAvx2 && has_avx2) return &kAvx2Kernels;
  const bool has_avx512 =
      has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  if (set == InstructionSet::kAvx512 && has_avx512) return &kAvx512Kernels;
#endif
  return nullptr;
}

const Kernels& best_kernels() {
  for (const InstructionSet set : {InstructionSet::kAvx512, InstructionSet::kAvx2}) {
    if (const Kernels* kernels = kernels_for(set)) return *kernels;
  }
  return kPortableKernels;
}

}  // namespace assay::gpu::host
