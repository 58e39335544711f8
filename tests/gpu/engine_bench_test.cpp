#include "gpu/engine_bench.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/sanitizer.h"

namespace assay::gpu {
namespace {

std::map<std::string, Figure> by_name(const std::vector<Figure>& figures) {
  std::map<std::string, Figure> named;
  for (const Figure& figure : figures) named[figure.kind.name] = figure;
  return named;
}

TEST(EngineBench, QuickFiguresAreWholeAndPlausible) {
  if (testing::kIsSanitized) GTEST_SKIP() << "a sanitizer would be measured";
  BackendOptions backend;
  backend.threads = 2;
  const auto figures =
      engine_bench(backend, {.repeats = 2, .is_quick = true, .has_neighbour = true});

  ASSERT_TRUE(figures) << figures.error().message;
  const std::map<std::string, Figure> named = by_name(*figures);
  EXPECT_EQ(named.size(), figures->size()) << "a name occurs twice";
  for (const char* name :
       {"fma_peak_gflops", "gemm_256x768x128_gflops", "train_a_gflops", "train_b_gflops",
        "generate_a_batch_1_gflops", "generate_a_batch_16_gflops", "generate_a_batch_64_gflops",
        "generate_a_batch_256_gflops", "train_a_slowdown", "generate_a_batch_64_slowdown"}) {
    ASSERT_TRUE(named.contains(name)) << name;
    EXPECT_GT(named.at(name).value, 0) << name;
    EXPECT_GT(named.at(name).ceiling, 0) << name;
    EXPECT_EQ(named.at(name).repeats, 2u) << name;
  }
  EXPECT_EQ(named.at("train_a_gflops").kind.goal->bound, 0.40);
  EXPECT_EQ(named.at("generate_a_batch_64_gflops").kind.goal->bound, 0.25);
  EXPECT_FALSE(named.at("generate_a_batch_1_gflops").kind.goal);
}

TEST(EngineBench, CountsTheOperationsOfATokenAsItsHeaderSays) {
  if (testing::kIsSanitized) GTEST_SKIP() << "a sanitizer would be measured";
  const auto figures = engine_bench({}, {.repeats = 1, .is_quick = true});

  ASSERT_TRUE(figures);
  const std::map<std::string, Figure> named = by_name(*figures);
  const auto operations = [&](const std::string& what) {
    return named.at(what + "_gflops").value * 1e9 / named.at(what + "_tokens_per_s").value;
  };
  // N = 4 * (4 * 128^2 + 3 * 128 * 384) = 851,968 weights in layers, V d = 64 * 128 = 8,192
  // 6 * 851,968 + 6 * 8,192 + 6 * 4 * 128 * 64
  EXPECT_NEAR(operations("train_a"), 5'357'568, 1);
  // 2 * 851,968 + 2 * 8,192 + 4 * 4 * 128 * (32 + 16 / 2)
  EXPECT_NEAR(operations("generate_a_batch_64"), 1'802'240, 1);
  EXPECT_FALSE(named.contains("train_a_slowdown")) << "there was no neighbour";
}

TEST(EngineBench, UnknownDeviceIsRefused) {
  BackendOptions backend;
  backend.device = "abacus";

  const auto figures = engine_bench(backend, {});

  ASSERT_FALSE(figures);
  EXPECT_EQ(figures.error().code, ErrorCode::kInvalidInput);
}

}  // namespace
}  // namespace assay::gpu
