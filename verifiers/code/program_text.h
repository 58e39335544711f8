// The program inside a completion: models write prose around it, fences, thoughts before it.
#pragma once

#include <string>
#include <string_view>

namespace assay::verifiers {

// The text after the last </think>; of that, where there are fenced blocks, the last one that is
// tagged with the language (or with nothing) and holds the word `entry_point`, or else the last
// such block; without fences all of it. A block that is never closed ends with the text. `language`
// is "python" or "cpp". The result is part of `completion`.
std::string_view extract_program(std::string_view completion, std::string_view language,
                                 std::string_view entry_point);

}  // namespace assay::verifiers
