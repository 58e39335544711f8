// ByteTokenizer: the 256 byte values as tokens, and an end token after them. Every text encodes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer.h"

namespace assay::text {

class ByteTokenizer final : public Tokenizer {
 public:
  Result<std::vector<TokenId>> encode(std::string_view text) const override;
  std::string decode(std::span<const TokenId> tokens) const override;
  std::size_t vocab_size() const override { return 257; }
  TokenId eos_token() const override { return 256; }
  std::string name() const override { return "byte"; }
  std::string describe() const override;
};

}  // namespace assay::text
