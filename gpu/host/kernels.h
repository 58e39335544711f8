// The arithmetic of the host backend, once per instruction set, behind one table of functions.
//
// Every function is a pure function of its row (or tile) with a fixed order of operations, so its
// bits depend neither on the batch around it nor on the instruction set:
//  - an element of a matrix product is one chain of fused multiply-adds over k, in order;
//  - a sum over a row runs in 16 lanes (lane = index mod 16) that are joined by one fixed tree.
// Rows are padded with zeros to a multiple of 16 floats. Denormals must be off (float_mode.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace assay::gpu::host {

inline constexpr std::size_t kLanes = 16;

constexpr std::size_t padded(std::size_t count) {
  return (count + kLanes - 1) / kLanes * kLanes;
}

// Floats from one row to the next: an odd number of cache lines, so that a column of a matrix does
// not fall into a few sets of the first-level cache.
constexpr std::size_t row_stride(std::size_t count) {
  const std::size_t lines = padded(count) / kLanes;
  return (lines | 1) * kLanes;
}

// C[rows, panels * 16] = init + A[rows, k] * B[k, panels * 16].
struct Gemm {
  const float* a = nullptr;
  std::ptrdiff_t a_row = 0;  // from one row to the next; 1 when A is a transposed matrix
  std::ptrdiff_t a_k = 1;
  const float* b = nullptr;  // 16 adjacent columns at b + k * b_k + panel * b_panel
  std::ptrdiff_t b_k = kLanes;
  std::ptrdiff_t b_panel = 0;
  float* c = nullptr;
  std::ptrdiff_t c_row = 0;
  const float* init = nullptr;  // where each chain starts; null = zero; may be c itself
  std::ptrdiff_t init_row = 0;  // 0 = the same row for all, e.g. a bias
  std::size_t rows = 0;
  std::size_t panels = 0;
  std::size_t k = 0;
};

struct RmsNorm {
  const float* x = nullptr;
  const float* gain = nullptr;
  float* y = nullptr;
  float* inverse_rms = nullptr;  // [rows], saved for the backward pass; may be null
  std::size_t stride = 0;        // of x and y
  std::size_t rows = 0;
  std::size_t size = 0;
  float eps = 0;
};

// dx = residual + d(norm)/dx * dy; gain_gradient += sum over rows.
struct RmsNormBackward {
  const float* x = nullptr;
  const float* gain = nullptr;
  const float* inverse_rms = nullptr;  // [rows]
  const float* dy = nullptr;
  const float* residual = nullptr;  // may be null, may be dx
  float* dx = nullptr;
  float* gain_gradient = nullptr;
  std::size_t stride = 0;
  std::size_t rows = 0;
  std::size_t size = 0;
};

// gate and up lie beside each other in a row: [gate | up], `size` each.
struct SwiGlu {
  float* gate_up = nullptr;  // the backward pass overwrites it with its gradient
  std::size_t gate_up_stride = 0;
  float* y = nullptr;         // forward: the result
  const float* dy = nullptr;  // backward: the gradient of the result
  std::size_t y_stride = 0;
  std::size_t rows = 0;
  std::size_t size = 0;
};

struct SoftmaxSum {
  float max = 0;
  float sum = 0;  // of exp(x - max)
};

struct LogitsGradient {
  const float* logits = nullptr;
  float* out = nullptr;  // may be logits
  std::size_t size = 0;
  std::size_t target = 0;
  float max = 0, sum = 1;      // as log_softmax() gave them
  float logprob_gradient = 0;  // d loss / d logprob[target]
  float entropy_gradient = 0;  // d loss / d entropy
  float entropy = 0;
};

struct AdamStep {
  float* weights_out = nullptr;
  const float* weights = nullptr;
  float* first = nullptr;  // moments
  float* second = nullptr;
  const float* gradient = nullptr;
  std::size_t size = 0;  // any: what follows may be another tensor
  float gradient_scale = 1;
  float beta1 = 0, beta2 = 0;
  float step_size = 0;          // lr / (1 - beta1^t)
  float second_correction = 1;  // 1 / (1 - beta2^t)
  float eps = 0;
  float decay = 0;  // lr * weight_decay
};

struct Kernels {
  std::string_view name;
  void (*gemm)(const Gemm&);
  void (*rms_norm)(const RmsNorm&);
  void (*rms_norm_backward)(const RmsNormBackward&);
  void (*swiglu)(const SwiGlu&);
  void (*swiglu_backward)(const SwiGlu&);
  // In place: scores[0, length) becomes exp(scale * score - max), the rest up to `extent` zero.
  SoftmaxSum (*softmax_row)(float* scores, std::size_t length, std::size_t extent, float scale);
  // In place, with a known max and inverse sum: the normalised probabilities.
  void (*softmax_again)(float* scores, std::size_t length, std::size_t extent, float scale,
                        float max, float inverse_sum);
  // In place: dp becomes p * (dp - d) * scale with d = sum p * dp.
  void (*softmax_backward)(const float* p, float* dp, std::size_t extent, float scale);
  // Over logits * inverse_temperature. `exps` [padded(size)] receives exp(x - max), zero beyond.
  // Lanes beyond size may hold anything.
  SoftmaxSum (*log_softmax)(const float* logits, std::size_t size, float inverse_temperature,
                            float* exps);
  // Entropy in nats from the exps of log_softmax at temperature 1.
  float (*entropy)(const float* logits, const float* exps, std::size_t size, SoftmaxSum sum);
  void (*logits_gradient)(const LogitsGradient&);
  // Rotates x [2 * half] by the angles (rotate-half layout); `sign` = -1 rotates back.
  void (*rotate)(float* x, const float* cosines, const float* sines, std::size_t half, float sign);
  void (*scale)(const float* x, float factor, float* y, std::size_t size);
  void (*add)(const float* x, float* y, std::size_t size);  // y += x
  // The sum of squares of a block, in double.
  double (*sum_squares)(const float* x, std::size_t size);
  void (*adam)(const AdamStep&);
  // A measurement, not a computation: `rounds` rounds of independent fused multiply-adds in
  // registers. Returns the floating-point operations done.
  double (*peak)(std::size_t rounds);
};

enum class InstructionSet : std::uint8_t { kPortable, kAvx2, kAvx512 };

// Null when this processor lacks the instruction set. The functions live for ever.
const Kernels* kernels_for(InstructionSet set);
const Kernels& best_kernels();

}  // namespace assay::gpu::host
