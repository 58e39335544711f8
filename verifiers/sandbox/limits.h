// What one check may use of the machine.
#pragma once

#include <cstdint>

namespace assay::sandbox {

struct Limits {
  std::uint32_t cpu_s = 5;
  std::uint32_t wall_ms = 5000;
  std::uint64_t memory_bytes = std::uint64_t{512} << 20;  // beyond what the warm zygote has
  std::uint64_t output_bytes = std::uint64_t{64} << 10;   // to standard output and error together
  std::uint32_t process_count = 16;                       // threads
};

}  // namespace assay::sandbox
