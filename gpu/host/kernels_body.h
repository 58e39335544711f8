// The kernels, written once over Lanes. Each kernels_*.cpp includes its Lanes and then this file
// under its own target, so everything here has internal linkage. Comments on meaning: kernels.h.
#pragma once

namespace assay::gpu::host {
namespace {

// exp with a relative error below 2e-7, 0 below -87, not a number for not a number.
// Source: the polynomial of Cephes' expf.
inline Lanes exponential(Lanes x) {
  constexpr float kRoundingShift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const Lanes bounded = smaller(splat(88.0f), x);
  const Lanes shifted = fma(bounded, splat(1.44269504088896341f), splat(kRoundingShift));
  const Lanes n = shifted - splat(kRoundingShift);
  Lanes r = fma(n, splat(-0.693359375f), bounded);
  r = fma(n, splat(2.12194440e-4f), r);
  Lanes p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r) + splat(1.0f);
  return zero_below(x, splat(-87.0f), times_power_of_two(p, shifted));
}

// The last block of a row may be narrower than 16 and what follows it is not ours to touch.
inline Lanes load_first(const float* p, std::size_t count) {
  if (count >= kLanes) return load(p);
  float block[kLanes] = {};
  for (std::size_t i = 0; i < count; ++i) block[i] = p[i];
  return load(block);
}

inline void store_first(float* p, std::size_t count, Lanes x) {
  if (count >= kLanes) {
    store(p, x);
    return;
  }
  float block[kLanes];
  store(block, x);
  for (std::size_t i = 0; i < count; ++i) p[i] = block[i];
}

// One tile of a product: kRows * kPanels chains in registers. Kept out of line, because the
// compiler spills the accumulators when it inlines the loop into its caller.
template <int kRows, int kPanels>
[[gnu::noinline]] void gemm_tile(const float* a, std::ptrdiff_t a_row, std::ptrdiff_t a_k,
                                 const float* b, std::ptrdiff_t b_k, std::ptrdiff_t b_panel,
                                 float* c, std::ptrdiff_t c_row, const float* init,
                                 std::ptrdiff_t init_row, std::size_t k_count) {
  Lanes chains[kRows][kPanels];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < kPanels; ++p) {
      chains[r][p] = init ? load(init + r * init_row + p * 16) : splat(0.0f);
    }
  }
#pragma GCC unroll 2
  for (std::size_t k = 0; k < k_count; ++k) {
    Lanes columns[kPanels];
#pragma GCC unroll 8
    for (int p = 0; p < kPanels; ++p) columns[p] = load(b + p * b_panel);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Lanes factor = splat(a[r * a_row]);
#pragma GCC unroll 8
      for (int p = 0; p < kPanels; ++p) chains[r][p] = fma(factor, columns[p], chains[r][p]);
    }
    a += a_k;
    b += b_k;
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < kPanels; ++p) store(c + r * c_row + p * 16, chains[r][p]);
  }
}

using GemmTile = decltype(&gemm_tile<1, 1>);

constexpr int tile_panels(int rows) {
  const int fitting = kAccumulators / rows;
  return fitting < 1 ? 1 : fitting > kTilePanels ? kTilePanels : fitting;
}

struct GemmTiles {
  GemmTile at[kTileRows + 1][kTilePanels + 1] = {};
};

template <int kRows, int kPanels>
constexpr void add_tiles(GemmTiles& tiles) {
  tiles.at[kRows][kPanels] = &gemm_tile<kRows, kPanels>;
  // One row more than the widest tile allows: rows are split evenly, so tiles of one product may
  // differ by a row, and all of them take the panels of the taller.
  if constexpr (kPanels < tile_panels(kRows)) {
    add_tiles<kRows, kPanels + 1>(tiles);
  } else if constexpr (kRows < kTileRows) {
    add_tiles<kRows + 1, 1>(tiles);
  }
}

constexpr GemmTiles make_tiles() {
  GemmTiles tiles;
  add_tiles<1, 1>(tiles);
  return tiles;
}
constexpr GemmTiles kTiles = make_tiles();

// Terms of a chain that are added before the product moves on, so that a panel of B stays in the
// first-level cache. The chain goes on from C, so its bits do not depend on the block.
constexpr std::size_t kBlock = 384;

