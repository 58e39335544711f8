// The host backend's weights: one arena of named tensors and the same numbers packed for products.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "gpu/host/float_buffer.h"
#include "gpu/host/layout.h"
#include "gpu/host/thread_pool.h"
#include "gpu/weights.h"

namespace assay::gpu::host {

// The numbers themselves. Whoever holds the only reference may still change them; afterwards
// pack() must run. Shared, they are immutable.
class WeightStore {
 public:
  explicit WeightStore(std::shared_ptr<const Layout> layout);

  const Layout& layout() const { return *layout_; }
  const std::shared_ptr<const Layout>& shared_layout() const { return layout_; }
  float* arena() { return arena_.get(); }
  const float* arena() const { return arena_.get(); }
  // Panel p of a matrix: [cols][16], column j = row 16 p + j of the matrix; zero beyond its rows.
  const float* panels(const MatrixPlace& place) const {
    return packed_.get() + place.panels_offset;
  }

  // Rebuilds the panels from the arena.
  void pack(ThreadPool& pool);

  // SHA-256 over name, shape and float bytes of each tensor in name order. Computed once after
  // each pack().
  Digest digest() const;

 private:
  std::shared_ptr<const Layout> layout_;
  FloatBuffer arena_;
  FloatBuffer packed_;
  mutable std::mutex digest_mutex_;
  mutable std::optional<Digest> digest_;
};

// Draws fresh weights from `seed`: see make_learner().
void draw_weights(std::uint64_t seed, WeightStore& store);

class HostWeights final : public Weights {
 public:
  HostWeights(std::shared_ptr<const WeightStore> store, PolicyVersion version)
      : store_(std::move(store)), version_(version) {}

  PolicyVersion version() const override { return version_; }
  const model::ModelConfig& config() const override { return store_->layout().config; }
  std::uint64_t bytes() const override { return store_->layout().weight_count() * sizeof(float); }
  Digest digest() const override { return store_->digest(); }
  std::span<const std::byte> image() const override {
    return std::as_bytes(std::span(store_->arena(), store_->layout().arena_size));
  }
  const WeightStore& store() const { return *store_; }
  const std::shared_ptr<const WeightStore>& shared_store() const { return store_; }

 private:
  std::shared_ptr<const WeightStore> store_;
  PolicyVersion version_;
};

}  // namespace assay::gpu::host
