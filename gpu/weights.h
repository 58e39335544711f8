// An immutable snapshot of a policy's weights, shared by learner and generators without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/core/digest.h"
#include "runtime/core/ids.h"
#include "runtime/model/model_config.h"

namespace assay::gpu {

// Created by a Learner; the concrete type is the backend's. Readers share it by
// shared_ptr<const Weights> and never outlive their backend. Immutable, so thread-safe.
class Weights {
 public:
  virtual ~Weights() = default;
  virtual PolicyVersion version() const = 0;
  virtual const model::ModelConfig& config() const = 0;
  virtual std::uint64_t bytes() const = 0;
  virtual Digest digest() const = 0;  // over all tensors in name order; the same for equal weights
  // The numbers as they lie in memory, for make_weights() in another process. What lies where
  // follows from the config alone.
  virtual std::span<const std::byte> image() const = 0;
};

}  // namespace assay::gpu
