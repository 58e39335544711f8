// Criteria written as a line: 300..500 words, >=2 'example', 'X' before 'Y'.
#pragma once

#include <string_view>

#include "runtime/core/json.h"
#include "runtime/core/result.h"

namespace assay::verifiers {

// The object that the line stands for; see make_criterion() for the lines there are.
// Errors: kInvalidInput for any other line, with the forms in the remedy.
Result<Json> criterion_of_line(std::string_view line);

}  // namespace assay::verifiers
