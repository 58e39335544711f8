#include "verifiers/text/choice.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "verifiers/option_reader.h"
#include "verifiers/text/choice_statement.h"
#include "verifiers/text/text_input.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

std::string listed(const std::set<char>& letters) {
  std::string list;
  for (const char letter : letters) list += (list.empty() ? "" : ", ") + std::string(1, letter);
  return list;
}

class Choice final : public Verifier {
 public:
  Choice(ChoiceSet choices, bool is_multiple)
      : choices_(std::move(choices)), is_multiple_(is_multiple) {}

  std::string identity() const override { return "choice/1"; }

  wire::Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return stamped(judge(prompt, completion), identity(), completion);
  }

 private:
  wire::Verdict judge(const wire::Prompt& prompt, std::string_view completion) const {
    const std::set<char> expected = choices_of_reference(prompt.reference, choices_);
    if (expected.empty()) {
      return wire::Verdict::unscored(
          wire::VerdictCode::kInternalError,
          "the reference " + quoted(prompt.reference) + " names none of the choices");
    }
    if (auto refused = refused_input(completion)) return *refused;
    const auto visible = visible_part(completion);
    if (!visible) return no_answer("the completion ends inside its reasoning");
    const ChoiceStatement statement = last_choice(*visible, choices_);
    if (statement.letters.empty()) return no_answer(statement.reason);
    const bool may_be_several = is_multiple_ || expected.size() > 1;
    if (statement.letters.size() > 1 && !may_be_several) {
      return no_answer("several choices are named: " + listed(statement.letters));
    }
    const std::string what =
        "the choice is " + listed(statement.letters) + ", expected " + listed(expected);
    if (statement.letters == expected) return wire::Verdict::correct(what);
    return wire::Verdict::incorrect(wire::VerdictCode::kWrongAnswer, what);
  }

  static wire::Verdict no_answer(const std::string& reason) {
    return wire::Verdict::incorrect(wire::VerdictCode::kNoAnswer, "no choice: " + reason);
  }

  ChoiceSet choices_;
  bool is_multiple_;
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_choice(std::string_view options_json) {
  constexpr std::size_t kTextsMax = 26;
  OptionReader options("choice", options_json);
  ChoiceSet choices;
  choices.letters = options.read_text("letters", "ABCDEFGHIJ", 26);
  choices.texts = options.read_texts("texts", kTextsMax);
  const bool is_multiple = options.read_bool("multiple", false);
  const bool are_letters =
      !choices.letters.empty() &&
      std::all_of(choices.letters.begin(), choices.letters.end(),
                  [](char letter) { return letter >= 'A' && letter <= 'Z'; }) &&
      std::set<char>(choices.letters.begin(), choices.letters.end()).size() ==
          choices.letters.size();
  if (!are_letters) {
    options.refuse("\"letters\" are not different capital letters", R"(for example "ABCD")");
  }
  if (choices.texts.size() > choices.letters.size()) {
    options.refuse("there are more \"texts\" than \"letters\"", "give every text its letter");
  }
  if (!choices.texts.empty()) choices.letters.resize(choices.texts.size());
  if (auto finished = options.finish(); !finished) return finished.error();
  return std::unique_ptr<Verifier>(std::make_unique<Choice>(std::move(choices), is_multiple));
}

}  // namespace assay::verifiers
