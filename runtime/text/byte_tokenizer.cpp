#include "runtime/text/byte_tokenizer.h"

#include "runtime/core/limits.h"

namespace assay::text {

Result<std::vector<TokenId>> ByteTokenizer::encode(std::string_view text) const {
  if (text.size() > limits::kSequenceTokensMax) {
    return Error{ErrorCode::kExhausted,
                 "a text of " + std::to_string(text.size()) + " bytes exceeds the limit of " +
                     std::to_string(limits::kSequenceTokensMax) + " tokens",
                 "shorten it", "", ""};
  }
  std::vector<TokenId> tokens;
  tokens.reserve(text.size());
  for (const char character : text) tokens.push_back(static_cast<unsigned char>(character));
  return tokens;
}

std::string ByteTokenizer::decode(std::span<const TokenId> tokens) const {
  std::string text;
  text.reserve(tokens.size());
  for (const TokenId token : tokens) {
    if (token == eos_token()) continue;
    if (token >= 0 && token < 256) {
      text += static_cast<char>(static_cast<unsigned char>(token));
    } else {
      text += "\xEF\xBF\xBD";
    }
  }
  return text;
}

std::string ByteTokenizer::describe() const {
  return "byte: 256 byte values and an end token";
}

}  // namespace assay::text
