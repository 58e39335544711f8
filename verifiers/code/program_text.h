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

// The whole program of a completion that only goes on where a Python prompt stops: where the prompt
// defines `entry_point` and `program` does not, prompt and completion together; else `program`.
std::string continued_program(std::string_view prompt, std::string_view completion,
                              std::string_view program, std::string_view entry_point);

}  // namespace assay::verifiers
