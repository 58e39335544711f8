#include "runtime/core/digest.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

// FIPS 180-2, appendix B.1.
TEST(Digest, MatchesThePublishedVector) {
  EXPECT_EQ(sha256("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, FieldsAreUnambiguous) {
  Hasher first;
  first.add_field("ab").add_field("c");
  Hasher second;
  second.add_field("a").add_field("bc");

  EXPECT_NE(first.finish(), second.finish());
}

TEST(Digest, HexRoundTripsAndRefusesOtherText) {
  const Digest digest = sha256("x");

  EXPECT_EQ(*parse_digest(digest.hex()), digest);
  EXPECT_FALSE(parse_digest("abc").has_value());
  EXPECT_FALSE(parse_digest(std::string(64, 'G')).has_value());
}

TEST(DigestDeathTest, FinishingTwiceAborts) {
  Hasher hasher;
  static_cast<void>(hasher.finish());
  EXPECT_DEATH(static_cast<void>(hasher.finish()), "finished once");
}

}  // namespace
}  // namespace assay