void gemm_block(const Gemm& g, std::size_t k_begin, std::size_t k_count) {
  const std::size_t tile_count = (g.rows + kTileRows - 1) / kTileRows;
  const std::size_t low = g.rows / tile_count;
  const std::size_t taller = g.rows % tile_count;
  const auto step = static_cast<std::size_t>(tile_panels(static_cast<int>(low + (taller > 0))));
  const float* a = g.a + static_cast<std::ptrdiff_t>(k_begin) * g.a_k;
  const float* b = g.b + static_cast<std::ptrdiff_t>(k_begin) * g.b_k;
  const float* init = k_begin == 0 ? g.init : g.c;
  const std::ptrdiff_t init_row = k_begin == 0 ? g.init_row : g.c_row;
  for (std::size_t panel = 0; panel < g.panels; panel += step) {
    const std::size_t width = g.panels - panel < step ? g.panels - panel : step;
    const auto column = static_cast<std::ptrdiff_t>(panel * kLanes);
    std::ptrdiff_t row = 0;
    for (std::size_t tile = 0; tile < tile_count; ++tile) {
      const std::size_t height = low + (tile < taller);
      kTiles.at[height][width](a + row * g.a_row, g.a_row, g.a_k,
                               b + static_cast<std::ptrdiff_t>(panel) * g.b_panel, g.b_k, g.b_panel,
                               g.c + row * g.c_row + column, g.c_row,
                               init ? init + row * init_row + column : nullptr, init_row, k_count);
      row += static_cast<std::ptrdiff_t>(height);
    }
  }
}

void gemm(const Gemm& g) {
  if (g.rows == 0 || g.panels == 0) return;
  std::size_t begin = 0;
  do {
    const std::size_t count = g.k - begin < kBlock ? g.k - begin : kBlock;
    gemm_block(g, begin, count);
    begin += count;
  } while (begin < g.k);
}

void rms_norm(const RmsNorm& n) {
  const std::size_t width = padded(n.size);
  for (std::size_t row = 0; row < n.rows; ++row) {
    const float* x = n.x + row * n.stride;
    float* y = n.y + row * n.stride;
    Lanes squares = splat(0.0f);
    for (std::size_t i = 0; i < width; i += kLanes) {
      const Lanes block = load(x + i);
      squares = fma(block, block, squares);
    }
    const float mean = sum(squares) / static_cast<float>(n.size);
    const float inverse = 1.0f / __builtin_sqrtf(mean + n.eps);
    if (n.inverse_rms) n.inverse_rms[row] = inverse;
    const Lanes factor = splat(inverse);
    for (std::size_t i = 0; i < width; i += kLanes) {
      store(y + i, (load(x + i) * factor) * load(n.gain + i));
    }
  }
}

void rms_norm_backward(const RmsNormBackward& n) {
  const std::size_t width = padded(n.size);
  for (std::size_t row = 0; row < n.rows; ++row) {
    const float* x = n.x + row * n.stride;
    const float* dy = n.dy + row * n.stride;
    float* dx = n.dx + row * n.stride;
    const float* residual = n.residual ? n.residual + row * n.stride : nullptr;
    const Lanes inverse = splat(n.inverse_rms[row]);
    Lanes dots = splat(0.0f);
    for (std::size_t i = 0; i < width; i += kLanes) {
      const Lanes normal = load(x + i) * inverse;
      const Lanes gradient = load(dy + i);
      dots = fma(gradient * load(n.gain + i), normal, dots);
      store(n.gain_gradient + i, fma(gradient, normal, load(n.gain_gradient + i)));
    }
    const Lanes mean = splat(sum(dots) / static_cast<float>(n.size));
    for (std::size_t i = 0; i < width; i += kLanes) {
      const Lanes normal = load(x + i) * inverse;
      const Lanes direct = load(dy + i) * load(n.gain + i);
      const Lanes change = direct - normal * mean;
      const Lanes base = residual ? load(residual + i) : splat(0.0f);
      store(dx + i, fma(change, inverse, base));
    }
  }
}

// A log-prob that is multiplied with its probability: 0 from here on, and 0 * -inf is no number.
inline Lanes bounded_below(Lanes x) {
  return larger(x, splat(-128.0f));
}

inline Lanes sigmoid(Lanes x) {
  return splat(1.0f) / (splat(1.0f) + exponential(splat(0.0f) - x));
}

