// Floats on a cache-line boundary, zero when new.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "runtime/core/check.h"

namespace assay::gpu::host {

class FloatBuffer {
 public:
  FloatBuffer() = default;
  explicit FloatBuffer(std::size_t size) { reserve(size); }

  // Makes room for `size` floats. Growing throws the content away and starts from zeros.
  void reserve(std::size_t size) {
    if (size <= size_) return;
    const std::size_t bytes = (size * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
    floats_.reset(static_cast<float*>(std::aligned_alloc(kAlignment, bytes)));
    ASSAY_CHECK(floats_ != nullptr, "memory for the engine's buffers");
    std::memset(floats_.get(), 0, bytes);
    size_ = size;
  }
  void clear() {
    if (size_ > 0) std::memset(floats_.get(), 0, size_ * sizeof(float));
  }

  float* get() { return floats_.get(); }
  const float* get() const { return floats_.get(); }
  std::size_t size() const { return size_; }
  std::span<float> span() { return {floats_.get(), size_}; }
  std::span<const float> span() const { return {floats_.get(), size_}; }

 private:
  static constexpr std::size_t kAlignment = 64;
  struct Free {
    void operator()(float* floats) const { std::free(floats); }
  };

  std::unique_ptr<float, Free> floats_;
  std::size_t size_ = 0;
};

}  // namespace assay::gpu::host
