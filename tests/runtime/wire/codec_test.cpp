#include "runtime/wire/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/core/limits.h"
#include "runtime/core/rng.h"
#include "tests/support/seed.h"

namespace assay::wire {
namespace {

std::string random_text(Rng& rng) {
  std::string text(rng.below(40), '\0');
  for (char& letter : text) letter = static_cast<char>(rng.below(256));
  return text;
}

// Any bit pattern: NaN payloads, infinities, denormals and -0 included.
template <class Float, class Bits>
Float random_float(Rng& rng) {
  const Bits bits = static_cast<Bits>(rng.next_u64());
  Float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

Prompt random_prompt(Rng& rng) {
  return {PromptId{rng.next_u64()}, random_text(rng), random_text(rng), random_text(rng),
          random_text(rng),         random_text(rng), rng.next_u64(),   random_text(rng)};
}

Rollout random_rollout(Rng& rng) {
  Rollout rollout;
  rollout.id = {GroupId{rng.next_u64()}, static_cast<std::uint32_t>(rng.next_u64())};
  rollout.prompt = PromptId{rng.next_u64()};
  rollout.seed = rng.next_u64();
  rollout.finish = static_cast<FinishReason>(rng.below(3));
  for (std::size_t i = rng.below(9); i > 0; --i)
    rollout.prompt_tokens.push_back(static_cast<TokenId>(rng.next_u64()));
  for (std::size_t i = rng.below(9); i > 0; --i) {
    rollout.completion_tokens.push_back(static_cast<TokenId>(rng.next_u64()));
    rollout.logprobs.push_back(random_float<float, std::uint32_t>(rng));
    rollout.versions.push_back(static_cast<std::uint32_t>(rng.next_u64()));
  }
  rollout.completion = random_text(rng);
  return rollout;
}

Verdict random_verdict(Rng& rng) {
  Verdict verdict;
  switch (rng.below(3)) {
    case 0:
      verdict = Verdict::correct(random_text(rng), rng.next_unit());
      break;
    case 1:
      verdict = Verdict::incorrect(VerdictCode::kTimeout, random_text(rng), rng.next_unit());
      break;
    default:
      verdict = Verdict::unscored(VerdictCode::kInternalError, random_text(rng));
  }
  for (std::size_t i = rng.below(4); i > 0; --i) {
    verdict.checks.push_back({random_text(rng), rng.next_bool(0.5),
                              random_float<double, std::uint64_t>(rng), random_text(rng)});
  }
  verdict.isolation = random_text(rng);
  verdict.verifier = random_text(rng);
  verdict.judged = sha256(random_text(rng));
  verdict.latency_ms = random_float<double, std::uint64_t>(rng);
  return verdict;
}

TrainBatch random_batch(Rng& rng) {
  TrainBatch batch;
  batch.offsets = {0};
  for (std::size_t sequence = rng.below(4); sequence > 0; --sequence) {
    for (std::size_t i = rng.below(5); i > 0; --i) {
      batch.tokens.push_back(static_cast<TokenId>(rng.next_u64()));
      batch.logprobs_behaviour.push_back(random_float<float, std::uint32_t>(rng));
      batch.advantages.push_back(random_float<float, std::uint32_t>(rng));
      batch.weights.push_back(random_float<float, std::uint32_t>(rng));
      batch.mask.push_back(static_cast<std::uint8_t>(rng.below(2)));
      batch.versions.push_back(static_cast<std::uint32_t>(rng.next_u64()));
    }
    batch.offsets.push_back(static_cast<std::uint32_t>(batch.tokens.size()));
    batch.rollouts.push_back({GroupId{rng.next_u64()}, static_cast<std::uint32_t>(sequence)});
  }
  batch.group_count = static_cast<std::uint32_t>(rng.next_u64());
  return batch;
}

// Bytes compare NaN payloads where == cannot.
TEST(Codec, DecodingThenEncodingGivesTheSameBytes) {
  SCOPED_TRACE(seed_text());
  Rng rng = test_rng();
  for (int i = 0; i < 300; ++i) {
    const std::string prompt = encode(random_prompt(rng));
    EXPECT_EQ(encode(*decode_prompt(prompt)), prompt);
    const std::string rollout = encode(random_rollout(rng));
    EXPECT_EQ(encode(*decode_rollout(rollout)), rollout);
    const std::string verdict = encode(random_verdict(rng));
    EXPECT_EQ(encode(*decode_verdict(verdict)), verdict);
    const std::string batch = encode(random_batch(rng));
    EXPECT_EQ(encode(*decode_train_batch(batch)), batch);
    const PolicyUpdate made{{rng.next_u64()}, {rng.next_u64()}, sha256("w"), rng.next_u64()};
    const std::string update = encode(made);
    EXPECT_EQ(encode(*decode_policy_update(update)), update);
  }
}

TEST(Codec, EveryFieldOfARolloutSurvives) {
  Rng rng(7);
  Rollout rollout = random_rollout(rng);
  rollout.completion_tokens = {5, -1};
  rollout.logprobs = {-0.0f, -std::numeric_limits<float>::infinity()};
  rollout.versions = {3, 4};
  const Result<Rollout> decoded = decode_rollout(encode(rollout));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->id, rollout.id);
  EXPECT_EQ(decoded->prompt, rollout.prompt);
  EXPECT_EQ(decoded->seed, rollout.seed);
  EXPECT_EQ(decoded->finish, rollout.finish);
  EXPECT_EQ(decoded->prompt_tokens, rollout.prompt_tokens);
  EXPECT_EQ(decoded->completion_tokens, rollout.completion_tokens);
  EXPECT_EQ(decoded->logprobs, rollout.logprobs);
  EXPECT_TRUE(std::signbit(decoded->logprobs[0])) << "-0 keeps its sign";
  EXPECT_EQ(decoded->versions, rollout.versions);
  EXPECT_EQ(decoded->completion, rollout.completion);
}

TEST(Codec, WholeAndNegativeZeroDoublesKeepTheirBits) {
  Verdict verdict = Verdict::correct("");
  verdict.checks = {{"a", true, -0.0, ""}, {"b", true, 2.0, ""}};
  verdict.latency_ms = std::numeric_limits<double>::infinity();
  const Result<Verdict> decoded = decode_verdict(encode(verdict));
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(std::signbit(decoded->checks[0].score));
  EXPECT_EQ(decoded->checks[1].score, 2.0);
  EXPECT_EQ(decoded->latency_ms, verdict.latency_ms);
}

TEST(Codec, TokensTravelAsRawLittleEndianBytes) {
  Rollout rollout;
  rollout.completion_tokens = {0x04030201};
  rollout.logprobs = {0};
  rollout.versions = {0};
  // 0xc4 = bin 8, then the length and the four bytes in little-endian order.
  EXPECT_NE(encode(rollout).find("\xc4\x04\x01\x02\x03\x04"), std::string::npos);
}

TEST(Codec, AVerdictWithoutARewardStaysWithoutOne) {
  const Verdict verdict = Verdict::unscored(VerdictCode::kJudgeUnavailable, "down");
  EXPECT_FALSE(decode_verdict(encode(verdict))->reward.has_value());
}

TEST(Codec, EveryTruncationIsRefused) {
  Rng rng(3);
  const std::string bytes = encode(random_rollout(rng));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Result<Rollout> decoded = decode_rollout(bytes.substr(0, size));
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  }
}

TEST(Codec, TrailingBytesAreRefused) {
  const Result<Prompt> decoded = decode_prompt(encode(Prompt{}) + "x");
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message.find("1 bytes that do not belong"), std::string::npos);
}

