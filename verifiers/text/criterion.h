// Criterion: one thing that a rubric asks of a text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/core/json.h"
#include "runtime/core/result.h"
#include "verifiers/text/prose.h"

namespace assay::verifiers {

// A text and what was taken out of it, once for all criteria.
struct JudgedText {
  explicit JudgedText(std::string_view of) : text(of), prose(of) {}
  std::string_view text;
  Prose prose;
};

struct CriterionResult {
  bool is_met = false;
  std::string reason;
};

class Criterion {
 public:
  virtual ~Criterion() = default;
  virtual CriterionResult judge(const JudgedText& judged) const = 0;
  // Whether it looks for words or counts them, so that a text can meet it and say nothing.
  virtual bool is_keyword_presence() const = 0;

  std::string name;
  double weight = 1;
  bool is_hard = false;  // unless it is met the whole text is worth nothing
};

// A criterion as an object {"type": ..., "weight": 1, "hard": false, ...} or as a line of text. The
// types, their keys, and the lines that mean the same:
//   contains {text, at_least (1), first_chars, anywhere (false)}
//                                     'X' · 'X' in first 300 chars · >=2 'X'
//   not_contains {text}               no 'X'
//   count {of: words|sentences|paragraphs|chars, min, max}
//                                     300..500 words · >=300 words · <=5 sentences
//   regex {pattern, at_least (1), negate (false), ignore_case (false)}   /X/
//   near {first, second, words (10)}  'X' near 'Y' · 'X' within 5 words of 'Y'
//   order {texts}                     'X' before 'Y'
//   code_block {}                     ```
//   format {format, tags, schema}     as the format verifier has them
// A word counts where it is used in earnest (Prose::uses_of); with "anywhere" it counts wherever
// it stands. Letter case does not matter to words.
// Errors: kInvalidInput naming what is wrong.
Result<std::unique_ptr<Criterion>> make_criterion(const std::string& name, const Json& description);

}  // namespace assay::verifiers
