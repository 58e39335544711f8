// Tokenizer: text to token ids and back.
//
// Immutable once made, so it may be shared by threads. The end token marks where a completion ends;
// it stands for no text, so decoding skips it wherever it occurs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"

namespace assay::text {

using TokenId = std::int32_t;

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // The tokens of a text, without an end token unless the text itself writes one.
  //   returns  [token_count], each in [0, vocab_size)
  // The empty text has no tokens.
  // Errors: kInvalidInput when the text holds something without a token (named with its offset);
  // kExhausted above limits::kSequenceTokensMax tokens.
  virtual Result<std::vector<TokenId>> encode(std::string_view text) const = 0;

  // The text of the tokens. End tokens are skipped; an id outside the vocabulary reads as U+FFFD,
  // since a model may have more outputs than the tokenizer has tokens.
  virtual std::string decode(std::span<const TokenId> tokens) const = 0;

  virtual std::size_t vocab_size() const = 0;  // end token included
  virtual TokenId eos_token() const = 0;
  virtual std::string name() const = 0;      // kind, stable, e.g. "char"
  virtual std::string describe() const = 0;  // one line for people
};

}  // namespace assay::text
