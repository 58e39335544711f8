// TOML in, Node out. The only place that knows the TOML library.
#pragma once

#include <string>
#include <string_view>

#include "runtime/config/node.h"
#include "runtime/core/result.h"

namespace assay::config {

// Parses TOML text; `name` is used in places. Duplicate keys are errors, as TOML demands.
// Errors: kInvalidInput (E101) with the line and column of the fault.
Result<Node> parse_toml(std::string_view text, std::string_view name);

// Reads and parses a file. Errors: as above; kNotFound (E102) when it does not exist; kExhausted
// when it is larger than limits::kConfigBytesMax.
Result<Node> read_toml(const std::string& path);

// One TOML value such as `[1, 2]`. Errors: kInvalidInput (E104).
Result<Node> parse_toml_value(std::string_view text, std::string_view name);

}  // namespace assay::config
