// A number of bytes in a config: "64MiB", "512KiB", "1GiB", "4096B" or a plain count.
#pragma once

#include <cstdint>

namespace assay::config {

struct Size {
  std::uint64_t bytes = 0;

  friend bool operator==(const Size&, const Size&) = default;
};

}  // namespace assay::config