TEST(Codec, AnotherKindIsRefusedByName) {
  const Result<Rollout> decoded = decode_rollout(encode(Prompt{}));
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message.find("holds a prompt"), std::string::npos);
}

// The frame begins: array of 4, protocol, kind, 0xcf + eight bytes of schema hash, body.
constexpr std::size_t kProtocolAt = 1;
constexpr std::size_t kSchemaAt = 4;

TEST(Codec, AnotherProtocolOrSchemaIsRefusedByName) {
  std::string bytes = encode(Prompt{});
  bytes[kProtocolAt] = 2;
  EXPECT_NE(decode_prompt(bytes).error().message.find("protocol 2"), std::string::npos);
  bytes = encode(Prompt{});
  bytes[kSchemaAt] ^= 1;
  EXPECT_NE(decode_prompt(bytes).error().message.find("other field lists"), std::string::npos);
}

TEST(Codec, AChangedFieldListChangesTheSchemaHash) {
  // If this fails, a wire struct has changed: ledgers and peers of the version before can no longer
  // be read. Say so in the changelog, then write the new number here.
  EXPECT_EQ(to_hex(schema_hash()), "4312b9a405199be3");
}

TEST(Codec, BitFlipsAreRefusedOrDecodeToSomethingConsistent) {
  SCOPED_TRACE(seed_text());
  Rng rng = test_rng();
  for (int i = 0; i < 3000; ++i) {
    std::string bytes =
        rng.next_bool(0.5) ? encode(random_rollout(rng)) : encode(random_verdict(rng));
    bytes[rng.below(bytes.size())] ^= static_cast<char>(1u << rng.below(8));
    if (const Result<Rollout> rollout = decode_rollout(bytes)) {
      EXPECT_EQ(rollout->logprobs.size(), rollout->completion_tokens.size());
      EXPECT_EQ(rollout->versions.size(), rollout->completion_tokens.size());
    }
    if (const Result<Verdict> verdict = decode_verdict(bytes)) {
      EXPECT_EQ(verdict->reward.has_value(), verdict->is_scored());
      EXPECT_LE(static_cast<int>(verdict->code), 12);
    }
  }
}

