// Whether somebody listens at an address, asked without ever waiting longer than told.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "runtime/core/result.h"

namespace assay::net {

// Connects and closes again. `host` is an address or a name of /etc/hosts; other names are looked
// up by the system, which may take its own time. Errors: kNotFound for an unknown host;
// kUnavailable when nobody listens there or nothing answers within `patience`.
Result<void> probe_tcp(const std::string& host, std::uint16_t port,
                       std::chrono::milliseconds patience);

}  // namespace assay::net
