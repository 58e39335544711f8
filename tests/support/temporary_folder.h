// A folder of a test's own, removed when the test ends.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "runtime/core/check.h"

namespace assay::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-test-XXXXXX").string();
    ASSAY_CHECK(::mkdtemp(pattern.data()) != nullptr, "a temporary folder can be made");
    root_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name) const { return root_ + "/" + name; }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace assay::testing
