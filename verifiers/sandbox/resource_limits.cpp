#include "verifiers/sandbox/resource_limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace assay::sandbox {

namespace {

constexpr rlim_t kOpenFiles = 32;
constexpr rlim_t kStackBytes = rlim_t{8} << 20;

Result<void> limit(__rlimit_resource resource, rlim_t most) {
  rlimit now{};
  if (::getrlimit(resource, &now) != 0) return errno_error("read", "a resource limit");
  const rlim_t hard = std::min(now.rlim_max, most);
  const rlimit lowered{hard, hard};
  if (::setrlimit(resource, &lowered) != 0) return errno_error("lower", "a resource limit");
  return {};
}

}  // namespace

Result<void> limit_resources(const ResourceLimits& limits) {
  const Limits& check = limits.check;
  const std::pair<__rlimit_resource, rlim_t> all[] = {
      {RLIMIT_CPU, std::max<rlim_t>(check.cpu_s, 1)},
      {RLIMIT_AS, limits.memory_base_bytes + check.memory_bytes},
      {RLIMIT_FSIZE, check.output_bytes},
      {RLIMIT_NOFILE, kOpenFiles},
      {RLIMIT_STACK, kStackBytes},
      {RLIMIT_CORE, 0},
      {RLIMIT_MEMLOCK, 0},
      {RLIMIT_MSGQUEUE, 0},
  };
  for (const auto& [resource, most] : all) {
    if (auto limited = limit(resource, most); !limited) return limited;
  }
  if (!limits.counts_processes) return {};
  return limit(RLIMIT_NPROC, check.process_count + limits.process_base_count);
}

}  // namespace assay::sandbox
