#include "actors/web/html_text.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

namespace assay::web {
namespace {

constexpr std::uint32_t kInvalid = 0xFFFFFFFF;

// One character taken from the front of `text`; kInvalid for a byte that starts none.
std::uint32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  std::uint32_t code = length == 1 ? first : first & (0xFFu >> (length + 1));
  bool is_valid = first < 0x80 || (first >= 0xC2 && first <= 0xF4 && length <= text.size());
  for (std::size_t i = 1; is_valid && i < length; ++i) {
    is_valid = (byte(i) & 0xC0u) == 0x80;
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  is_valid = is_valid && code >= kSmallest[length] && code <= 0x10FFFF &&
             !(code >= 0xD800 && code <= 0xDFFF);
  text.remove_prefix(is_valid ? length : 1);
  return is_valid ? code : kInvalid;
}

// Characters that change how their neighbours are shown, or show nothing at all.
bool is_deceptive(std::uint32_t code) {
  return (code >= 0x80 && code <= 0x9F) || code == 0xAD || code == 0x61C ||
         (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF ||
         (code >= 0xE0000 && code <= 0xE007F);
}

void append_escaped(std::uint32_t code, std::string_view bytes, std::string& safe) {
  if (code == kInvalid) {
    safe += "&#xFFFD;";
  } else if (code < 0x20 || code == 0x7F) {
    // The Unicode block "Control Pictures" has a visible sign for each.
    safe += fmt::format("&#x{:X};", code == 0x7F ? 0x2421 : 0x2400 + code);
  } else if (is_deceptive(code)) {
    safe += fmt::format("&#x2039;U+{:04X}&#x203A;", code);
  } else if (code == '&' || code == '<' || code == '>' || code == '"' || code == '\'') {
    safe += fmt::format("&#{};", code);
  } else {
    safe += bytes;
  }
}

std::string with_minus(std::string text) {
  if (text.front() == '-') text.replace(0, 1, "−");
  return text;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::string_view before = text;
    const std::uint32_t code = take_character(text);
    append_escaped(code, before.substr(0, before.size() - text.size()), safe);
  }
  return safe;
}

std::string escape_block(std::string_view text, std::size_t bytes_max) {
  const std::string_view shown = text.substr(0, bytes_max);
  std::string safe;
  for (std::size_t start = 0; start <= shown.size();) {
    const std::size_t end = std::min(shown.find('\n', start), shown.size());
    if (start > 0) safe += '\n';
    safe += escape(shown.substr(start, end - start));
    start = end + 1;
  }
  if (text.size() > bytes_max) {
    safe += fmt::format("<i> … {} more bytes</i>", text.size() - bytes_max);
  }
  return safe;
}

std::string percent(double rate) {
  return with_minus(fmt::format("{:.1f}", 100 * rate));
}

std::string signed_points(double difference) {
  const std::string text = fmt::format("{:+.1f}", 100 * difference);
  return text == "-0.0" || text == "+0.0" ? "0.0" : with_minus(text);
}

std::string percent_interval(const algo::Interval& interval) {
  return fmt::format("{} <small>{} to {}</small>", percent(interval.value), percent(interval.low),
                     percent(interval.high));
}

std::string points_interval(const algo::Interval& interval) {
  return fmt::format("{} <small>{} to {}</small>", signed_points(interval.value),
                     signed_points(interval.low), signed_points(interval.high));
}

std::string points_in_words(const algo::Interval& interval) {
  return fmt::format("{} points, 95 % interval {} to {}", signed_points(interval.value),
                     signed_points(interval.low), signed_points(interval.high));
}

std::string decimal(double value) {
  return with_minus(fmt::format("{:.2f}", value));
}

std::string signed_decimal(double value) {
  return with_minus(fmt::format("{:+.2f}", value));
}

std::string figure(double value) {
  if (!std::isfinite(value)) return "not finite";
  return with_minus(fmt::format("{:.3g}", value));
}

std::string whole(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (std::size_t place = digits.size(); place > 3 && digits[place - 4] != '-'; place -= 3) {
    digits.insert(place - 3, "\u202f");
  }
  return with_minus(digits);
}

std::string dash(std::string_view reason) {
  return fmt::format("– <small>{}</small>", escape(reason));
}

}  // namespace assay::web
