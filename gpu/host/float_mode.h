// Denormal numbers off while an engine computes: they are a hundred times slower and mean nothing.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace assay::gpu::host {

// Flushes denormal results and inputs to zero in this thread until it goes out of scope.
class DenormalsOff {
 public:
#if defined(__x86_64__)
  DenormalsOff() : saved_(_mm_getcsr()) {
    _mm_setcsr(saved_ | kFlushResults | kFlushInputs);
  }
  ~DenormalsOff() {
    _mm_setcsr(saved_);
  }
#else
  DenormalsOff() = default;
#endif
  DenormalsOff(const DenormalsOff&) = delete;
  DenormalsOff& operator=(const DenormalsOff&) = delete;

#if defined(__x86_64__)
 private:
  static constexpr unsigned kFlushResults = 0x8000;
  static constexpr unsigned kFlushInputs = 0x0040;
  unsigned saved_;
#endif
};

}  // namespace assay::gpu::host
