#include "actors/cli/text_layout.h"

#include <fmt/format.h>

namespace assay::cli {

namespace {

bool is_control(std::string_view text, std::size_t i) {
  const auto code = static_cast<unsigned char>(text[i]);
  return code < 0x20 || code == 0x7f;
}

// U+0080 to U+009F, which some terminals obey like an escape sequence.
bool is_c1_control(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]) == 0xc2 && i + 1 < text.size() &&
         static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
         static_cast<unsigned char>(text[i + 1]) <= 0x9f;
}

bool starts_code_point(char letter) {
  return (static_cast<unsigned char>(letter) & 0xc0) != 0x80;
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char letter : text) count += starts_code_point(letter);
  return count;
}

std::string without_controls(std::string_view text, bool keeps_lines) {
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_c1_control(text, i)) {
      safe += ' ';
      ++i;
    } else if (is_control(text, i) && !(keeps_lines && text[i] == '\n')) {
      safe += ' ';
    } else {
      safe += text[i];
    }
  }
  return safe;
}

}  // namespace

std::string printable(std::string_view text) {
  return without_controls(text, true);
}

std::string one_line(std::string_view text) {
  return without_controls(text, false);
}

std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string lines;
  std::size_t used = indent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t width = code_points(word);
    if (used > indent && used + 1 + width > columns) {
      lines += '\n' + std::string(indent, ' ');
      used = indent;
    } else if (!lines.empty()) {
      lines += ' ';
      ++used;
    }
    lines += word;
    used += width;
  }
  return lines;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (code_points(text) <= columns) return std::string(text);
  std::string kept;
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size() && columns > 0; ++i) {
    if (starts_code_point(text[i]) && ++used == columns) break;
    kept += text[i];
  }
  return columns == 0 ? kept : kept + "…";
}

std::string grouped(std::uint64_t count) {
  const std::string digits = std::to_string(count);
  std::string shown;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) shown += ',';
    shown += digits[i];
  }
  return shown;
}

std::string short_ms(double ms) {
  if (!(ms > 0)) return "-";
  if (ms < 0.1) return fmt::format("{:.1f}us", 1e3 * ms);
  if (ms < 10) return fmt::format("{:.1f}ms", ms);
  if (ms < 1000) return fmt::format("{:.0f}ms", ms);
  return fmt::format("{:.1f}s", 1e-3 * ms);
}

}  // namespace assay::cli
