// A test for every instruction set of this processor.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <ostream>

#include "gpu/host/float_buffer.h"
#include "gpu/host/float_mode.h"
#include "gpu/host/kernels.h"
#include "runtime/core/rng.h"

namespace assay::gpu::host {

inline constexpr std::size_t kOddSizes[] = {1, 7, 17, 129};

inline const char* name_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::kPortable:
      return "portable";
    case InstructionSet::kAvx2:
      return "AVX2";
    case InstructionSet::kAvx512:
      return "AVX-512";
  }
  return "unknown";
}

inline void PrintTo(InstructionSet set, std::ostream* out) {
  *out << name_of(set);
}

class EveryInstructionSet : public ::testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    kernels_ = kernels_for(GetParam());
    if (!kernels_) GTEST_SKIP() << "this processor lacks " << name_of(GetParam());
  }
  const Kernels* kernels_ = nullptr;
  const Kernels& portable_ = *kernels_for(InstructionSet::kPortable);
  DenormalsOff denormals_off_;
};

inline FloatBuffer random_floats(std::size_t size, Rng& rng, double deviation = 1) {
  FloatBuffer buffer(size);
  for (float& value : buffer.span()) value = static_cast<float>(deviation * rng.next_normal());
  return buffer;
}

inline bool same_bits(const FloatBuffer& a, const FloatBuffer& b) {
  return std::memcmp(a.get(), b.get(), a.size() * sizeof(float)) == 0;
}

}  // namespace assay::gpu::host
