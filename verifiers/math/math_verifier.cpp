#include "verifiers/math/math_verifier.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/limits.h"
#include "verifiers/math/answer_extraction.h"
#include "verifiers/math/answer_reading.h"
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

class MathVerifier final : public Verifier {
 public:
  MathVerifier(EquivalenceOptions options, bool reads_last_number)
      : options_(options), reads_last_number_(reads_last_number) {}

  std::string identity() const override { return "math/2"; }

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
    ExtractedAnswer extracted = extract_answer(completion);
    if (extracted.is_last_resort && !reads_last_number_) {
      extracted.readings.pop_back();
      extracted.reason = "a number in passing is not read";
    }
    if (extracted.readings.empty()) {
      return Verdict::incorrect(VerdictCode::kNoAnswer, "no answer: " + extracted.reason);
    }
    WorkBudget budget;
    const AnswerReading answer = read_first_answer(extracted.readings, budget);
    return compare(prompt, reference, extracted, answer, budget);
  }

  Verdict compare(const wire::Prompt& prompt, std::string_view reference,
                  const ExtractedAnswer& extracted, const AnswerReading& answer,
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
    if (dense_text(found) == dense_text(reference)) {
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
  AnswerComparison comparison(const AnswerReading& reference, std::string_view reference_text,
                              const AnswerReading& answer, WorkBudget& budget) const {
    if (reference.nodes.empty()) return {};
    if (const auto labels = compare_labels(reference, answer)) return {*labels};
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

  // "(A) 5" against "(B) 5", "A" or "B": the letters decide. Nothing where the values have to.
  static std::optional<Agreement> compare_labels(const AnswerReading& reference,
                                                 const AnswerReading& answer) {
    if (reference.label == '\0' && answer.label == '\0') return {};
    const auto letter_of = [](const AnswerReading& reading) {
      if (reading.label != '\0') return reading.label;
      const Node& node = reading.nodes.front();
      const bool is_letter = node.kind == NodeKind::kSymbol && node.name.size() == 1;
      return is_letter ? node.name[0] : '\0';
    };
    const char expected = letter_of(reference), given = letter_of(answer);
    if (expected == '\0' || given == '\0') return {};
    if (expected != given) return Agreement::kDifferent;
    const bool have_values = reference.label != '\0' && answer.label != '\0';
    return have_values ? std::nullopt : std::optional(Agreement::kEqual);
  }

  // `37*29` is worth 1073, but as an answer to "What is 37*29?" it shows no work at all.
  static bool repeats_prompt(std::string_view prompt, std::string_view found,
                             const AnswerReading& answer) {
    if (prompt.empty() || answer.nodes.empty()) return false;
    const NodeKind kind = answer.nodes.front().kind;
    const bool is_worked_out = kind != NodeKind::kSum && kind != NodeKind::kProduct &&
                               kind != NodeKind::kQuotient && kind != NodeKind::kPower &&
                               kind != NodeKind::kFactorial;
    if (is_worked_out || dense_text(found).find_first_of("+*!^") == std::string::npos) {
      const bool has_operator = dense_text(found).find("\\times") != std::string::npos ||
                                dense_text(found).find("-", 1) != std::string::npos;
      if (is_worked_out || !has_operator) return false;
    }
    return dense_text(prompt).find(dense_text(found)) != std::string::npos;
  }

  EquivalenceOptions options_;
  bool reads_last_number_;
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
  const std::vector<std::string> extract = reader.read_words("extract", {"latex", "expr", "boxed"});
  const bool reads_last_number =
      extract.empty() || std::find(extract.begin(), extract.end(), "expr") != extract.end();
  if (auto finished = reader.finish(); !finished) return finished.error();
  return std::unique_ptr<Verifier>(std::make_unique<MathVerifier>(options, reads_last_number));
}

}  // namespace assay::verifiers
