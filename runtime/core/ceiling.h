// What this machine itself can do, measured: the ceilings that figures stand beside.
//
// Each call takes milliseconds and reads the present moment. Threads and processes it starts have
// ended when it returns.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"

namespace assay {

// Copying blocks of one size again and again, in 1e9 bytes copied a second.
double memcpy_gbps(std::size_t block_bytes);

// Allocating and freeing blocks of one size, pairs a second.
double allocations_per_s(std::size_t block_bytes);

// Making a copy of this process that ends at once, and waiting for it. Errors: errno codes.
Result<double> fork_us();

// Two threads that hand eight bytes to each other and back, in microseconds a round trip: through
// two pipes, or through a pair of Unix sockets. Errors: errno codes.
Result<Latency> pipe_round_trip_us(std::size_t round_trips);
Result<Latency> socket_round_trip_us(std::size_t round_trips);

// Connecting to a Unix socket, one round trip of eight bytes and closing it. Errors: errno codes.
Result<Latency> socket_attach_us(std::size_t attaches);

// A process of its own that computes without pause whenever it is let. It dies with the thread that
// made it, however that ends. Made early, it shares few pages with this process, whose first writes
// to shared ones are slow.
class BusyNeighbour {
 public:
  // A paused one. Errors: errno codes.
  static Result<BusyNeighbour> start();
  ~BusyNeighbour();
  BusyNeighbour(BusyNeighbour&& other) noexcept;
  BusyNeighbour& operator=(BusyNeighbour&&) = delete;

  void resume();
  void pause();  // returns when it stands still

  pid_t process() const { return process_; }

 private:
  explicit BusyNeighbour(pid_t process) : process_(process) {}

  pid_t process_ = -1;
};

}  // namespace assay
