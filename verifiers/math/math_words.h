// The words of answers: functions, units, and English that is neither.
#pragma once

#include <string>
#include <string_view>

namespace assay::verifiers {

bool is_function_name(std::string_view word);   // sin, ln, gcd, ...; case counts
bool is_undefined_word(std::string_view word);  // nan, undefined, ...; in lower case
// English or a unit of three or four letters that must not be read as a product of letters.
bool is_known_word(std::string_view word);
bool is_short_english(std::string_view word);      // of two letters, in lower case
bool is_greek_letter_name(std::string_view name);  // of a LaTeX command: alpha, Omega, ell, ...

// Whether the word may be part of a unit: no function, no name of a number, no hedge. Words of two
// letters must be a known unit to begin one.
bool may_be_unit(std::string_view word, bool is_first);

std::string lower_case(std::string_view word);
// Without the s of a plural.
std::string singular(std::string word);

}  // namespace assay::verifiers
