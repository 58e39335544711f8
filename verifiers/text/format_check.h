// FormatCheck: whether a text has a declared form.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"
#include "verifiers/text/json_schema.h"

namespace assay::verifiers {

// The names of the forms:
//   think_answer  <think>...</think><answer>...</answer>, each once, in this order, neither empty,
//                 nothing but white space around them
//   tags          the same with the tags named
//   json          one JSON value, perhaps one that a schema allows
//   boxed         exactly one closed \boxed{...} that is not empty
//   number        a decimal number and nothing else
//   code_block    at least one closed ``` block that is not empty, no block left open
//   single_line   one line of text
const std::vector<std::string>& format_names();

class FormatCheck {
 public:
  // `name` is one of format_names(); `tags` is for the form tags, `schema_json` for json (may be
  // empty). Errors: kInvalidInput for a schema that is refused or tags that are no names.
  static Result<FormatCheck> make(std::string_view name, std::vector<std::string> tags,
                                  std::string_view schema_json);

  // Why the text does not have the form; nothing where it has.
  std::optional<std::string> complaint_about(std::string_view text) const;

 private:
  std::string name_;
  std::vector<std::string> tags_;
  std::optional<JsonSchema> schema_;
};

}  // namespace assay::verifiers
