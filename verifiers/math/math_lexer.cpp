#include "verifiers/math/math_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "verifiers/math/math_text.h"

namespace assay::verifiers {

namespace {

constexpr std::array<std::string_view, 25> kTransparentCommands = {
    "text",   "textnormal",   "textsf",  "mbox",   "mathrm", "textbf", "mathbf", "textit", "mathit",
    "mathsf", "operatorname", "textrm",  "boxed",  "fbox",   "mathbb", "Bbb",    "emph",   "hbox",
    "bm",     "boldsymbol",   "mathcal", "mathop", "texttt", "rm",     "bf"};

class Lexer {
 public:
  Lexer(std::string_view text, CommaMeaning comma) : text_(text), comma_(comma) {}

  std::vector<Token> run() {
    while (place_ < text_.size()) step();
    tokens_.push_back({});
    return std::move(tokens_);
  }

 private:
  char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }

  void step() {
    const char character = text_[place_];
    if (character == ' ') {
      ++place_;
    } else if (is_ascii_digit(character) || (character == '.' && is_ascii_digit(at(place_ + 1)))) {
      lex_number();
    } else if (is_word_character(character)) {
      lex_word();
    } else if (character == '\\') {
      lex_command();
    } else {
      lex_mark(character);
    }
  }

  static bool is_word_character(char character) {
    return is_ascii_letter(character) || static_cast<unsigned char>(character) >= 0x80;
  }

  void lex_word() {
    const std::size_t start = place_;
    while (is_word_character(at(place_))) ++place_;
    tokens_.push_back({TokenKind::kWord, std::string(text_.substr(start, place_ - start))});
  }

  void lex_mark(char character) {
    ++place_;
    if (character == '{') open_groups_.push_back(false);
    if (character == '}' && !open_groups_.empty()) {
      const bool is_transparent = open_groups_.back();
      open_groups_.pop_back();
      if (is_transparent) return;
    }
    tokens_.push_back({TokenKind::kMark, std::string(1, character)});
  }

  void lex_command() {
    ++place_;
    if (!is_ascii_letter(at(place_))) {
      if (place_ < text_.size()) {
        tokens_.push_back({TokenKind::kCommand, std::string(1, text_[place_++])});
      }
      return;
    }
    const std::size_t start = place_;
    while (is_ascii_letter(at(place_))) ++place_;
    const std::string_view name = text_.substr(start, place_ - start);
    if (std::find(kTransparentCommands.begin(), kTransparentCommands.end(), name) !=
        kTransparentCommands.end()) {
      std::size_t brace = place_;
      while (at(brace) == ' ') ++brace;
      if (at(brace) == '{') {
        open_groups_.push_back(true);
        place_ = brace + 1;
      }
      return;  // \mathbb R: without braces only the name is left out
    }
    tokens_.push_back({TokenKind::kCommand, std::string(name)});
  }

  std::size_t digits_end(std::size_t place) const {
    while (is_ascii_digit(at(place))) ++place;
    return place;
  }

  // The end of 1,234,567 or 1 234 567 from its first digit; nothing moves where the groups are not
  // all of three.
  std::size_t grouped_end(std::size_t start) const {
    const std::size_t head = digits_end(start);
    const char separator = at(head);
    if (separator != ',' && separator != ' ') return head;
    std::size_t end = head;
    while (at(end) == separator && digits_end(end + 1) == end + 4) end += 4;
    const bool goes_on = at(end) == separator && is_ascii_digit(at(end + 1));
    if (head - start > 3 || goes_on || (text_[start] == '0' && end > head)) return head;
    if (separator == ' ' && (at(end) == '/' || at(end) == '_')) return head;
    return end;
  }

