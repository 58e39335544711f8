// Every operation of the engine against double precision, and its backward pass against finite
// differences of that, on every instruction set and for sizes that fill no register.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "tests/gpu/instruction_sets.h"

namespace assay::gpu::host {
namespace {

using Operation = EveryInstructionSet;

INSTANTIATE_TEST_SUITE_P(Kernels, Operation,
                         ::testing::Values(InstructionSet::kPortable, InstructionSet::kAvx2,
                                           InstructionSet::kAvx512));

using Doubles = std::vector<double>;

Doubles doubles_of(const float* values, std::size_t size) {
  return {values, values + size};
}

// A row of `size` numbers with zeros up to its stride.
FloatBuffer random_row(std::size_t size, Rng& rng, double deviation = 1) {
  FloatBuffer row(row_stride(size));
  for (std::size_t i = 0; i < size; ++i) {
    row.get()[i] = static_cast<float>(deviation * rng.next_normal());
  }
  return row;
}

// d f / d x[i] by central differences.
double slope(const std::function<double(const Doubles&)>& f, Doubles x, std::size_t i) {
  const double h = 1e-6, kept = x[i];
  x[i] = kept + h;
  const double above = f(x);
  x[i] = kept - h;
  return (above - f(x)) / (2 * h);
}

double dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

Doubles rms_norm(const Doubles& x, const Doubles& gain, double eps) {
  const double inverse = 1 / std::sqrt(dot(x, x) / static_cast<double>(x.size()) + eps);
  Doubles y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * inverse * gain[i];
  return y;
}

TEST_P(Operation, RmsNormAndItsGradients) {
  Rng rng(11);
  for (const std::size_t size : kOddSizes) {
    const FloatBuffer x = random_row(size, rng, 2), gain = random_row(size, rng),
                      dy = random_row(size, rng), residual = random_row(size, rng);
    FloatBuffer y(row_stride(size)), dx(row_stride(size)), dgain(row_stride(size));
    dgain.get()[0] = 5;  // gradients are added to what is there
    float inverse = 0;
    kernels_->rms_norm({x.get(), gain.get(), y.get(), &inverse, row_stride(size), 1, size, 1e-5f});
    kernels_->rms_norm_backward({x.get(), gain.get(), &inverse, dy.get(), residual.get(), dx.get(),
                                 dgain.get(), row_stride(size), 1, size});

    const Doubles xd = doubles_of(x.get(), size), gd = doubles_of(gain.get(), size),
                  dyd = doubles_of(dy.get(), size);
    const Doubles expected = rms_norm(xd, gd, 1e-5);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(y.get()[i], expected[i], 1e-5) << size;
      const double by_x =
          slope([&](const Doubles& v) { return dot(rms_norm(v, gd, 1e-5), dyd); }, xd, i);
      const double by_gain =
          slope([&](const Doubles& v) { return dot(rms_norm(xd, v, 1e-5), dyd); }, gd, i);
      EXPECT_NEAR(dx.get()[i], by_x + residual.get()[i], 2e-5) << size;
      EXPECT_NEAR(dgain.get()[i], by_gain + (i == 0 ? 5 : 0), 2e-5) << size;
    }
  }
}

Doubles swiglu(const Doubles& gate_up) {
  const std::size_t size = gate_up.size() / 2;
  Doubles y(size);
  for (std::size_t i = 0; i < size; ++i) {
    y[i] = gate_up[i] / (1 + std::exp(-gate_up[i])) * gate_up[size + i];
  }
  return y;
}

TEST_P(Operation, SwiGluAndItsGradients) {
  Rng rng(12);
  for (const std::size_t size : kOddSizes) {
    FloatBuffer gate_up(2 * size + kLanes);
    for (std::size_t i = 0; i < 2 * size; ++i) {
      gate_up.get()[i] = static_cast<float>(3 * rng.next_normal());
    }
    const FloatBuffer dy = random_row(size, rng);
    const Doubles given = doubles_of(gate_up.get(), 2 * size);
    FloatBuffer y(row_stride(size));
    SwiGlu s{gate_up.get(), 2 * size, y.get(), dy.get(), row_stride(size), 1, size};
    kernels_->swiglu(s);
    kernels_->swiglu_backward(s);

    const Doubles expected = swiglu(given), dyd = doubles_of(dy.get(), size);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(y.get()[i], expected[i], 1e-5 * (1 + std::abs(expected[i]))) << size;
    }
    for (std::size_t i = 0; i < 2 * size; ++i) {
      const double by_input =
          slope([&](const Doubles& v) { return dot(swiglu(v), dyd); }, given, i);
      EXPECT_NEAR(gate_up.get()[i], by_input, 2e-5 * (1 + std::abs(by_input))) << size;
    }
    EXPECT_EQ(gate_up.get()[2 * size], 0);  // not ours to touch
  }
}

