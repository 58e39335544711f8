// Time as an interface: leases and deadlines use the steady clock, people see the wall clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace assay {

using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

// Thread-safe. The wall clock may jump; nothing but display and file stamps may depend on it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime now() const = 0;
  virtual std::int64_t wall_ms() const = 0;  // since 1970, UTC
};

class SystemClock final : public Clock {
 public:
  SteadyTime now() const override;
  std::int64_t wall_ms() const override;
};

double seconds_since(std::chrono::steady_clock::time_point start);

// CPU time used so far, user and system together.
std::chrono::microseconds process_cpu_time();
std::chrono::microseconds thread_cpu_time();

}  // namespace assay