void swiglu(const SwiGlu& s) {
  for (std::size_t row = 0; row < s.rows; ++row) {
    const float* gate = s.gate_up + row * s.gate_up_stride;
    const float* up = gate + s.size;
    float* y = s.y + row * s.y_stride;
    for (std::size_t i = 0; i < s.size; i += kLanes) {
      const std::size_t count = s.size - i;
      const Lanes g = load_first(gate + i, count);
      store(y + i, (g * sigmoid(g)) * load_first(up + i, count));
    }
  }
}

void swiglu_backward(const SwiGlu& s) {
  for (std::size_t row = 0; row < s.rows; ++row) {
    float* gate = s.gate_up + row * s.gate_up_stride;
    float* up = gate + s.size;
    const float* dy = s.dy + row * s.y_stride;
    for (std::size_t i = 0; i < s.size; i += kLanes) {
      const std::size_t count = s.size - i;
      const Lanes g = load_first(gate + i, count);
      const Lanes u = load_first(up + i, count);
      const Lanes d = load_first(dy + i, count);
      const Lanes slope = sigmoid(g);
      const Lanes silu = g * slope;
      // d silu / dg = s + g s (1 - s)
      const Lanes silu_slope = fma(silu, splat(1.0f) - slope, slope);
      store_first(gate + i, count, (d * u) * silu_slope);
      store_first(up + i, count, d * silu);
    }
  }
}

SoftmaxSum softmax_row(float* scores, std::size_t length, std::size_t extent, float scale) {
  const Lanes factor = splat(scale);
  const Lanes lowest = splat(-__builtin_inff());
  Lanes top = lowest;
  for (std::size_t i = 0; i < length; i += kLanes) {
    const Lanes x = keep_first(load(scores + i) * factor, length - i, lowest);
    store(scores + i, x);
    top = larger(top, x);
  }
  const float max = largest(top);
  Lanes total = splat(0.0f);
  for (std::size_t i = 0; i < length; i += kLanes) {
    const Lanes e = exponential(load(scores + i) - splat(max));
    store(scores + i, e);
    total = total + e;
  }
  for (std::size_t i = padded(length); i < extent; i += kLanes) store(scores + i, splat(0.0f));
  return {max, sum(total)};
}

void softmax_again(float* scores, std::size_t length, std::size_t extent, float scale, float max,
                   float inverse_sum) {
  for (std::size_t i = 0; i < length; i += kLanes) {
    const Lanes x = load(scores + i) * splat(scale) - splat(max);
    const Lanes p = exponential(x) * splat(inverse_sum);
    store(scores + i, keep_first(p, length - i, splat(0.0f)));
  }
  for (std::size_t i = padded(length); i < extent; i += kLanes) store(scores + i, splat(0.0f));
}

void softmax_backward(const float* p, float* dp, std::size_t extent, float scale) {
  Lanes dots = splat(0.0f);
  for (std::size_t i = 0; i < extent; i += kLanes) dots = fma(load(p + i), load(dp + i), dots);
  const Lanes mean = splat(sum(dots));
  for (std::size_t i = 0; i < extent; i += kLanes) {
    store(dp + i, (load(p + i) * (load(dp + i) - mean)) * splat(scale));
  }
}

SoftmaxSum log_softmax(const float* logits, std::size_t size, float inverse_temperature,
                       float* exps) {
  const Lanes factor = splat(inverse_temperature);
  const Lanes lowest = splat(-__builtin_inff());
  Lanes top = lowest;
  for (std::size_t i = 0; i < size; i += kLanes) {
    const Lanes x = keep_first(load(logits + i) * factor, size - i, lowest);
    store(exps + i, x);
    top = larger(top, x);
  }
  const float max = largest(top);
  Lanes total = splat(0.0f);
  for (std::size_t i = 0; i < size; i += kLanes) {
    const Lanes e = exponential(load(exps + i) - splat(max));
    store(exps + i, e);
    total = total + e;
  }
  return {max, sum(total)};
}

float entropy(const float* logits, const float* exps, std::size_t size, SoftmaxSum s) {
  Lanes dots = splat(0.0f);
  for (std::size_t i = 0; i < size; i += kLanes) {
    const Lanes x = keep_first(load(logits + i) - splat(s.max), size - i, splat(0.0f));
    dots = fma(load(exps + i), bounded_below(x), dots);
  }
  return static_cast<float>(__builtin_log(static_cast<double>(s.sum))) - sum(dots) / s.sum;
}

