#include "tests/gpu/reference.h"

#include <algorithm>
#include <cmath>

namespace assay::gpu::reference {
namespace {

using Row = std::vector<double>;

Row multiply(std::span<const double> arena, const host::MatrixPlace& place, const Row& x) {
  Row y(place.rows);
  for (std::size_t i = 0; i < place.rows; ++i) {
    for (std::size_t k = 0; k < place.cols; ++k) {
      y[i] += arena[place.offset + i * place.stride() + k] * x[k];
    }
  }
  return y;
}

Row rms_norm(std::span<const double> arena, std::size_t gain, const Row& x, double eps) {
  double square = 0;
  for (const double value : x) square += value * value;
  const double inverse = 1 / std::sqrt(square / static_cast<double>(x.size()) + eps);
  Row y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * inverse * arena[gain + i];
  return y;
}

Row rotate(const Row& x, std::size_t position, double theta) {
  const std::size_t half = x.size() / 2;
  Row y(x.size());
  for (std::size_t i = 0; i < half; ++i) {
    const double angle =
        static_cast<double>(position) *
        std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(x.size()));
    y[i] = x[i] * std::cos(angle) - x[i + half] * std::sin(angle);
    y[i + half] = x[i + half] * std::cos(angle) + x[i] * std::sin(angle);
  }
  return y;
}

class Model {
 public:
  Model(const host::Layout& layout, std::span<const double> arena)
      : layout_(layout), c_(layout.config), arena_(arena) {}

  Scores scores(std::span<const wire::TokenId> tokens, double temperature) const {
    std::vector<Row> x;
    for (const wire::TokenId token : tokens) {
      const auto row = arena_.subspan(
          layout_.embedding.offset + static_cast<std::size_t>(token) * layout_.embedding.stride(),
          c_.hidden_size);
      x.emplace_back(row.begin(), row.end());
    }
    for (const host::LayerPlaces& layer : layout_.layers) add_layer(layer, x);
    Scores out{std::vector<double>(tokens.size()), std::vector<double>(tokens.size())};
    for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
      Row z =
          multiply(arena_, layout_.head, rms_norm(arena_, layout_.final_norm, x[t], c_.rms_eps));
      double sum = 0;
      for (double& value : z) sum += std::exp(value /= temperature);
      const double log_sum = std::log(sum);
      out.logprobs[t + 1] = z[static_cast<std::size_t>(tokens[t + 1])] - log_sum;
      for (const double value : z) {
        out.entropies[t + 1] -= std::exp(value - log_sum) * (value - log_sum);
      }
    }
    return out;
  }

 private:
  Row head(const Row& qkv, std::size_t column, std::size_t gain, std::size_t position) const {
    const auto begin = qkv.begin() + static_cast<std::ptrdiff_t>(column);
    Row x(begin, begin + c_.head_size);
    if (c_.has_qk_norm) x = rms_norm(arena_, gain, x, c_.rms_eps);
    return rotate(x, position, c_.rope_theta);
  }

  void add_layer(const host::LayerPlaces& layer, std::vector<Row>& x) const {
    std::vector<Row> qkv;
    for (const Row& row : x) {
      qkv.push_back(
          multiply(arena_, layer.qkv, rms_norm(arena_, layer.attention_norm, row, c_.rms_eps)));
      for (std::size_t i = 0; c_.has_qkv_bias && i < qkv.back().size(); ++i) {
        qkv.back()[i] += arena_[layer.qkv_bias + i];
      }
    }
    for (std::size_t t = 0; t < x.size(); ++t) {
      add(x[t], multiply(arena_, layer.attention_out, attend(layer, qkv, t)));
      const Row h =
          multiply(arena_, layer.gate_up, rms_norm(arena_, layer.ffn_norm, x[t], c_.rms_eps));
      Row activated(c_.ffn_size);
      for (std::size_t i = 0; i < c_.ffn_size; ++i) {
        activated[i] = h[i] / (1 + std::exp(-h[i])) * h[c_.ffn_size + i];
      }
      add(x[t], multiply(arena_, layer.down, activated));
    }
  }

  Row attend(const host::LayerPlaces& layer, const std::vector<Row>& qkv, std::size_t t) const {
    const std::size_t size = c_.head_size, shared = c_.head_count / c_.kv_head_count;
    Row out(layout_.query_size());
    for (std::size_t h = 0; h < c_.head_count; ++h) {
      const std::size_t key_column = layout_.query_size() + h / shared * size;
      const Row query = head(qkv[t], h * size, layer.query_norm, t);
      Row weights(t + 1);
      double sum = 0;
      for (std::size_t j = 0; j <= t; ++j) {
        const Row key = head(qkv[j], key_column, layer.key_norm, j);
        double score = 0;
        for (std::size_t d = 0; d < size; ++d) score += query[d] * key[d];
        weights[j] = std::exp(score / std::sqrt(static_cast<double>(size)));
        sum += weights[j];
      }
      for (std::size_t j = 0; j <= t; ++j) {
        for (std::size_t d = 0; d < size; ++d) {
          out[h * size + d] += weights[j] / sum * qkv[j][key_column + layout_.kv_size() + d];
        }
      }
    }
    return out;
  }

  static void add(Row& x, const Row& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  const host::Layout& layout_;
  const model::ModelConfig& c_;
  std::span<const double> arena_;
};

}  // namespace

Scores scores(const host::Layout& layout, std::span<const double> arena,
              std::span<const wire::TokenId> tokens, double temperature) {
  return Model(layout, arena).scores(tokens, temperature);
}

}  // namespace assay::gpu::reference
