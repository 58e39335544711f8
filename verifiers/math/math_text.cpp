#include "verifiers/math/math_text.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace assay::verifiers {

namespace {

struct Rewrite {
  std::string_view from;
  std::string_view to;
};

constexpr std::array<Rewrite, 62> kUnicodeRewrites = {{
    {"\u2212", "-"},
    {"\u2013", "-"},
    {"\u2011", "-"},
    {"\u00D7", "\\times "},
    {"\u22C5", "*"},
    {"\u00B7", "*"},
    {"\u2217", "*"},
    {"\u00F7", "/"},
    {"\u2215", "/"},
    {"\u2044", "/"},
    {"\u2264", "\\le "},
    {"\u2265", "\\ge "},
    {"\u2260", "\\ne "},
    {"\u2248", "\\approx "},
    {"\u2208", "\\in "},
    {"\u222A", "\\cup "},
    {"\u221E", "\\infty "},
    {"\u03C0", "\\pi "},
    {"\u221A", "\\sqrt "},
    {"\u00B1", "\\pm "},
    {"\u00B0", "^\\circ "},
    {"\u00BD", "\\frac{1}{2}"},
    {"\u2153", "\\frac{1}{3}"},
    {"\u2154", "\\frac{2}{3}"},
    {"\u00BC", "\\frac{1}{4}"},
    {"\u00BE", "\\frac{3}{4}"},
    {"\u2155", "\\frac{1}{5}"},
    {"\u2156", "\\frac{2}{5}"},
    {"\u2157", "\\frac{3}{5}"},
    {"\u2158", "\\frac{4}{5}"},
    {"\u2159", "\\frac{1}{6}"},
    {"\u215A", "\\frac{5}{6}"},
    {"\u215B", "\\frac{1}{8}"},
    {"\u215C", "\\frac{3}{8}"},
    {"\u215D", "\\frac{5}{8}"},
    {"\u215E", "\\frac{7}{8}"},
    {"\u00B2", "^2 "},
    {"\u00B3", "^3 "},
    {"\u200B", ""},
    {"\u200C", ""},
    {"\u200D", ""},
    {"\u200E", ""},
    {"\u200F", ""},
    {"\u202A", ""},
    {"\u202B", ""},
    {"\u202C", ""},
    {"\u202D", ""},
    {"\u202E", ""},
    {"\u2060", ""},
    {"\u2066", ""},
    {"\u2067", ""},
    {"\u2068", ""},
    {"\u2069", ""},
    {"\uFEFF", ""},
    {"\u00AD", ""},
    {"\u00A0", " "},
    {"\u2009", " "},
    {"\u202F", " "},
    {"\u3000", " "},
    {"\u20AC", " "},
    {"\u00A3", " "},
    {"\u2192", "\\to "},
}};

// Longer spellings stand before their own beginnings.
constexpr std::array<Rewrite, 21> kAsciiRewrites = {{
    {"{,}", ","},    {"\\\"", " "},   {"\"", " "},  {"\\!", ""},  {"\\,", ""},  {"\\;", " "},
    {"\\:", " "},    {"\\ ", " "},    {"\\$", " "}, {"\\%", "%"}, {"\\(", " "}, {"\\)", " "},
    {"\\[", " "},    {"\\]", " "},    {"~", " "},   {"$", " "},   {"**", "^"},  {"<=", "\\le "},
    {">=", "\\ge "}, {"!=", "\\ne "}, {"\\#", "#"},
}};

// Commands that only space, size or colour; a letter may not follow.
constexpr std::array<std::string_view, 21> kDroppedCommands = {
    "left",   "right",    "displaystyle", "textstyle", "quad",      "qquad",   "big",
    "Big",    "bigg",     "Bigg",         "bigl",      "bigr",      "Bigl",    "Bigr",
    "limits", "nolimits", "hfill",        "middle",    "thinspace", "enspace", "space"};

bool rewrite_from(std::string_view rest, std::span<const Rewrite> table, std::string& plain,
                  std::size_t& consumed) {
  for (const Rewrite& rewrite : table) {
    if (!rest.starts_with(rewrite.from)) continue;
    plain += rewrite.to;
    consumed = rewrite.from.size();
    return true;
  }
  return false;
}

// The letters of a command at the start of `rest`, which begins with a backslash.
std::string_view command_name(std::string_view rest) {
  std::size_t end = 1;
  while (end < rest.size() && is_ascii_letter(rest[end])) ++end;
  return rest.substr(1, end - 1);
}

}  // namespace

bool is_ascii_digit(char character) {
  return character >= '0' && character <= '9';
}

bool is_ascii_letter(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

char ascii_lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                              : character;
}

std::size_t find_ignoring_case(std::string_view text, std::string_view needle, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const auto found =
      std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), needle.begin(),
                  needle.end(), [](char a, char b) { return ascii_lower(a) == b; });
  return found == text.end() ? std::string_view::npos
                             : static_cast<std::size_t>(found - text.begin());
}

std::string plain_math(std::string_view text) {
  // Outside a matrix a double backslash is a JSON or Python escape that was escaped once too often.
  const bool has_rows = text.find("\\begin") != std::string_view::npos;
  std::string plain;
  plain.reserve(text.size() + 16);
  while (!text.empty()) {
    std::size_t consumed = 1;
    const char first = text[0];
    if (static_cast<unsigned char>(first) >= 0x80) {
      if (!rewrite_from(text, kUnicodeRewrites, plain, consumed)) plain += first;
    } else if (first == '\\' && text.size() > 1 && text[1] == '\\') {
      if (has_rows) {
        plain += "\\\\";
        consumed = 2;
      }
    } else if (first == '\\' && text.size() > 1 && is_ascii_letter(text[1])) {
      const std::string_view name = command_name(text);
      consumed = name.size() + 1;
      const bool is_dropped = std::find(kDroppedCommands.begin(), kDroppedCommands.end(), name) !=
                              kDroppedCommands.end();
      if (is_dropped) {
        plain += ' ';
        // \left. and \right. are invisible delimiters.
        if ((name == "left" || name == "right") && text.size() > consumed &&
            text[consumed] == '.') {
          ++consumed;
        }
      } else {
        plain += text.substr(0, consumed);
      }
    } else if (!rewrite_from(text, kAsciiRewrites, plain, consumed)) {
      plain += static_cast<unsigned char>(first) < ' ' ? ' ' : first;
    }
    text.remove_prefix(consumed);
  }
  return plain;
}

std::string_view without_wrapping(std::string_view text) {
  constexpr std::string_view kLeading = " \t\r\n*_\"'`:";
  constexpr std::string_view kTrailing = " \t\r\n*_\"'`.,;:";
  const std::size_t first = text.find_first_not_of(kLeading);
  if (first == std::string_view::npos) return {};
  text.remove_prefix(first);
  const std::size_t last = text.find_last_not_of(kTrailing);
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

}  // namespace assay::verifiers
