// Memory for the keys and values of a generator's running sequences, in one stretch of addresses.
//
// One stretch rather than a buffer a sequence, because only large memory can lie on huge pages, and
// a step of generation reads all of it. Memory is taken from the system when it is first written;
// what is given back is used again, lowest addresses first. Not thread-safe.
#pragma once

#include <cstddef>
#include <map>

namespace assay::gpu::host {

class CacheArena {
 public:
  explicit CacheArena(std::size_t bytes_max);
  ~CacheArena();
  CacheArena(const CacheArena&) = delete;
  CacheArena& operator=(const CacheArena&) = delete;

  // On a cache line's boundary, with whatever content it has; null when no free piece is so long.
  float* take(std::size_t floats);
  void give_back(const float* memory, std::size_t floats);

 private:
  float* base_ = nullptr;
  std::size_t size_ = 0;                     // floats
  std::map<std::size_t, std::size_t> free_;  // lengths of free pieces, by where they begin
};

}  // namespace assay::gpu::host
