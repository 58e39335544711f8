// Connection: a stream of bytes to a server, plain or encrypted, on which nothing waits beyond its
// deadline.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "runtime/core/clock.h"
#include "runtime/core/result.h"
#include "verifiers/http/url.h"

namespace assay::verifiers::http {

// Not thread-safe. Errors of all: kTimedOut; kUnavailable, in words without addresses.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual Result<void> write(std::string_view bytes) = 0;
  // At least one byte into `bytes`; 0 where the other side has ended the stream.
  virtual Result<std::size_t> read(std::span<char> bytes) = 0;

  // Connects, and for https checks the certificate against the system's authorities (or those of
  // SSL_CERT_FILE) and the host's name. A name that has to be resolved may take longer than the
  // deadline.
  static Result<std::unique_ptr<Connection>> open(const HttpTarget& target, SteadyTime deadline);
};

}  // namespace assay::verifiers::http
