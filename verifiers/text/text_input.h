// What every verifier of text refuses before it looks closer.
#pragma once

#include <optional>
#include <string_view>

#include "runtime/wire/verdict.h"

namespace assay::verifiers {

// The verdict on a completion that is too long (output_limit), not UTF-8 (malformed) or nothing but
// white space (no_answer); nothing where it can be judged.
std::optional<wire::Verdict> refused_input(std::string_view completion);

// What follows the last </think>. Nothing where a thought was begun and never ended.
std::optional<std::string_view> visible_part(std::string_view completion);

}  // namespace assay::verifiers
