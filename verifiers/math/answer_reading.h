// AnswerReading: an answer's text, and all that it can mean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "verifiers/math/exact_number.h"
#include "verifiers/math/expression.h"

namespace assay::verifiers {

// A comma can mean several things: 1,234 is a number or a list of two. Every reading that parses is
// kept.
struct AnswerReading {
  std::string text;         // as found
  std::vector<Node> nodes;  // empty where nothing parses
  bool is_too_large = false;
  // Of "(A) 5": the letter of a multiple-choice question in front of the value; 0 where there is
  // none. The nodes are the value then.
  char label = '\0';
};

AnswerReading read_answer(std::string_view text, WorkBudget& budget);

// The first text that parses. One that is too large to parse ends the search: a shorter piece of it
// would be another answer.
AnswerReading read_first_answer(const std::vector<std::string>& texts, WorkBudget& budget);

// A reference is usually the bare answer; a whole solution is searched like a completion, but never
// for just its last number.
AnswerReading read_reference(std::string_view reference, WorkBudget& budget);

// The text with its spaces left out, those between two digits excepted, in its plain spelling.
std::string dense_text(std::string_view text);

}  // namespace assay::verifiers
