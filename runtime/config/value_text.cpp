#include "runtime/config/value_text.h"

#include <charconv>
#include <cmath>
#include <utility>

namespace assay::config {
namespace {

template <class Number>
std::string shortest(Number value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

template <class Number>
std::optional<Number> whole(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  if (text.empty() || stop != end || fault != std::errc{}) return std::nullopt;
  return value;
}

// Splits "500ms" into "500" and "ms".
std::pair<std::string_view, std::string_view> split_unit(std::string_view text) {
  const std::size_t end = text.find_last_of("0123456789.");
  if (end == std::string_view::npos) return {text, {}};
  std::string_view unit = text.substr(end + 1);
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  return {text.substr(0, end + 1), unit};
}

constexpr std::pair<std::string_view, std::int64_t> kDurationUnits[] = {
    {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr std::pair<std::string_view, std::uint64_t> kSizeUnits[] = {
    {"GiB", 1u << 30},     {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1},
    {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"KB", 1000}};

}  // namespace

std::string number_text(double value) {
  return shortest(value);
}
std::string number_text(float value) {
  return shortest(value);
}

std::string quoted(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string result = "\"";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      result += '\\';
      result += letter;
    } else if (letter == '\n') {
      result += "\\n";
    } else if (letter == '\t') {
      result += "\\t";
    } else if (code < 0x20 || code == 0x7f) {
      result += "\\u00";
      result += kHex[code >> 4];
      result += kHex[code & 15];
    } else {
      result += letter;
    }
  }
  return result + "\"";
}

std::string duration_text(std::chrono::milliseconds duration) {
  for (const auto& [unit, factor] : kDurationUnits) {
    if (duration.count() != 0 && duration.count() % factor == 0) {
      return std::to_string(duration.count() / factor) + std::string(unit);
    }
  }
  return "0s";
}

std::string size_text(Size size) {
  for (const auto& [unit, factor] : kSizeUnits) {
    if (size.bytes % factor == 0 && size.bytes >= factor) {
      return std::to_string(size.bytes / factor) + std::string(unit);
    }
  }
  return "0B";
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return whole<std::int64_t>(text);
}

std::optional<double> parse_number(std::string_view text) {
  const auto value = whole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr double kLongestMs = 1e12;  // thirty years
  const auto [digits, unit] = split_unit(text);
  const auto count = parse_number(digits);
  for (const auto& [name, factor] : kDurationUnits) {
    if (!count || unit != name) continue;
    const double ms = *count * static_cast<double>(factor);
    if (ms < 0 || ms > kLongestMs || ms != std::floor(ms)) return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
  }
  return std::nullopt;
}

std::optional<Size> parse_size(std::string_view text) {
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 50;
  const auto [digits, unit] = split_unit(text);
  const auto count = whole<std::uint64_t>(digits);
  for (const auto& [name, factor] : kSizeUnits) {
    if (!count || unit != name) continue;
    if (*count > kLargest / factor) return std::nullopt;
    return Size{*count * factor};
  }
  return std::nullopt;
}

}  // namespace assay::config
