#include "runtime/text/char_tokenizer.h"

#include <utility>

#include "runtime/core/limits.h"

namespace assay::text {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_printable(char character) {
  return character >= ' ' && character <= '~';
}

std::string shown(char character) {
  if (is_printable(character)) return std::string("'") + character + "'";
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(character);
  return std::string("byte 0x") + kHex[byte >> 4] + kHex[byte & 15];
}

Error invalid(std::string message, std::string remedy) {
  return {ErrorCode::kInvalidInput, std::move(message), std::move(remedy), "", ""};
}

}  // namespace

CharTokenizer::CharTokenizer(std::string_view alphabet, char end_symbol)
    : alphabet_(alphabet), end_symbol_(end_symbol) {
  token_of_.fill(-1);
  token_of_[static_cast<unsigned char>(end_symbol)] = 0;
  for (std::size_t i = 0; i < alphabet_.size(); ++i) {
    token_of_[static_cast<unsigned char>(alphabet_[i])] = static_cast<TokenId>(i + 1);
  }
}

Result<CharTokenizer> CharTokenizer::create(std::string_view alphabet, char end_symbol) {
  const std::string remedy = "list each printable ASCII character once, without the end symbol";
  if (alphabet.empty()) return invalid("the tokenizer's alphabet is empty", remedy);
  if (!is_printable(end_symbol)) {
    return invalid("the end symbol " + shown(end_symbol) + " is not printable ASCII", remedy);
  }
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    const char character = alphabet[i];
    if (!is_printable(character) || character == end_symbol ||
        alphabet.substr(0, i).find(character) != std::string_view::npos) {
      return invalid("the tokenizer's alphabet may not hold " + shown(character) + " at offset " +
                         std::to_string(i),
                     remedy);
    }
  }
  return CharTokenizer(alphabet, end_symbol);
}

Result<std::vector<TokenId>> CharTokenizer::encode(std::string_view text) const {
  if (text.size() > limits::kSequenceTokensMax) {
    return Error{ErrorCode::kExhausted,
                 "a text of " + std::to_string(text.size()) + " characters exceeds the limit of " +
                     std::to_string(limits::kSequenceTokensMax) + " tokens",
                 "shorten it", "", ""};
  }
  std::vector<TokenId> tokens;
  tokens.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const TokenId token = token_of_[static_cast<unsigned char>(text[i])];
    if (token < 0) {
      return invalid("no token for " + shown(text[i]) + " at offset " + std::to_string(i),
                     "this tokenizer knows only \"" + alphabet_ + "\" and the end symbol " +
                         shown(end_symbol_));
    }
    tokens.push_back(token);
  }
  return tokens;
}

std::string CharTokenizer::decode(std::span<const TokenId> tokens) const {
  std::string text;
  text.reserve(tokens.size());
  for (const TokenId token : tokens) {
    if (token == eos_token()) continue;
    if (token > 0 && static_cast<std::size_t>(token) <= alphabet_.size()) {
      text += alphabet_[static_cast<std::size_t>(token) - 1];
    } else {
      text += kReplacement;
    }
  }
  return text;
}

std::string CharTokenizer::describe() const {
  return "char: " + std::to_string(vocab_size()) + " tokens, \"" + alphabet_ + "\" and the end " +
         shown(end_symbol_);
}

}  // namespace assay::text