TEST_P(Operation, RotationTurnsPairsAndTurnsBack) {
  Rng rng(13);
  for (const std::size_t half : kOddSizes) {
    FloatBuffer x = random_row(2 * half, rng);
    const Doubles given = doubles_of(x.get(), 2 * half);
    FloatBuffer cosines(half), sines(half);
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = 3 * rng.next_normal();
      cosines.get()[i] = static_cast<float>(std::cos(angle));
      sines.get()[i] = static_cast<float>(std::sin(angle));
    }

    kernels_->rotate(x.get(), cosines.get(), sines.get(), half, 1.0f, x.get());
    for (std::size_t i = 0; i < half; ++i) {
      const double c = cosines.get()[i], s = sines.get()[i];
      EXPECT_NEAR(x.get()[i], given[i] * c - given[half + i] * s, 1e-6);
      EXPECT_NEAR(x.get()[half + i], given[half + i] * c + given[i] * s, 1e-6);
    }
    // A rotation's transpose is its inverse, so this is the backward pass too.
    kernels_->rotate(x.get(), cosines.get(), sines.get(), half, -1.0f, x.get());
    for (std::size_t i = 0; i < 2 * half; ++i) EXPECT_NEAR(x.get()[i], given[i], 2e-6);
  }
}

Doubles softmax(const Doubles& x, double scale) {
  const double max = *std::max_element(x.begin(), x.end()) * scale;
  Doubles p(x.size());
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += p[i] = std::exp(x[i] * scale - max);
  for (double& one : p) one /= sum;
  return p;
}

TEST_P(Operation, AttentionSoftmaxAndItsGradient) {
  Rng rng(14);
  constexpr float kScale = 0.37f;
  for (const std::size_t length : kOddSizes) {
    const std::size_t extent = padded(length) + kLanes;
    FloatBuffer scores = random_floats(extent, rng, 4);
    const FloatBuffer given = [&] {
      FloatBuffer copy(extent);
      std::copy_n(scores.get(), extent, copy.get());
      return copy;
    }();
    const SoftmaxSum sum = kernels_->softmax_row(scores.get(), length, extent, kScale);
    const Doubles x = doubles_of(given.get(), length), p = softmax(x, double{kScale});
    for (std::size_t i = 0; i < extent; ++i) {
      EXPECT_NEAR(scores.get()[i] / sum.sum, i < length ? p[i] : 0.0, 1e-6) << length;
    }
    // The backward pass recomputes the probabilities from what was saved.
    FloatBuffer again(extent);
    std::copy_n(given.get(), extent, again.get());
    kernels_->softmax_again(again.get(), length, extent, kScale, sum.max, 1 / sum.sum);
    for (std::size_t i = 0; i < extent; ++i) {
      EXPECT_NEAR(again.get()[i], i < length ? p[i] : 0.0, 1e-6) << length;
    }

    FloatBuffer dp = random_floats(extent, rng);
    const Doubles dpd = doubles_of(dp.get(), length);
    kernels_->softmax_backward(again.get(), dp.get(), padded(length), kScale);
    for (std::size_t i = 0; i < length; ++i) {
      const double by_score =
          slope([&](const Doubles& v) { return dot(softmax(v, double{kScale}), dpd); }, x, i);
      EXPECT_NEAR(dp.get()[i], by_score, 1e-5) << length;
    }
  }
}

struct HeadValues {
  double logprob = 0;
  double entropy = 0;
};

HeadValues head(const Doubles& logits, std::size_t target) {
  const Doubles p = softmax(logits, 1);
  HeadValues values;
  values.logprob = std::log(p[target]);
  for (const double one : p) values.entropy -= one > 0 ? one * std::log(one) : 0;
  return values;
}

TEST_P(Operation, LogprobEntropyAndTheirGradients) {
  Rng rng(15);
  for (const std::size_t size : kOddSizes) {
    const std::size_t target = rng.below(size);
    FloatBuffer logits = random_row(size, rng, 3), exps(padded(size)), gradient(padded(size));
    const SoftmaxSum sum = kernels_->log_softmax(logits.get(), size, 1.0f, exps.get());
    const float entropy = kernels_->entropy(logits.get(), exps.get(), size, sum);
    kernels_->logits_gradient(
        {logits.get(), gradient.get(), size, target, sum.max, sum.sum, 0.7f, -0.4f, entropy});

    const Doubles z = doubles_of(logits.get(), size);
    EXPECT_NEAR(logits.get()[target] - sum.max - std::log(double{sum.sum}), head(z, target).logprob,
                1e-5);
    EXPECT_NEAR(entropy, head(z, target).entropy, 1e-5);
    for (std::size_t i = 0; i < size; ++i) {
      const auto loss = [&](const Doubles& v) {
        const HeadValues values = head(v, target);
        return 0.7 * values.logprob - 0.4 * values.entropy;
      };
      EXPECT_NEAR(gradient.get()[i], slope(loss, z, i), 2e-5) << size;
    }
    for (std::size_t i = size; i < padded(size); ++i) EXPECT_EQ(gradient.get()[i], 0);
  }
}

