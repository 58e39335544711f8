// Where a URL points.
#pragma once

#include <string>

#include "runtime/core/result.h"

namespace assay::verifiers::http {

struct HttpTarget {
  bool is_encrypted = false;  // https
  std::string host;
  std::string port;  // "80" or "443" where the URL says nothing
  std::string path;  // with its query; begins with a slash
};

// Errors: kInvalidInput for anything but http or https with a host: user names, spaces and
// fragments are refused.
Result<HttpTarget> parse_url(const std::string& url);

}  // namespace assay::verifiers::http
