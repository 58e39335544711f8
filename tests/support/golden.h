// Golden texts: what a program says, reviewed by diff.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "runtime/core/file.h"

namespace assay::testing {

// Compares `actual` with tests/golden/<name>. With ASSAY_UPDATE_GOLDEN=1 the file is written
// instead, so that `git diff` shows what changed.
inline void expect_golden(const std::string& actual, const std::string& name) {
  constexpr std::size_t kGoldenBytesMax = 1 << 20;
  const std::string path = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/" + name;
  if (std::getenv("ASSAY_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file_durably(path, actual)) << path;
    return;
  }
  const Result<std::string> golden = read_file(path, kGoldenBytesMax);
  ASSERT_TRUE(golden) << path << " is missing: ASSAY_UPDATE_GOLDEN=1 writes it";
  EXPECT_EQ(actual, *golden) << "tests/golden/" << name
                             << " says otherwise; ASSAY_UPDATE_GOLDEN=1 writes it anew";
}

}  // namespace assay::testing
