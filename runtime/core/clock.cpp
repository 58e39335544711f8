#include "runtime/core/clock.h"

#include <ctime>

#include "runtime/core/check.h"

namespace assay {

namespace {

std::chrono::microseconds read_clock(clockid_t id) {
  timespec time{};
  ASSAY_CHECK(clock_gettime(id, &time) == 0, "the CPU clocks can be read");
  return std::chrono::microseconds(std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000);
}

}  // namespace

SteadyTime SystemClock::now() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::steady_clock::now());
}

std::int64_t SystemClock::wall_ms() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::chrono::microseconds process_cpu_time() {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}
std::chrono::microseconds thread_cpu_time() {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace assay