TEST_P(Operation, ExponentialsAreExactToTwoUnitsAndZeroFarBelow) {
  // The largest logit is 0, so each exponential is e^x itself.
  FloatBuffer logits(1024), exps(1024);
  for (std::size_t i = 0; i < 1024; ++i) logits.get()[i] = -0.1f * static_cast<float>(i);
  kernels_->log_softmax(logits.get(), 1024, 1.0f, exps.get());
  for (std::size_t i = 0; i < 1024; ++i) {
    const double x = logits.get()[i];
    if (x < -87) {
      EXPECT_EQ(exps.get()[i], 0);
    } else {
      EXPECT_NEAR(exps.get()[i], std::exp(x), 2e-7 * std::exp(x)) << x;
    }
  }
}

TEST_P(Operation, SaturatedLogitsStayFinite) {
  FloatBuffer logits(16), exps(16), gradient(16);
  logits.get()[0] = 3e38f;
  logits.get()[1] = -3e38f;
  logits.get()[2] = 1e-40f;  // a denormal reads as 0
  const SoftmaxSum sum = kernels_->log_softmax(logits.get(), 3, 1.0f, exps.get());
  kernels_->logits_gradient({.logits = logits.get(),
                             .out = gradient.get(),
                             .size = 3,
                             .target = 1,
                             .max = sum.max,
                             .sum = sum.sum,
                             .logprob_gradient = 1,
                             .entropy_gradient = 1});

  EXPECT_EQ(sum.sum, 1);
  EXPECT_EQ(kernels_->entropy(logits.get(), exps.get(), 3, sum), 0);
  EXPECT_EQ(gradient.get()[0], -1);
  EXPECT_EQ(gradient.get()[1], 1);
}

TEST_P(Operation, AdamWIsItsTextbookFormula) {
  Rng rng(16);
  const std::size_t size = 41;  // what follows is another tensor's
  FloatBuffer weights = random_floats(64, rng), first(64), second(64);
  const Doubles beyond = doubles_of(weights.get() + size, 64 - size);
  Doubles w = doubles_of(weights.get(), size), m(size), v(size);
  const double lr = 1e-2, beta1 = 0.9, beta2 = 0.95, eps = 1e-6, decay = 0.1, scale = 0.5;
  for (int step = 1; step <= 5; ++step) {
    const FloatBuffer gradient = random_floats(64, rng);
    AdamStep s;
    s.weights_out = weights.get();
    s.weights = weights.get();
    s.first = first.get();
    s.second = second.get();
    s.gradient = gradient.get();
    s.size = size;
    s.gradient_scale = static_cast<float>(scale);
    s.beta1 = static_cast<float>(beta1);
    s.beta2 = static_cast<float>(beta2);
    s.step_size = static_cast<float>(lr / (1 - std::pow(beta1, step)));
    s.second_correction = static_cast<float>(1 / (1 - std::pow(beta2, step)));
    s.eps = static_cast<float>(eps);
    s.decay = static_cast<float>(lr * decay);
    kernels_->adam(s);
    for (std::size_t i = 0; i < size; ++i) {
      const double g = scale * double{gradient.get()[i]};
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      const double mean = m[i] / (1 - std::pow(beta1, step));
      const double square = v[i] / (1 - std::pow(beta2, step));
      w[i] = w[i] - lr * decay * w[i] - lr * mean / (std::sqrt(square) + eps);
      EXPECT_NEAR(weights.get()[i], w[i], 5e-6) << step;
    }
  }
  EXPECT_EQ(doubles_of(weights.get() + size, 64 - size), beyond);
  EXPECT_EQ(first.get()[size], 0);
  EXPECT_EQ(second.get()[size], 0);
}

TEST_P(Operation, SumsOfSquaresAreTakenInDouble) {
  FloatBuffer x(33);
  for (std::size_t i = 0; i < 33; ++i) x.get()[i] = 1e20f;  // its square overflows a float
  EXPECT_NEAR(kernels_->sum_squares(x.get(), 33), 33 * std::pow(double{1e20f}, 2), 1e30);
}

TEST_P(Operation, NotANumberGoesThroughEverySum) {
  // A gradient that is not finite is found in its norm, so nothing on the way may swallow it.
  const float nan = std::nanf("");
  for (const std::size_t place : {0, 5, 15, 16}) {
    FloatBuffer x(row_stride(17)), gain(row_stride(17)), y(row_stride(17)), exps(padded(17));
    std::fill_n(gain.get(), 17, 1.0f);
    x.get()[place] = nan;
    kernels_->rms_norm({x.get(), gain.get(), y.get(), nullptr, row_stride(17), 1, 17, 1e-5f});
    EXPECT_TRUE(std::isnan(y.get()[0]));
    EXPECT_TRUE(std::isnan(kernels_->log_softmax(x.get(), 17, 1.0f, exps.get()).sum)) << place;
    EXPECT_TRUE(std::isnan(kernels_->sum_squares(x.get(), 17)));
  }
}

}  // namespace
}  // namespace assay::gpu::host
