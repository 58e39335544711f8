// Values as text: canonical TOML out; durations, sizes and numbers in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/config/size.h"

namespace assay::config {

// The shortest text that reads back to the same number; always a TOML float ("1.0", "1e-06").
std::string number_text(double value);
std::string number_text(float value);
// A quoted TOML string; control characters are escaped.
std::string quoted(std::string_view text);
// The largest unit that divides it: "2s", "1500ms", "5m", "1h".
std::string duration_text(std::chrono::milliseconds duration);
// The largest unit that divides it: "64MiB", "1000B".
std::string size_text(Size size);

// All of these take the whole text or nothing.
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<double> parse_number(std::string_view text);  // finite
// A whole or fractional count with ms, s, m or h.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// A whole count with B, KiB, MiB, GiB (or KB, MB, GB: powers of 1000).
std::optional<Size> parse_size(std::string_view text);

}  // namespace assay::config
