// Mathematical text as models write it, brought into one plain form before it is parsed.
#pragma once

#include <string>
#include <string_view>

namespace assay::verifiers {

// The same mathematics in ASCII: Unicode operators, fractions and superscripts in their LaTeX
// spelling, invisible characters removed, spacing and sizing commands dropped, `{,}` a comma,
// dollar signs and other math delimiters a space. Letters and digits of other scripts are kept as
// they are, so `٤٢` does not read as 42. The text must be valid UTF-8. At most six times as long.
std::string plain_math(std::string_view text);

// Without white space, emphasis marks, quotes and closing punctuation at both ends.
std::string_view without_wrapping(std::string_view text);

bool is_ascii_digit(char character);
bool is_ascii_letter(char character);
char ascii_lower(char character);

// The first place of `needle` (lower-case ASCII) at or after `from`, letter case ignored; npos.
std::size_t find_ignoring_case(std::string_view text, std::string_view needle, std::size_t from);

}  // namespace assay::verifiers
