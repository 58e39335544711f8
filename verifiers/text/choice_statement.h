// Finds the choice that a text settles on.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace assay::verifiers {

struct ChoiceSet {
  std::string letters;             // capital, each once
  std::vector<std::string> texts;  // what they say, in the same order; may be empty
};

struct ChoiceStatement {
  std::set<char> letters;  // all that the last statement names; empty where there is none
  std::string reason;      // why there is none
};

// The letters of the last statement in a text that is valid UTF-8 of bounded size. A letter counts
// where it stands alone: the article "a" and the pronoun "I" do not.
ChoiceStatement last_choice(std::string_view text, const ChoiceSet& choices);

// The letters that a reference names: "B", "(b)", "B. Paris", "A, C", "AC", or one of the texts.
std::set<char> choices_of_reference(std::string_view reference, const ChoiceSet& choices);

}  // namespace assay::verifiers