TEST(Codec, RandomBytesAreRefused) {
  SCOPED_TRACE(seed_text());
  Rng rng = test_rng();
  for (int i = 0; i < 3000; ++i) {
    const std::string bytes = random_text(rng);
    EXPECT_FALSE(decode_rollout(bytes));
    EXPECT_FALSE(decode_frame(bytes));
  }
}

TEST(Codec, AFiveByteArrayBombTakesNoMemory) {
  const std::string bomb = {'\xdd', '\xff', '\xff', '\xff', '\xff'};
  EXPECT_EQ(decode_rollout(bomb).error().code, ErrorCode::kCorrupt);
  // The same inside a well-formed frame.
  const std::string framed = encode_frame(static_cast<std::uint16_t>(MessageKind::kRollout), bomb);
  EXPECT_EQ(decode_rollout(framed).error().code, ErrorCode::kCorrupt);
}

TEST(Codec, ElementsThatCostOneByteAreCountedBeforeTheyAreUnpacked) {
  // 60,000 arrays of one nil each: two bytes on the wire, 48 in memory.
  std::string body = {'\xdc', '\xea', '\x60'};
  for (int i = 0; i < 60'000; ++i) body += "\x91\xc0";
  std::string frame = "\x94\x01\x03\xcf";
  for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(schema_hash() >> shift);
  frame += "\xc6";
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(body.size() >> shift);
  const Result<Verdict> decoded = decode_verdict(frame + body);
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message.find("more elements than are allowed"), std::string::npos)
      << decoded.error().message;
}

TEST(Codec, DeepNestingIsRefused) {
  EXPECT_FALSE(decode_rollout(std::string(200000, '\x91')));
  const std::string framed =
      encode_frame(static_cast<std::uint16_t>(MessageKind::kVerdict), std::string(60000, '\x91'));
  EXPECT_NE(decode_verdict(framed).error().message.find("depth"), std::string::npos);
}

TEST(Codec, MapsAndExtensionsAreRefused) {
  for (const std::string body : {"\x81\xa1k\x01", "\xd4\x01\x02"}) {
    const auto kind = static_cast<std::uint16_t>(MessageKind::kPrompt);
    EXPECT_FALSE(decode_prompt(encode_frame(kind, body)));
  }
}

TEST(Codec, AForeignRewardOutsideItsRangeIsRefused) {
  Verdict verdict = Verdict::correct("", 1.0);
  std::string bytes = encode(verdict);
  // 1.0 is 0x3ff0000000000000, carried as a big-endian integer after 0xcf; 2.0 is 0x4000...
  const std::string one("\xcf\x3f\xf0\0\0\0\0\0\0", 9);
  const std::string two("\xcf\x40\x00\0\0\0\0\0\0", 9);
  const std::size_t position = bytes.find(one);
  ASSERT_NE(position, std::string::npos);
  bytes.replace(position, 9, two);
  EXPECT_NE(decode_verdict(bytes).error().message.find("[0, 1]"), std::string::npos);
}

TEST(Codec, AJudgesFailureDecodesToNothingThatIsScored) {
  // The worst fault of the field: an infrastructure failure that arrives as a reward of 0.
  for (const VerdictCode failure : {VerdictCode::kJudgeUnavailable, VerdictCode::kInternalError}) {
    std::string bytes = encode(Verdict::incorrect(VerdictCode::kUndecided, ""));
    // outcome 1, reward 0.0, code 3
    const std::string before("\x99\x01\x00\x03", 4);
    const std::size_t position = bytes.find(before);
    ASSERT_NE(position, std::string::npos);
    bytes[position + 3] = static_cast<char>(failure);
    EXPECT_NE(decode_verdict(bytes).error().message.find("never scored"), std::string::npos);
  }
}

TEST(Codec, ARewardWithoutAScoreIsRefused) {
  std::string bytes = encode(Verdict::unscored(VerdictCode::kTimeout, ""));
  const std::string before("\x99\x02\xc0\x06", 4);  // outcome 2, no reward, code 6
  const std::size_t position = bytes.find(before);
  ASSERT_NE(position, std::string::npos);
  bytes[position + 2] = 0;  // a reward of 0.0
  EXPECT_FALSE(decode_verdict(bytes));
}

TEST(Codec, ControlFramesCarryTheCallersBytes) {
  const Result<Frame> frame = decode_frame(encode_frame(300, std::string("a\0b", 3)));
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->kind, 300);
  EXPECT_EQ(frame->body, std::string("a\0b", 3));
  EXPECT_EQ(decode_frame(std::string(limits::kControlFrameBytesMax + 100, 'x')).error().code,
            ErrorCode::kExhausted);
}

}  // namespace
}  // namespace assay::wire
