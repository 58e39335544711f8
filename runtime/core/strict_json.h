// JSON that every reader understands alike: checked before any of it is used.
#pragma once

#include <cstddef>
#include <string_view>

#include "runtime/core/limits.h"
#include "runtime/core/result.h"

namespace assay {

// Succeeds when the text is exactly one JSON value in valid UTF-8 whose objects repeat no key and
// which nests at most `depth_max` deep. Readers disagree on which of two equal keys counts, so a
// file that repeats one can mean two things. Takes memory in proportion to the depth and the keys.
// Errors: kCorrupt, with the byte offset in the message.
Result<void> check_strict_json(std::string_view text,
                               std::size_t depth_max = limits::kNestingDepthMax);

}  // namespace assay
