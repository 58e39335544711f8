// Finds the text of the final answer in a completion.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::verifiers {

struct ExtractedAnswer {
  // What may be the answer, best reading first: the same place of the completion, cut at different
  // ends. The first that parses is the answer. Empty where there is none.
  std::vector<std::string> readings;
  std::string reason;           // why there is none
  bool is_marked = false;       // a box, `####` or "the answer is" pointed at it
  bool is_last_resort = false;  // the last reading is just the last number of the text
};

// The last statement of an answer counts: a \boxed{...} (several with nothing but "and", "or" or a
// comma between them are one list), a `####` line, an <answer> tag, or words such as "the final
// answer is"; of those only the last 16 are read. Without any, a completion that is one value as a
// whole, else its last formula or number. Text up to the last </think> is not looked at; with an
// open <think> there is no answer. A negated statement ("is not 42") or a hedge is no answer. The
// text is valid UTF-8 of bounded size; the time taken is proportional to it.
ExtractedAnswer extract_answer(std::string_view completion);

// What stands in the last \boxed{ of a text that ends before its brace closes; empty where there is
// none. For references alone: a completion that breaks off has not answered.
std::string_view unclosed_box(std::string_view text);

}  // namespace assay::verifiers
