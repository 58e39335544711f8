// The tokens of mathematical text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "verifiers/math/expression.h"

namespace assay::verifiers {

// In the text of a number token: the digits after it repeat for ever.
inline constexpr char kRepeats = 'r';

enum class TokenKind { kNumber, kWord, kCommand, kMark, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // of a command without its backslash; of a number without thousands commas
};

// Splits plain_math() text into tokens, an end token last. The content of \text{...}, \mathrm{...}
// and their like is split in place, as if the command were not there; so is that of \boxed{...}.
std::vector<Token> lex_math(std::string_view plain, CommaMeaning comma);

}  // namespace assay::verifiers
