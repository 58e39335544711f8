// FormatVerifier: the completion has a declared form, whatever it says.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// Options: "format" (think_answer), one of format_names() in format_check.h; "tags" for the format
// tags; "schema" for json, a JSON schema in the subset of json_schema.h. The reference is not read.
//   incorrect: no_answer (empty), malformed (another form, not UTF-8), output_limit (too long).
Result<std::unique_ptr<Verifier>> make_format_verifier(std::string_view options_json);

}  // namespace assay::verifiers
