#include "runtime/wire/codec_bench.h"

#include <gtest/gtest.h>

namespace assay::wire {
namespace {

TEST(CodecBench, BothWaysStandBesideACopyOfTheirBytes) {
  const auto figures = codec_bench({.messages = 20, .repeats = 3});

  ASSERT_TRUE(figures) << figures.error().message;
  ASSERT_EQ(figures->size(), 2u);
  EXPECT_EQ((*figures)[0].kind.name, "codec_encode_gbps");
  EXPECT_EQ((*figures)[1].kind.name, "codec_decode_gbps");
  for (const Figure& figure : *figures) {
    EXPECT_EQ(figure.kind.ceiling, "memcpy_gbps");
    EXPECT_GT(figure.value, 0);
    EXPECT_EQ(figure.repeats, 3u);
  }
}

}  // namespace
}  // namespace assay::wire
