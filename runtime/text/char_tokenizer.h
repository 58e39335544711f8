// CharTokenizer: one token for each character of a small alphabet given at construction.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer.h"

namespace assay::text {

class CharTokenizer final : public Tokenizer {
 public:
  // Token 0 is the end token, written `end_symbol` in text that is encoded; token i + 1 is
  // alphabet[i].
  // Errors: kInvalidInput when the alphabet is empty, repeats a character, holds the end symbol,
  // or either is not printable ASCII.
  static Result<CharTokenizer> create(std::string_view alphabet, char end_symbol = '.');

  Result<std::vector<TokenId>> encode(std::string_view text) const override;
  std::string decode(std::span<const TokenId> tokens) const override;
  std::size_t vocab_size() const override { return alphabet_.size() + 1; }
  TokenId eos_token() const override { return 0; }
  std::string name() const override { return "char"; }
  std::string describe() const override;

 private:
  CharTokenizer(std::string_view alphabet, char end_symbol);

  std::string alphabet_;
  char end_symbol_;
  std::array<TokenId, 256> token_of_;  // -1 where a byte has no token
};

}  // namespace assay::text
