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

constexpr std::array<Rewrite, 93> kUnicodeRewrites = {{
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
    {"\u20AC", "\\euro "},
    {"\u00A3", "\\pounds "},
    {"\u2192", "\\to "},
    {"\u2229", "\\cap "},
    {"\u2216", "\\setminus "},
    {"\u2261", "\\equiv "},
    {"\u2205", "\\emptyset "},
    {"\u211D", "R"},
    {"\u2308", "\\lceil "},
    {"\u2309", "\\rceil "},
    {"\u230A", "\\lfloor "},
    {"\u230B", "\\rfloor "},
    {"\u03B1", "\\alpha "},
    {"\u03B2", "\\beta "},
    {"\u03B3", "\\gamma "},
    {"\u03B8", "\\theta "},
    {"\u03BB", "\\lambda "},
    {"\u03BC", "\\mu "},
    {"\u03C6", "\\phi "},
    {"\u03C9", "\\omega "},
    {"\u2213", "\\mp "},
    {"\u2032", "'"},
    {"\uFF0C", ","},
    {"\uFF08", "("},
    {"\uFF09", ")"},
    {"\uFF05", "%"},
    {"\uFF0D", "-"},
    {"\uFF1A", ":"},
    {"\uFF1D", "="},
    {"\u00A5", "\\yen "},
    {"\u20B9", "\\rupee "},
    {"\u221B", "\\sqrt[3]"},
    {"\u2004", " "},
    {"\u2002", " "},
    {"\u2003", " "},
    {"\u200A", " "},
}};

// Raised and lowered characters, each with what it stands for.
constexpr std::array<Rewrite, 13> kSuperscripts = {{
    {"\u2070", "0"},
    {"\u00B9", "1"},
    {"\u00B2", "2"},
    {"\u00B3", "3"},
    {"\u2074", "4"},
    {"\u2075", "5"},
    {"\u2076", "6"},
    {"\u2077", "7"},
    {"\u2078", "8"},
    {"\u2079", "9"},
    {"\u207A", "+"},
    {"\u207B", "-"},
    {"\u207F", "n"},
}};
constexpr std::array<Rewrite, 10> kSubscripts = {{
    {"\u2080", "0"},
    {"\u2081", "1"},
    {"\u2082", "2"},
    {"\u2083", "3"},
    {"\u2084", "4"},
    {"\u2085", "5"},
    {"\u2086", "6"},
    {"\u2087", "7"},
    {"\u2088", "8"},
    {"\u2089", "9"},
}};

// Longer spellings stand before their own beginnings.
constexpr std::array<Rewrite, 21> kAsciiRewrites = {{
    {"{,}", ","}, {"\\\"", " "}, {"\"", " "},     {"\\!", ""},          {"\\,", ""},
    {"\\;", " "}, {"\\:", " "},  {"\\ ", " "},    {"\\$", "\\dollar "}, {"\\%", "%"},
    {"\\(", " "}, {"\\)", " "},  {"\\[", " "},    {"\\]", " "},         {"~", " "},
    {"$", " "},   {"**", "^"},   {"<=", "\\le "}, {">=", "\\ge "},      {"!=", "\\ne "},
    {"\\#", "#"},
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

// A run of raised or lowered characters becomes one group: x\u00B9\u00B2 is x^{12}.
bool rewrite_run(std::string_view rest, std::span<const Rewrite> table, std::string_view open,
                 std::string& plain, std::size_t& consumed) {
  std::string run;
  std::size_t taken = 0;
  for (std::size_t bytes = 0; rewrite_from(rest.substr(taken), table, run, bytes);) taken += bytes;
  if (taken == 0) return false;
  plain += std::string(open) + run + "}";
  consumed = taken;
  return true;
}

// Words that join values, written against a number: "1or x=2".
std::string_view joining_word(std::string_view rest) {
  for (const std::string_view word : {"or", "and"}) {
    if (!rest.starts_with(word) || rest.size() == word.size()) continue;
    const char next = rest[word.size()];
    const bool is_value = next == '\\' || next == '(' || next == '-' || is_ascii_digit(next) ||
                          (next >= 'A' && next <= 'Z') ||
                          (is_ascii_letter(next) && rest.size() > word.size() + 1 &&
                           (rest[word.size() + 1] == '=' || rest[word.size() + 1] == '('));
    if (is_value) return word;
  }
  return {};
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
      if (!rewrite_from(text, kUnicodeRewrites, plain, consumed) &&
          !rewrite_run(text, kSuperscripts, "^{", plain, consumed) &&
          !rewrite_run(text, kSubscripts, "_{", plain, consumed)) {
        plain += first;
      }
    } else if (!plain.empty() && is_ascii_digit(plain.back()) && !joining_word(text).empty()) {
      const std::string_view word = joining_word(text);
      plain += " " + std::string(word) + " ";
      consumed = word.size();
    } else if (first == '\\' && text.size() > 1 && text[1] == '\\') {
      if (has_rows) {
        plain += "\\\\";
        consumed = 2;
      }
    } else if (first == '\\' && text.size() > 1 && is_ascii_letter(text[1])) {
      std::string_view name = command_name(text);
      // \quadx: the space was lost before a name.
      if (name.starts_with("quad")) name = name.substr(0, 4);
      if (name.starts_with("qquad")) name = name.substr(0, 5);
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
  constexpr std::string_view kTrailing = " \t\r\n*_\"'`.,;:?";
  const std::size_t first = text.find_first_not_of(kLeading);
  if (first == std::string_view::npos) return {};
  text.remove_prefix(first);
  const std::size_t last = text.find_last_not_of(kTrailing);
  if (last == std::string_view::npos) return {};
  // The dots of 0.333... are part of the number.
  const bool has_dots = is_ascii_digit(text[last]) && text.substr(last + 1).starts_with("...");
  return text.substr(0, last + (has_dots ? 4 : 1));
}

}  // namespace assay::verifiers
