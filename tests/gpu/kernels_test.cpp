// Every instruction set against double precision, and bit by bit against the portable kernels.
#include "gpu/host/kernels.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include "gpu/host/thread_pool.h"
#include "tests/gpu/instruction_sets.h"

namespace assay::gpu::host {
namespace {

INSTANTIATE_TEST_SUITE_P(Kernels, EveryInstructionSet,
                         ::testing::Values(InstructionSet::kPortable, InstructionSet::kAvx2,
                                           InstructionSet::kAvx512));

TEST_P(EveryInstructionSet, ProductsAreOneChainAnElement) {
  Rng rng(1);
  for (const std::size_t rows : {1, 2, 3, 5, 7, 17, 129}) {
    for (const std::size_t columns : kOddSizes) {
      for (const std::size_t depth : {1, 7, 129, 400, 801}) {
        const std::size_t panels = padded(columns) / kLanes, a_row = row_stride(depth);
        const FloatBuffer a = random_floats(rows * a_row, rng);
        const FloatBuffer b = random_floats(panels * kLanes * depth, rng);
        const FloatBuffer init = random_floats(panels * kLanes, rng);
        FloatBuffer c(rows * panels * kLanes), again(rows * panels * kLanes);
        Gemm g{.a = a.get(),
               .a_row = static_cast<std::ptrdiff_t>(a_row),
               .b = b.get(),
               .b_panel = static_cast<std::ptrdiff_t>(kLanes * depth),
               .c = c.get(),
               .c_row = static_cast<std::ptrdiff_t>(panels * kLanes),
               .init = init.get(),
               .rows = rows,
               .panels = panels,
               .k = depth};
        kernels_->gemm(g);
        // A single row must not know how many others there are.
        g.c = again.get();
        g.rows = 1;
        kernels_->gemm(g);
        EXPECT_EQ(std::memcmp(c.get(), again.get(), panels * kLanes * sizeof(float)), 0);

        for (std::size_t i = 0; i < rows; i += 1 + rows / 3) {
          for (std::size_t j = 0; j < columns; j += 1 + columns / 5) {
            float chain = init.get()[j];
            for (std::size_t k = 0; k < depth; ++k) {
              chain = std::fma(a.get()[i * a_row + k],
                               b.get()[j / 16 * 16 * depth + k * 16 + j % 16], chain);
            }
            EXPECT_EQ(c.get()[i * panels * kLanes + j], chain);
          }
        }
      }
    }
  }
}

TEST_P(EveryInstructionSet, RowFunctionsMatchThePortableOnesBitByBit) {
  Rng rng(2);
  for (const std::size_t size : kOddSizes) {
    const std::size_t width = padded(size), stride = row_stride(size);
    FloatBuffer x = random_floats(3 * stride, rng, 3), gain = random_floats(width, rng);
    for (std::size_t row = 0; row < 3; ++row) {
      std::fill(x.get() + row * stride + size, x.get() + (row + 1) * stride, 0.0f);
    }
    const FloatBuffer dy = random_floats(3 * stride, rng);
    const auto run = [&](const Kernels& k) {
      FloatBuffer out(40 * stride + 64);
      float* next = out.get();
      const auto take = [&](std::size_t n) { return std::exchange(next, next + padded(n)); };
      float* inverse = take(3);
      k.rms_norm({x.get(), gain.get(), take(3 * stride), inverse, stride, 3, size, 1e-6f});
      k.rms_norm_backward({x.get(), gain.get(), inverse, dy.get(), x.get(), take(3 * stride),
                           take(width), stride, 3, size});
      float* exps = take(width);
      const SoftmaxSum sum = k.log_softmax(x.get(), size, 0.7f, exps);
      *take(1) = sum.sum;
      *take(1) = sum.max;
      *take(1) = k.entropy(x.get(), exps, size, sum);
      k.logits_gradient({x.get(), take(width), size, 0, sum.max, sum.sum, 0.3f, 0.2f, 0.1f});
      float* scores = take(width);
      std::copy_n(x.get(), width, scores);
      *take(1) = k.softmax_row(scores, size, width, 0.3f).sum;
      return out;
    };

    EXPECT_TRUE(same_bits(run(*kernels_), run(portable_))) << size;
  }
}

TEST_P(EveryInstructionSet, ElementwiseFunctionsMatchThePortableOnesBitByBit) {
  Rng rng(3);
  for (const std::size_t size : kOddSizes) {
    const FloatBuffer x = random_floats(4 * padded(size) + 32, rng, 4);
    const auto run = [&](const Kernels& k) {
      FloatBuffer out(12 * padded(size) + 64);
      float* next = out.get();
      const auto take = [&](std::size_t n) { return std::exchange(next, next + padded(n)); };
      float* gate_up = take(2 * size);
      std::copy_n(x.get(), 2 * size, gate_up);
      SwiGlu s{gate_up, 2 * size, take(size), x.get(), padded(size), 1, size};
      k.swiglu(s);
      k.swiglu_backward(s);
      float* turned = take(2 * size);
      std::copy_n(x.get(), 2 * size, turned);
      k.rotate(turned, x.get() + size, x.get() + 2 * size, size, -1.0f);
      k.scale(x.get(), 0.3f, take(size), size);
      float* moments = take(2 * padded(size));
      k.adam({take(size), x.get(), moments, moments + padded(size), x.get(), padded(size), 0.5f,
              0.9f, 0.99f, 1e-3f, 1.5f, 1e-8f, 1e-5f});
      return out;
    };

    EXPECT_TRUE(same_bits(run(*kernels_), run(portable_))) << size;
  }
}

TEST_P(EveryInstructionSet, SoftmaxMatchesDoublePrecision) {
  Rng rng(4);
  for (const std::size_t size : kOddSizes) {
    const FloatBuffer x = random_floats(padded(size), rng, 20);
    FloatBuffer exps(padded(size));
    double max = -1e30, sum = 0, entropy = 0;
    for (std::size_t i = 0; i < size; ++i) max = std::max(max, double{x.get()[i]});
    for (std::size_t i = 0; i < size; ++i) sum += std::exp(x.get()[i] - max);
    for (std::size_t i = 0; i < size; ++i) {
      const double logprob = x.get()[i] - max - std::log(sum);
      entropy -= std::exp(logprob) * logprob;
    }

    const SoftmaxSum seen = kernels_->log_softmax(x.get(), size, 1.0f, exps.get());

    EXPECT_FLOAT_EQ(seen.max, static_cast<float>(max));
    EXPECT_NEAR(seen.sum, sum, 1e-6 * sum);
    EXPECT_NEAR(kernels_->entropy(x.get(), exps.get(), size, seen), entropy, 1e-5);
  }
}

TEST(ThreadPool, EveryItemRunsOnceWhoeverCalls) {
  ThreadPool pool(3);
  const auto call = [&] {
    for (int round = 0; round < 500; ++round) {
      std::vector<std::atomic<int>> seen(37);
      pool.run(seen.size(), [&](std::size_t item, unsigned slot) {
        EXPECT_LT(slot, 3u);
        seen[item].fetch_add(1);
      });
      for (const auto& count : seen) ASSERT_EQ(count.load(), 1);
    }
  };

  std::thread other(call);
  call();
  other.join();
}

TEST(ThreadPool, DenormalsAreOffInEveryWorkerAndAsBeforeInTheCaller) {
  // 1e-39 is a denormal float. A worker that kept them would compute 0.5e-39.
  ThreadPool pool(4);
  const volatile float tiny = 1e-39f;
  std::vector<float> halves(256, 1.0f);
  auto halve = [&](std::size_t item, unsigned) { halves[item] = tiny * 0.5f; };
  {
    const DenormalsOff denormals_off;
    pool.run(halves.size(), halve);
  }
  for (const float half : halves) EXPECT_EQ(half, 0);
  EXPECT_GT(tiny * 0.5f, 0);
}

TEST(ThreadPool, TheCallerTakesPartSoAJobEndsWithoutWorkers) {
  ThreadPool alone(1);
  int sum = 0;
  alone.run(10, [&](std::size_t item, unsigned slot) {
    EXPECT_EQ(slot, 0u);
    sum += static_cast<int>(item);
  });
  EXPECT_EQ(sum, 45);
  alone.run(0, [&](std::size_t, unsigned) { FAIL(); });
}

}  // namespace
}  // namespace assay::gpu::host