void logits_gradient(const LogitsGradient& l) {
  const auto log_sum = static_cast<float>(__builtin_log(static_cast<double>(l.sum)));
  const Lanes inverse = splat(1.0f / l.sum);
  for (std::size_t i = 0; i < l.size; i += kLanes) {
    const Lanes x = keep_first(load(l.logits + i), l.size - i, splat(-__builtin_inff()));
    const Lanes p = exponential(x - splat(l.max)) * inverse;
    Lanes d = p * splat(-l.logprob_gradient);
    if (l.entropy_gradient != 0) {
      // dH / dz = -p (log p + H)
      const Lanes logprob = keep_first(x - splat(l.max + log_sum), l.size - i, splat(0.0f));
      d = d - (p * (bounded_below(logprob) + splat(l.entropy))) * splat(l.entropy_gradient);
    }
    store(l.out + i, d);
  }
  l.out[l.target] += l.logprob_gradient;
}

void rotate(float* x, const float* cosines, const float* sines, std::size_t half, float sign) {
  for (std::size_t i = 0; i < half; i += kLanes) {
    const std::size_t count = half - i;
    const Lanes c = load_first(cosines + i, count);
    const Lanes s = load_first(sines + i, count) * splat(sign);
    const Lanes first = load_first(x + i, count);
    const Lanes second = load_first(x + half + i, count);
    store_first(x + i, count, first * c - second * s);
    store_first(x + half + i, count, second * c + first * s);
  }
}

void scale(const float* x, float factor, float* y, std::size_t size) {
  for (std::size_t i = 0; i < size; i += kLanes) {
    store_first(y + i, size - i, load_first(x + i, size - i) * splat(factor));
  }
}

void add(const float* x, float* y, std::size_t size) {
  for (std::size_t i = 0; i < size; i += kLanes) {
    store_first(y + i, size - i, load_first(y + i, size - i) + load_first(x + i, size - i));
  }
}

double sum_squares(const float* x, std::size_t size) {
  double parts[4] = {};
  for (std::size_t i = 0; i < size; ++i) {
    parts[i % 4] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

void adam(const AdamStep& s) {
  const Lanes beta1 = splat(s.beta1), beta2 = splat(s.beta2);
  for (std::size_t i = 0; i < s.size; i += kLanes) {
    const std::size_t count = s.size - i;
    const Lanes g = load_first(s.gradient + i, count) * splat(s.gradient_scale);
    const Lanes first = fma(beta1, load_first(s.first + i, count), splat(1.0f - s.beta1) * g);
    const Lanes second =
        fma(beta2, load_first(s.second + i, count), (splat(1.0f - s.beta2) * g) * g);
    store_first(s.first + i, count, first);
    store_first(s.second + i, count, second);
    const Lanes root = square_root(second * splat(s.second_correction)) + splat(s.eps);
    const Lanes w = load_first(s.weights + i, count);
    const Lanes decayed = w - w * splat(s.decay);
    store_first(s.weights_out + i, count, decayed - splat(s.step_size) * (first / root));
  }
}

double peak(std::size_t rounds) {
  constexpr int kChains = kAccumulators;
  // Every lane starts elsewhere, or the compiler would compute equal chains once.
  float starts[kChains * kLanes];
  for (std::size_t i = 0; i < kChains * kLanes; ++i) starts[i] = static_cast<float>(i);
  Lanes chains[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) chains[i] = load(starts + i * 16);
  const Lanes factor = splat(0.5f);
  const Lanes term = splat(1.0f);
  for (std::size_t round = 0; round < rounds * 96; ++round) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; ++i) chains[i] = fma(factor, chains[i], term);
  }
  Lanes total = chains[0];
  for (int i = 1; i < kChains; ++i) total = total + chains[i];
  // Every chain tends to 2, so nothing is ever spoiled; asking keeps the work from being dropped.
  const double spoiled = sum(total) < 0 ? 1 : 0;
  return static_cast<double>(rounds) * 96 * kChains * kLanes * 2 + spoiled;
}

constexpr Kernels kernels_named(std::string_view name) {
  return {name,
          gemm,
          rms_norm,
          rms_norm_backward,
          swiglu,
          swiglu_backward,
          softmax_row,
          softmax_again,
          softmax_backward,
          log_softmax,
          entropy,
          logits_gradient,
          rotate,
          scale,
          add,
          sum_squares,
          adam,
          peak};
}

}  // namespace
}  // namespace assay::gpu::host
