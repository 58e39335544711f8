#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "runtime/core/digest.h"

namespace assay {
namespace {

// Everything this process has mapped, shared libraries among it.
std::string mapped_files() {
  std::ifstream maps("/proc/self/maps");
  return {std::istreambuf_iterator<char>(maps), {}};
}

TEST(GroundFloor, StandsWithoutTheActorLibraryAndWithoutCuda) {
  const std::string maps = mapped_files();

  ASSERT_NE(maps.find("libc.so"), std::string::npos);
  EXPECT_EQ(maps.find("libcaf"), std::string::npos);
  EXPECT_EQ(maps.find("libcuda"), std::string::npos);
  EXPECT_EQ(sha256("").short_hex(), "e3b0c44298fc");  // the well-known digest of nothing
}

}  // namespace
}  // namespace assay
