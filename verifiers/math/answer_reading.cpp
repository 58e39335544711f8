#include "verifiers/math/answer_reading.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "verifiers/math/answer_extraction.h"
#include "verifiers/math/math_text.h"

namespace assay::verifiers {

namespace {

bool has_digit_comma(std::string_view plain) {
  for (std::size_t i = 1; i + 1 < plain.size(); ++i) {
    if (plain[i] == ',' && is_ascii_digit(plain[i - 1]) && is_ascii_digit(plain[i + 1]))
      return true;
  }
  return false;
}

// A comma can be a decimal point only where it is the only one, stands in no brackets and does not
// group thousands.
bool has_decimal_comma(std::string_view plain) {
  if (plain.find_first_of("()[]{}") != std::string_view::npos) return false;
  const std::size_t comma = plain.find(',');
  if (comma == std::string_view::npos || plain.find(',', comma + 1) != std::string_view::npos) {
    return false;
  }
  const std::size_t after = plain.find_first_not_of("0123456789", comma + 1);
  const std::size_t digits = (after == std::string_view::npos ? plain.size() : after) - comma - 1;
  return digits != 3 || plain.substr(0, comma) == "0" || plain.substr(0, comma) == "-0";
}

// "1073, checked": a list of a value and words is a sentence, not an answer.
bool is_sentence(const Node& node) {
  if (node.kind != NodeKind::kList || !node.name.empty()) return false;
  const auto words = std::count_if(node.children.begin(), node.children.end(),
                                   [](const Node& part) { return part.kind == NodeKind::kText; });
  return words > 0 && words < static_cast<std::ptrdiff_t>(node.children.size());
}

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" ~"), text.size()));
}

// Takes "(A)", "\textbf{(A)}" or "\text{(A) }" off the front of a text that goes on after it.
char take_label(std::string_view& plain) {
  std::string_view rest = plain;
  skip_spaces(rest);
  bool is_braced = false;
  for (const std::string_view command : {"\\textbf{", "\\text{", "\\mathrm{", "\\mathbf{"}) {
    if (!rest.starts_with(command)) continue;
    rest.remove_prefix(command.size());
    is_braced = true;
    break;
  }
  const bool is_label =
      rest.size() > 3 && rest[0] == '(' && rest[1] >= 'A' && rest[1] <= 'J' && rest[2] == ')';
  if (!is_label) return '\0';
  const char letter = rest[1];
  rest.remove_prefix(3);
  skip_spaces(rest);
  if (is_braced) {
    if (!rest.starts_with("}")) return '\0';
    rest.remove_prefix(1);
    skip_spaces(rest);
  }
  if (rest.empty()) return '\0';
  plain = rest;
  return letter;
}

}  // namespace

AnswerReading read_answer(std::string_view text, WorkBudget& budget) {
  AnswerReading reading{std::string(text), {}, text.size() > kAnswerBytesMax};
  if (reading.is_too_large) return reading;
  const std::string whole = plain_math(text);
  std::string_view plain = whole;
  reading.label = take_label(plain);
  std::vector<CommaMeaning> meanings = {CommaMeaning::kThousands};
  if (has_digit_comma(plain)) {
    meanings.push_back(CommaMeaning::kSeparator);
    if (has_decimal_comma(plain)) meanings.push_back(CommaMeaning::kDecimalPoint);
  }
  for (const CommaMeaning meaning : meanings) {
    ParseOutcome outcome = parse_answer(plain, meaning, budget);
    if (outcome.node && is_sentence(*outcome.node)) continue;
    if (outcome.node) reading.nodes.push_back(std::move(*outcome.node));
    reading.is_too_large =
        reading.is_too_large || (!outcome.node && outcome.failure == ParseFailure::kTooLarge);
  }
  return reading;
}

AnswerReading read_first_answer(const std::vector<std::string>& texts, WorkBudget& budget) {
  for (const std::string& text : texts) {
    AnswerReading reading = read_answer(text, budget);
    if (!reading.nodes.empty() || reading.is_too_large) return reading;
  }
  return {};
}

AnswerReading read_reference(std::string_view reference, WorkBudget& budget) {
  const bool is_solution = reference.find("\\boxed") != std::string_view::npos;
  if (!is_solution) {
    AnswerReading reading = read_answer(without_wrapping(reference), budget);
    if (!reading.nodes.empty() || reading.is_too_large) return reading;
  }
  if (const std::string_view broken = unclosed_box(reference); !broken.empty()) {
    return read_answer(without_wrapping(broken), budget);
  }
  ExtractedAnswer extracted = extract_answer(reference);
  if (extracted.is_last_resort) extracted.readings.pop_back();
  return read_first_answer(extracted.readings, budget);
}

std::string dense_text(std::string_view text) {
  const std::string plain = plain_math(text);
  std::string dense;
  bool has_space = false;
  for (const char character : plain) {
    if (character == ' ') {
      has_space = true;
      continue;
    }
    const bool splits_number =
        has_space && !dense.empty() && is_ascii_digit(dense.back()) && is_ascii_digit(character);
    if (splits_number) dense += ' ';
    dense += character;
    has_space = false;
  }
  return dense;
}

}  // namespace assay::verifiers
