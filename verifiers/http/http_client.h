// One HTTP/1.1 POST with a deadline and bounds on everything that comes back.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/result.h"
#include "verifiers/http/url.h"

namespace assay::verifiers::http {

struct HttpCall {
  HttpTarget target;
  std::vector<std::pair<std::string, std::string>> headers;  // beside host, length and type
  std::string body;                                          // JSON
  std::chrono::milliseconds time_limit{20'000};              // of the whole call
  std::size_t bytes_max = 256 * 1024;                        // of the answer's body
};

struct HttpAnswer {
  unsigned status = 0;
  bool is_json = false;                             // says so in its Content-Type
  std::optional<std::chrono::seconds> retry_after;  // where it is given as seconds
  std::string body;
};

// Makes the call on a connection of its own. Redirections are not followed. Certificates are
// checked against the system's authorities and the host's name. Never throws.
// Errors: kTimedOut; kExhausted for an answer beyond its bounds; kUnavailable for everything else
// that keeps an answer from coming. A name that has to be resolved may take longer than the limit.
Result<HttpAnswer> post(const HttpCall& call);

}  // namespace assay::verifiers::http
