#include "verifiers/math/math_verifier.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/limits.h"
#include "verifiers/math/answer_extraction.h"
#include "verifiers/math/equivalence.h"
#include "verifiers/math/evaluation.h"
#include "verifiers/math/expression.h"
#include "verifiers/math/math_text.h"
#include "verifiers/option_reader.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

using wire::Verdict;
using wire::VerdictCode;

// An answer and all that its commas can mean: 1,234 is a number or a list of two.
struct Reading {
  std::string text;  // as found
  std::vector<Node> nodes;
  bool is_too_large = false;
};

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

Reading read(std::string_view text, WorkBudget& budget) {
  Reading reading{std::string(text), {}, text.size() > kAnswerBytesMax};
  if (reading.is_too_large) return reading;
  const std::string plain = plain_math(text);
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

// The first reading that parses. One that is too large to parse ends the search: a shorter piece of
// it would be another answer.
Reading read_first(const std::vector<std::string>& texts, WorkBudget& budget) {
  for (const std::string& text : texts) {
    Reading reading = read(text, budget);
    if (!reading.nodes.empty() || reading.is_too_large) return reading;
  }
  return {};
}

std::string without_spaces(std::string_view text) {
  std::string dense;
  for (const char character : plain_math(text)) {
    if (character != ' ') dense += character;
  }
  return dense;
}

class MathVerifier final : public Verifier {
 public:
  explicit MathVerifier(EquivalenceOptions options) : options_(options) {}

  std::string identity() const override { return "math/1"; }

  Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return stamped(judge(prompt, completion), identity(), completion);
  }

 private:
  Verdict judge(const wire::Prompt& prompt, std::string_view completion) const {
    const std::string_view reference = prompt.reference;
    if (reference.size() > limits::kVerifierInputBytesMax || !is_valid_utf8(reference)) {
      return Verdict::unscored(VerdictCode::kInternalError,
                               "the reference answer is too long or not UTF-8");
    }
    if (completion.size() > limits::kVerifierInputBytesMax) {
      return Verdict::incorrect(VerdictCode::kOutputLimit,
                                "the completion has " + std::to_string(completion.size()) +
                                    " bytes, more than " +
                                    std::to_string(limits::kVerifierInputBytesMax));
    }
    if (!is_valid_utf8(completion)) {
      return Verdict::incorrect(VerdictCode::kMalformed, "the completion is not valid UTF-8");
    }
    const ExtractedAnswer extracted = extract_answer(completion);
    if (extracted.readings.empty()) {
      return Verdict::incorrect(VerdictCode::kNoAnswer, "no answer: " + extracted.reason);
    }
    WorkBudget budget;
    const Reading answer = read_first(extracted.readings, budget);
    return compare(prompt, reference, extracted, answer, budget);
  }

  // A reference is usually the bare answer; a whole solution is searched like a completion.
  static Reading read_reference(std::string_view reference, WorkBudget& budget) {
    const bool is_solution = reference.find("\\boxed") != std::string_view::npos;
    if (!is_solution) {
      Reading reading = read(without_wrapping(reference), budget);
      if (!reading.nodes.empty() || reading.is_too_large) return reading;
    }
    if (const std::string_view broken = unclosed_box(reference); !broken.empty()) {
      return read(without_wrapping(broken), budget);
    }
    ExtractedAnswer extracted = extract_answer(reference);
    // A reference is never guessed from the last number of a text.
    if (extracted.is_last_resort) extracted.readings.pop_back();
    return read_first(extracted.readings, budget);
  }

  Verdict compare(const wire::Prompt& prompt, std::string_view reference,
                  const ExtractedAnswer& extracted, const Reading& answer,
                  WorkBudget& budget) const {
    const std::string& found = answer.text.empty() ? extracted.readings.front() : answer.text;
    const std::string expected = "expected " + quoted(reference);
    for (const Node& node : answer.nodes) {
      if (is_undefined(node, budget)) {
        return Verdict::incorrect(VerdictCode::kWrongAnswer,
                                  "the answer " + quoted(found) + " has no value, " + expected);
      }
    }
    if (repeats_prompt(prompt.text, found, answer)) {
      return Verdict::incorrect(
          VerdictCode::kWrongAnswer,
          "the answer " + quoted(found) + " only repeats the prompt without working it out");
    }
    if (without_spaces(found) == without_spaces(reference)) {
      return Verdict::correct("the answer " + quoted(found) + " is the reference");
    }
    if (answer.is_too_large) {
      return Verdict::incorrect(VerdictCode::kUndecided,
                                "the answer " + quoted(found) + " exceeds the limits, " + expected);
    }
    if (answer.nodes.empty()) {
      return Verdict::incorrect(VerdictCode::kNoAnswer,
                                "the answer " + quoted(found) + " cannot be read, " + expected);
    }
    return decide(comparison(read_reference(reference, budget), reference, answer, budget), found,
                  expected);
  }

  static Verdict decide(const AnswerComparison& comparison, std::string_view found,
                        const std::string& expected) {
    const std::string shown = "the answer " + quoted(found);
    switch (comparison.agreement) {
      case Agreement::kEqual:
        // Balls that agree are evidence, not a proof; whoever reads the record can tell.
        return Verdict::correct(shown +
                                (comparison.is_numeric ? " agrees with the reference numerically, "
                                                       : " equals the reference, ") +
                                expected);
      case Agreement::kDifferent:
        return Verdict::incorrect(VerdictCode::kWrongAnswer, shown + " is wrong, " + expected);
      case Agreement::kUndecided:
        break;
    }
    return Verdict::incorrect(VerdictCode::kUndecided,
                              shown + " was neither proved nor refuted, " + expected);
  }

  // The best agreement of any two readings.
  AnswerComparison comparison(const Reading& reference, std::string_view reference_text,
                              const Reading& answer, WorkBudget& budget) const {
    if (reference.nodes.empty()) return {};
    AnswerComparison best{Agreement::kDifferent};
    for (const Node& expected : reference.nodes) {
      for (const Node& given : answer.nodes) {
        const AnswerComparison found =
            compare_answers(expected, given, reference_text, options_, budget);
        if (found.agreement == Agreement::kEqual) return found;
        if (found.agreement == Agreement::kUndecided) best = found;
      }
    }
    return best;
  }

  // `37*29` is worth 1073, but as an answer to "What is 37*29?" it shows no work at all.
  static bool repeats_prompt(std::string_view prompt, std::string_view found,
                             const Reading& answer) {
    if (prompt.empty() || answer.nodes.empty()) return false;
    const NodeKind kind = answer.nodes.front().kind;
    const bool is_worked_out = kind != NodeKind::kSum && kind != NodeKind::kProduct &&
                               kind != NodeKind::kQuotient && kind != NodeKind::kPower &&
                               kind != NodeKind::kFactorial;
    if (is_worked_out || without_spaces(found).find_first_of("+*!^") == std::string::npos) {
      const bool has_operator = without_spaces(found).find("\\times") != std::string::npos ||
                                without_spaces(found).find("-", 1) != std::string::npos;
      if (is_worked_out || !has_operator) return false;
    }
    return without_spaces(prompt).find(without_spaces(found)) != std::string::npos;
  }

  EquivalenceOptions options_;
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_math_verifier(std::string_view options_json) {
  constexpr std::int64_t kFloatDigitsMax = 30;
  OptionReader reader("math", options_json);
  EquivalenceOptions options;
  options.float_digits =
      static_cast<int>(reader.read_integer("float_digits", 0, 0, kFloatDigitsMax));
  options.compares_sets_with_relations = reader.read_bool("allow_set_relation_comparison", false);
  options.is_strict = reader.read_bool("strict", true);
  reader.read_words("extract", {"latex", "expr", "boxed"});
  if (auto finished = reader.finish(); !finished) return finished.error();
  return std::unique_ptr<Verifier>(std::make_unique<MathVerifier>(options));
}

}  // namespace assay::verifiers
