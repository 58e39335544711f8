#include "gpu/host/host_weights.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "runtime/core/rng.h"

namespace assay::gpu::host {
namespace {

constexpr double kInitialDeviation = 0.02;

// One panel: 16 rows of the matrix become 16 adjacent columns.
void pack_panel(const float* rows, std::size_t row_count, std::size_t stride, std::size_t cols,
                float* panel) {
  for (std::size_t k = 0; k < cols; ++k) {
    for (std::size_t j = 0; j < kLanes; ++j) {
      panel[k * kLanes + j] = j < row_count ? rows[j * stride + k] : 0.0f;
    }
  }
}

struct PanelTask {
  const MatrixPlace* place;
  std::size_t panel;
};

std::vector<PanelTask> panel_tasks(const Layout& layout) {
  std::vector<PanelTask> tasks;
  const auto add = [&](const MatrixPlace& place) {
    for (std::size_t p = 0; p < place.panels(); ++p) tasks.push_back({&place, p});
  };
  for (const LayerPlaces& layer : layout.layers) {
    add(layer.qkv);
    add(layer.attention_out);
    add(layer.gate_up);
    add(layer.down);
  }
  add(layout.head);
  return tasks;
}

}  // namespace

WeightStore::WeightStore(std::shared_ptr<const Layout> layout)
    : layout_(std::move(layout)), arena_(layout_->arena_size), packed_(layout_->packed_size) {}

void WeightStore::pack(ThreadPool& pool) {
  constexpr std::size_t kPanelsAtOnce = 16;
  const std::vector<PanelTask> tasks = panel_tasks(*layout_);
  pool.run((tasks.size() + kPanelsAtOnce - 1) / kPanelsAtOnce, [&](std::size_t item, unsigned) {
    const std::size_t end = std::min(tasks.size(), (item + 1) * kPanelsAtOnce);
    for (std::size_t i = item * kPanelsAtOnce; i < end; ++i) {
      const MatrixPlace& place = *tasks[i].place;
      const std::size_t first_row = tasks[i].panel * kLanes;
      pack_panel(arena() + place.offset + first_row * place.stride(),
                 std::min(kLanes, place.rows - first_row), place.stride(), place.cols,
                 packed_.get() + place.panels_offset + first_row * place.cols);
    }
  });
  const std::lock_guard lock(digest_mutex_);
  digest_.reset();
}

Digest WeightStore::digest() const {
  const std::lock_guard lock(digest_mutex_);
  if (digest_) return *digest_;
  std::vector<const TensorPlace*> places;
  for (const TensorPlace& tensor : layout_->tensors) places.push_back(&tensor);
  std::sort(places.begin(), places.end(),
            [](const TensorPlace* a, const TensorPlace* b) { return a->name < b->name; });
  Hasher hasher;
  for (const TensorPlace* place : places) {
    hasher.add_field(place->name);
    hasher.add_u64(place->shape.size());
    for (const std::uint64_t extent : place->shape) hasher.add_u64(extent);
    for (std::size_t row = 0; row < place->rows; ++row) {
      hasher.add_bytes(
          std::as_bytes(std::span(arena() + place->offset + row * place->stride, place->cols)));
    }
  }
  digest_ = hasher.finish();
  return *digest_;
}

void draw_weights(std::uint64_t seed, WeightStore& store) {
  const Layout& layout = store.layout();
  const double residual = kInitialDeviation / std::sqrt(2.0 * layout.config.layer_count);
  for (std::size_t index = 0; index < layout.tensors.size(); ++index) {
    const TensorPlace& tensor = layout.tensors[index];
    Rng rng(seed, index);
    const double deviation =
        tensor.kind == TensorKind::kResidualMatrix ? residual : kInitialDeviation;
    for (std::size_t row = 0; row < tensor.rows; ++row) {
      float* out = store.arena() + tensor.offset + row * tensor.stride;
      for (std::size_t col = 0; col < tensor.cols; ++col) {
        if (tensor.kind == TensorKind::kNorm) {
          out[col] = 1.0f;
        } else if (tensor.kind == TensorKind::kBias) {
          out[col] = 0.0f;
        } else {
          out[col] = static_cast<float>(deviation * rng.next_normal());
        }
      }
    }
  }
}

}  // namespace assay::gpu::host
