#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/core/limits.h"
#include "runtime/core/rng.h"
#include "runtime/text/byte_tokenizer.h"
#include "runtime/text/char_tokenizer.h"
#include "tests/support/seed.h"

namespace assay::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CharTokenizer arithmetic() {
  return *CharTokenizer::create("0123456789+-*=;");
}

TEST(CharTokenizer, TokenZeroIsTheEndAndTheAlphabetFollows) {
  const CharTokenizer tokenizer = arithmetic();

  EXPECT_EQ(tokenizer.vocab_size(), 16u);  // 15 characters and the end
  EXPECT_EQ(tokenizer.eos_token(), 0);
  EXPECT_THAT(*tokenizer.encode("47+8="), ElementsAre(5, 8, 11, 9, 14));
  EXPECT_THAT(*tokenizer.encode("00."), ElementsAre(1, 1, 0));
}

TEST(CharTokenizer, NamesTheUnknownCharacterAndItsPlace) {
  const auto letter = arithmetic().encode("12a");
  const auto control = arithmetic().encode("1\n");

  ASSERT_FALSE(letter);
  EXPECT_THAT(letter.error().message, HasSubstr("'a' at offset 2"));
  ASSERT_FALSE(control);
  EXPECT_THAT(control.error().message, HasSubstr("byte 0x0a at offset 1"));
}

TEST(CharTokenizer, DecodingSkipsTheEndAndShowsForeignIds) {
  const std::vector<TokenId> tokens = {1, 0, 2, 99, -3};

  EXPECT_EQ(arithmetic().decode(tokens), "01\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(CharTokenizer, RefusesAmbiguousAlphabets) {
  EXPECT_FALSE(CharTokenizer::create(""));
  EXPECT_FALSE(CharTokenizer::create("aba"));
  EXPECT_FALSE(CharTokenizer::create("ab."));
  EXPECT_FALSE(CharTokenizer::create("a\tb"));
  EXPECT_FALSE(CharTokenizer::create("ab", '\n'));
  EXPECT_TRUE(CharTokenizer::create("ab.", '$'));
}

TEST(CharTokenizer, RoundTripsWhateverItsAlphabetCanWrite) {
  const std::string alphabet = "0123456789+-*=;";
  const CharTokenizer tokenizer = arithmetic();
  Rng rng = test_rng();
  SCOPED_TRACE(seed_text());
  for (int trial = 0; trial < 1000; ++trial) {
    std::string text;
    for (std::uint64_t length = rng.below(40); length > 0; --length) {
      text += alphabet[rng.below(alphabet.size())];
    }

    const auto tokens = tokenizer.encode(text);

    ASSERT_TRUE(tokens);
    EXPECT_EQ(tokens->size(), text.size());
    EXPECT_EQ(tokenizer.decode(*tokens), text);
  }
}

TEST(ByteTokenizer, RoundTripsAnyBytes) {
  const ByteTokenizer tokenizer;
  Rng rng = test_rng();
  SCOPED_TRACE(seed_text());
  for (int trial = 0; trial < 1000; ++trial) {
    std::string text;
    for (std::uint64_t length = rng.below(40); length > 0; --length) {
      text += static_cast<char>(rng.below(256));
    }

    const auto tokens = tokenizer.encode(text);

    ASSERT_TRUE(tokens);
    EXPECT_EQ(tokenizer.decode(*tokens), text);
  }
}

TEST(ByteTokenizer, DecodingSkipsTheEndAndShowsForeignIds) {
  const std::vector<TokenId> tokens = {'a', 256, 'b', 257, -1};

  EXPECT_EQ(ByteTokenizer().decode(tokens), "ab\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Tokenizers, RefuseTextsLongerThanASequenceMayBe) {
  const std::string longest(limits::kSequenceTokensMax, '0');
  const std::string too_long = longest + '0';

  EXPECT_TRUE(ByteTokenizer().encode(longest));
  EXPECT_EQ(ByteTokenizer().encode(too_long).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(arithmetic().encode(too_long).error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace assay::text
