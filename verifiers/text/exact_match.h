// Exact match: the completion is the reference, byte for byte, white space around it aside.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// Options: "ignore_case" (false): ASCII letters only; "trim" (true): white space at both ends.
Result<std::unique_ptr<Verifier>> make_exact_match(std::string_view options_json);

}  // namespace assay::verifiers
