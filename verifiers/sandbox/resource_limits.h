// Limits that the kernel counts for each process: CPU time, memory, files, threads.
#pragma once

#include <cstdint>

#include "runtime/core/result.h"
#include "verifiers/sandbox/limits.h"

namespace assay::sandbox {

struct ResourceLimits {
  Limits check;
  std::uint64_t memory_base_bytes = 0;   // address space that is mapped before the check begins
  std::uint32_t process_base_count = 0;  // processes of this user that are not the check's
  // Whether this user's processes are the sandbox's alone; if not, their number is not limited here
  // and threads are bounded by memory.
  bool counts_processes = false;
};

// Lowers the limits of the calling process, soft and hard. Errors: errno codes.
Result<void> limit_resources(const ResourceLimits& limits);

}  // namespace assay::sandbox
