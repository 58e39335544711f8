#include "gpu/host/cache_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>

#include "gpu/host/kernels.h"
#include "runtime/core/check.h"

namespace assay::gpu::host {
CacheArena::CacheArena(std::size_t bytes_max) : size_(padded(bytes_max / sizeof(float))) {
  void* const memory = ::mmap(nullptr, size_ * sizeof(float), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSAY_CHECK(memory != MAP_FAILED, "addresses for the caches of running sequences");
  // Advice: where it is refused, small pages do.
  static_cast<void>(::madvise(memory, size_ * sizeof(float), MADV_HUGEPAGE));
  base_ = static_cast<float*>(memory);
  free_[0] = size_;
}

CacheArena::~CacheArena() {
  ::munmap(base_, size_ * sizeof(float));
}

float* CacheArena::take(std::size_t floats) {
  const std::size_t wanted = padded(floats);
  const auto piece = std::find_if(free_.begin(), free_.end(),
                                  [wanted](const auto& one) { return one.second >= wanted; });
  if (piece == free_.end()) return nullptr;
  const auto [begin, length] = *piece;
  free_.erase(piece);
  if (length > wanted) free_[begin + wanted] = length - wanted;
  return base_ + begin;
}

void CacheArena::give_back(const float* memory, std::size_t floats) {
  auto piece = free_.emplace(memory - base_, padded(floats)).first;
  if (const auto next = std::next(piece);
      next != free_.end() && piece->first + piece->second == next->first) {
    piece->second += next->second;
    free_.erase(next);
  }
  if (piece == free_.begin()) return;
  const auto before = std::prev(piece);
  if (before->first + before->second != piece->first) return;
  before->second += piece->second;
  free_.erase(piece);
}

}  // namespace assay::gpu::host
