// How long a request over the status plane's sockets takes, beside bare Unix sockets.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"

namespace assay::net {

struct SocketBenchOptions {
  std::string folder;           // where the socket's file is made, and removed afterwards
  std::size_t requests = 2000;  // in each round
  std::size_t repeats = 5;
};

// zeromq_round_trip_p50_us and _p99_us: StatusClient::request() of 64 bytes, answered at once by a
// StatusServer on another thread, each beside the socket_round_trip of two threads.
// Errors: those of the sockets.
Result<std::vector<Figure>> socket_bench(const SocketBenchOptions& options);

}  // namespace assay::net