  void lex_number() {
    const std::size_t start = place_;
    std::size_t end = comma_ == CommaMeaning::kThousands ? grouped_end(start) : digits_end(start);
    const bool is_decimal_comma =
        comma_ == CommaMeaning::kDecimalPoint && at(end) == ',' && is_ascii_digit(at(end + 1));
    if ((at(end) == '.' && is_ascii_digit(at(end + 1))) || is_decimal_comma) {
      end = digits_end(end + 1);
    } else if (at(end) == '.' && end > start && (at(end + 1) == 'e' || at(end + 1) == 'E')) {
      ++end;  // 1.e3
    }
    std::string digits;
    for (const char character : text_.substr(start, end - start)) {
      if (character == ',' && is_decimal_comma) digits += '.';
      if (character != ',' && character != ' ') digits += character;
    }
    if (const std::size_t repeat_end = lex_repeating(end, digits); repeat_end != end) {
      place_ = repeat_end;
      tokens_.push_back({TokenKind::kNumber, std::move(digits)});
      return;
    }
    const std::size_t exponent_end = exponent_after(end);
    digits += text_.substr(end, exponent_end - end);
    place_ = exponent_end;
    tokens_.push_back({TokenKind::kNumber, std::move(digits)});
  }

  // The end of what says that digits repeat: 0.\overline{3}, 0.1\overline{6}, 0.(3), 0.333...; the
  // same place where nothing does. The repeating digits are appended after kRepeats.
  std::size_t lex_repeating(std::size_t end, std::string& digits) const {
    const std::string_view rest = text_.substr(end);
    const bool has_point = digits.find('.') != std::string::npos;
    if (has_point && (rest.starts_with("...") || rest.starts_with("\\ldots") ||
                      rest.starts_with("\\dots") || rest.starts_with("\u2026"))) {
      return lex_ellipsis(end, digits);
    }
    std::size_t open = end;
    if (!has_point) {
      if (at(open) != '.') return end;
      ++open;
    }
    std::size_t period = open;
    char close = '}';
    for (const std::string_view command : {"\\overline{", "\\bar{", "\\dot{"}) {
      if (text_.substr(open).starts_with(command)) period = open + command.size();
    }
    if (period == open && !has_point && at(open) == '(') {
      period = open + 1;
      close = ')';
    }
    const std::size_t period_end = digits_end(period);
    if (period == open || period_end == period || at(period_end) != close) return end;
    if (!has_point) digits += '.';
    digits += kRepeats;
    digits += text_.substr(period, period_end - period);
    return period_end + 1;
  }

  // 0.333... and 0.1818...: the shortest run of digits that the decimals end with at least twice,
  // three times where it is a single digit. Without one the dots say nothing.
  std::size_t lex_ellipsis(std::size_t end, std::string& digits) const {
    const std::string decimals = digits.substr(digits.find('.') + 1);
    for (std::size_t length = 1; length * 2 <= decimals.size() && length <= 12; ++length) {
      const std::string period = decimals.substr(decimals.size() - length);
      const std::size_t times = length == 1 ? 3 : 2;
      bool repeats = length * times <= decimals.size();
      for (std::size_t i = 1; repeats && i <= times; ++i) {
        repeats = decimals.compare(decimals.size() - i * length, length, period) == 0;
      }
      if (!repeats) continue;
      digits += kRepeats + period;
      const std::size_t dots = at(end) == '.' ? 3 : (at(end) == '\\' ? 0 : 3);
      std::size_t past = end + dots;
      if (dots == 0) {
        ++past;
        while (is_ascii_letter(at(past))) ++past;
      }
      return past;
    }
    return end;
  }

  // e+12 directly after a number, unless a letter follows; else the same place.
  std::size_t exponent_after(std::size_t end) const {
    if (at(end) != 'e' && at(end) != 'E') return end;
    std::size_t digits = end + 1;
    if (at(digits) == '+' || at(digits) == '-') ++digits;
    const std::size_t last = digits_end(digits);
    return last == digits || is_word_character(at(last)) ? end : last;
  }

  std::string_view text_;
  CommaMeaning comma_;
  std::size_t place_ = 0;
  std::vector<bool> open_groups_;  // true where the braces belong to a transparent command
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex_math(std::string_view plain, CommaMeaning comma) {
  return Lexer(plain, comma).run();
}

}  // namespace assay::verifiers
