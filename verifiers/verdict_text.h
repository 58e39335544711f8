// The words and stamps that all verdicts share.
#pragma once

#include <string>
#include <string_view>

#include "runtime/wire/verdict.h"

namespace assay::verifiers {

// Foreign text fit for a one-line reason: in quotes, shortened to about 60 bytes at a character's
// border, control characters and broken UTF-8 replaced.
std::string quoted(std::string_view text);

// The verdict with the judge's identity and the hash of the exact bytes judged.
wire::Verdict stamped(wire::Verdict verdict, std::string_view identity,
                      std::string_view completion);

// Without ASCII white space at either end.
std::string_view trimmed(std::string_view text);

bool is_valid_utf8(std::string_view text);

}  // namespace assay::verifiers
