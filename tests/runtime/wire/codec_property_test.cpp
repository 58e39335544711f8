// Every message survives the wire, whatever it holds, and whatever arrives decodes to a consistent
// message or is refused. Failing messages are shrunk; RC_PARAMS="reproduce=..." replays one.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <string>
#include <vector>

#include "runtime/core/rng.h"
#include "runtime/wire/codec.h"
#include "tests/support/seed.h"

namespace assay::wire {
namespace {

// Floats by their bits, so that NaN payloads, infinities, denormals and -0 all occur and compare.
template <class Float, class Bits>
rc::Gen<Float> any_float() {
  return rc::gen::map(rc::gen::arbitrary<Bits>(),
                      [](Bits bits) { return std::bit_cast<Float>(bits); });
}

rc::Gen<std::string> any_text() {
  return rc::gen::container<std::string>(rc::gen::arbitrary<char>());
}

std::uint64_t any_u64() {
  return *rc::gen::arbitrary<std::uint64_t>();
}

std::uint32_t any_u32() {
  return *rc::gen::arbitrary<std::uint32_t>();
}

template <class T>
std::vector<T> any_list(std::size_t size) {
  if constexpr (std::is_same_v<T, float>) {
    return *rc::gen::container<std::vector<float>>(size, any_float<float, std::uint32_t>());
  } else {
    return *rc::gen::container<std::vector<T>>(size, rc::gen::arbitrary<T>());
  }
}

Digest any_digest() {
  return sha256(*any_text());
}

Prompt any_prompt() {
  return {PromptId{any_u64()}, *any_text(), *any_text(), *any_text(),
          *any_text(),         *any_text(), any_u64(),   *any_text()};
}

Rollout any_rollout() {
  Rollout rollout;
  rollout.id = {GroupId{any_u64()}, any_u32()};
  rollout.prompt = PromptId{any_u64()};
  rollout.seed = any_u64();
  rollout.finish = static_cast<FinishReason>(*rc::gen::inRange(0, 3));
  const auto size = *rc::gen::inRange<std::size_t>(0, 20);
  rollout.prompt_tokens = *rc::gen::arbitrary<std::vector<TokenId>>();
  rollout.completion_tokens = any_list<TokenId>(size);
  rollout.logprobs = any_list<float>(size);
  rollout.versions = any_list<std::uint32_t>(size);
  rollout.completion = *any_text();
  return rollout;
}

Verdict any_verdict() {
  const double reward = *rc::gen::inRange(0, 1001) / 1000.0;
  const auto code = static_cast<VerdictCode>(*rc::gen::inRange(1, 13));
  const bool is_judge_failure =
      code == VerdictCode::kJudgeUnavailable || code == VerdictCode::kInternalError;
  Verdict verdict = Verdict::unscored(code, *any_text());
  const int outcome = *rc::gen::inRange(0, 3);
  if (outcome == 0) verdict = Verdict::correct(*any_text(), reward);
  if (outcome == 1 && !is_judge_failure) verdict = Verdict::incorrect(code, *any_text(), reward);
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    verdict.checks.push_back({*any_text(), *rc::gen::arbitrary<bool>(),
                              *any_float<double, std::uint64_t>(), *any_text()});
  }
  verdict.isolation = *any_text();
  verdict.verifier = *any_text();
  verdict.judged = any_digest();
  verdict.latency_ms = *any_float<double, std::uint64_t>();
  return verdict;
}

TrainBatch any_batch() {
  TrainBatch batch;
  const auto lengths = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange(0u, 9u));
  batch.offsets.push_back(0);
  for (const std::uint32_t length : lengths) {
    batch.offsets.push_back(batch.offsets.back() + length);
    batch.rollouts.push_back({GroupId{any_u64()}, any_u32()});
  }
  if (*rc::gen::arbitrary<bool>()) batch.rollouts.clear();  // supervised data has none
  const std::size_t size = batch.offsets.back();
  batch.tokens = any_list<TokenId>(size);
  batch.logprobs_behaviour = any_list<float>(size);
  batch.advantages = any_list<float>(size);
  batch.weights = any_list<float>(size);
  batch.mask = any_list<std::uint8_t>(size);
  batch.versions = any_list<std::uint32_t>(size);
  batch.group_count = any_u32();
  return batch;
}

PolicyUpdate any_update() {
  return {{any_u64()}, {any_u64()}, any_digest(), any_u64()};
}

// Decoding gives back what was encoded. Bytes are compared, because NaN is not equal to itself; the
// tests of single fields show that equal bytes are not all empty.
template <class Make, class Decode>
void expect_round_trip(const std::string& what, Make make, Decode decode) {
  EXPECT_TRUE(rc::check(what, [&] {
    const std::string bytes = encode(make());
    const auto decoded = decode(bytes);
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(encode(*decoded) == bytes);
  }));
}

TEST(CodecProperties, EveryMessageRoundTrips) {
  expect_round_trip("a prompt survives the wire", any_prompt, decode_prompt);
  expect_round_trip("a rollout survives the wire", any_rollout, decode_rollout);
  expect_round_trip("a verdict survives the wire", any_verdict, decode_verdict);
  expect_round_trip("a train batch survives the wire", any_batch, decode_train_batch);
  expect_round_trip("a policy update survives the wire", any_update, decode_policy_update);
}

TEST(CodecProperties, EveryFieldOfEveryMessageIsCarried) {
  EXPECT_TRUE(rc::check("prompt fields", [] {
    const Prompt sent = any_prompt();
    const Prompt got = *decode_prompt(encode(sent));
    RC_ASSERT(got.id == sent.id && got.source == sent.source && got.text == sent.text);
    RC_ASSERT(got.verifier == sent.verifier && got.reference == sent.reference);
    RC_ASSERT(got.stratum == sent.stratum && got.row == sent.row);
  }));
  EXPECT_TRUE(rc::check("batch fields", [] {
    const TrainBatch sent = any_batch();
    const TrainBatch got = *decode_train_batch(encode(sent));
    RC_ASSERT(got.tokens == sent.tokens && got.offsets == sent.offsets && got.mask == sent.mask);
    RC_ASSERT(got.versions == sent.versions && got.rollouts == sent.rollouts);
    RC_ASSERT(got.group_count == sent.group_count);
    for (std::size_t i = 0; i < sent.token_count(); ++i) {
      const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
      RC_ASSERT(bits(got.advantages[i]) == bits(sent.advantages[i]));
      RC_ASSERT(bits(got.weights[i]) == bits(sent.weights[i]));
      RC_ASSERT(bits(got.logprobs_behaviour[i]) == bits(sent.logprobs_behaviour[i]));
    }
  }));
  EXPECT_TRUE(rc::check("update fields", [] {
    const PolicyUpdate sent = any_update();
    const PolicyUpdate got = *decode_policy_update(encode(sent));
    RC_ASSERT(got.version == sent.version && got.base == sent.base);
    RC_ASSERT(got.weights == sent.weights && got.weights_bytes == sent.weights_bytes);
  }));
}

// Whatever a frame decodes to must be consistent, and go back to a frame that decodes again.
template <class Decode>
void decode_and_encode_again(std::string_view bytes, Decode decode) {
  const auto decoded = decode(bytes);
  if (!decoded) return;
  const std::string again = encode(*decoded);
  EXPECT_TRUE(decode(again));
}

void decode_as_everything(std::string_view bytes) {
  decode_and_encode_again(bytes, decode_prompt);
  decode_and_encode_again(bytes, decode_rollout);
  decode_and_encode_again(bytes, decode_verdict);
  decode_and_encode_again(bytes, decode_train_batch);
  decode_and_encode_again(bytes, decode_policy_update);
  static_cast<void>(decode_frame(bytes).has_value());
}

std::string sample(Rng& rng) {
  Rollout rollout;
  Verdict verdict = Verdict::incorrect(VerdictCode::kWrongAnswer, "the answer is wrong");
  verdict.checks = {{"answer", false, 0.5, "no"}, {"chain", true, 1, "yes"}};
  TrainBatch batch;
  batch.offsets = {0};
  for (std::uint64_t i = rng.below(6); i > 0; --i) {
    rollout.completion_tokens.push_back(static_cast<TokenId>(i));
    rollout.logprobs.push_back(-1);
    rollout.versions.push_back(3);
    batch.tokens.push_back(5);
    batch.mask.push_back(1);
    batch.versions.push_back(2);
  }
  batch.logprobs_behaviour = batch.advantages = batch.weights =
      std::vector<float>(batch.tokens.size(), 1.0f);
  batch.offsets.push_back(static_cast<std::uint32_t>(batch.tokens.size()));
  switch (rng.below(5)) {
    case 0:
      return encode(
          Prompt{PromptId{7}, "s", "37 * 29", "math", "1073", "n=2", 4, R"({"level":3})"});
    case 1:
      return encode(rollout);
    case 2:
      return encode(verdict);
    case 3:
      return encode(batch);
    default:
      return encode(PolicyUpdate{{1}, {0}, sha256("w"), 12});
  }
}

// What MessagePack's own markers look like, so that mutations hit its structure more often.
constexpr unsigned char kMarkers[] = {0x80, 0x90, 0x91, 0x9f, 0xa0, 0xc0, 0xc1, 0xc4, 0xc6,
                                      0xc7, 0xc9, 0xca, 0xcb, 0xcf, 0xd3, 0xd9, 0xdb, 0xdc,
                                      0xdd, 0xde, 0xdf, 0xe0, 0xff, 0x00, 0x7f};

void mutate(std::string& bytes, Rng& rng) {
  const std::size_t at = bytes.empty() ? 0 : rng.below(bytes.size());
  const auto marker = static_cast<char>(kMarkers[rng.below(std::size(kMarkers))]);
  switch (rng.below(7)) {
    case 0:
      if (!bytes.empty()) bytes[at] ^= static_cast<char>(1u << rng.below(8));
      break;
    case 1:
      if (!bytes.empty()) bytes[at] = marker;
      break;
    case 2:
      bytes.insert(at, 1 + rng.below(5), marker);
      break;
    case 3:
      bytes.erase(at, 1 + rng.below(8));
      break;
    case 4:
      bytes.resize(at);
      break;
    case 5:
      bytes += bytes.substr(at);
      break;
    default:
      bytes.insert(at, sample(rng));
  }
}

TEST(CodecFuzz, HostileFramesAreRefusedOrConsistent) {
  SCOPED_TRACE(seed_text());
  Rng rng = test_rng();
  for (int round = 0; round < 40'000; ++round) {
    std::string bytes = sample(rng);
    for (std::uint64_t count = 1 + rng.below(4); count > 0; --count) mutate(bytes, rng);
    decode_as_everything(bytes);
  }
}

TEST(CodecFuzz, HostileBodiesInsideGoodFramesAreRefusedOrConsistent) {
  SCOPED_TRACE(seed_text());
  Rng rng = test_rng(1);
  for (int round = 0; round < 40'000; ++round) {
    // The body lies behind a header of 13 bytes and a length of two.
    std::string body = sample(rng).substr(15);
    for (std::uint64_t count = 1 + rng.below(4); count > 0; --count) mutate(body, rng);
    for (std::uint16_t kind = 1; kind <= 5; ++kind) {
      decode_as_everything(encode_frame(kind, body));
    }
  }
}

TEST(CodecFuzz, RandomMarkersAreRefused) {
  SCOPED_TRACE(seed_text());
  Rng rng = test_rng(2);
  for (int round = 0; round < 40'000; ++round) {
    std::string bytes;
    for (std::uint64_t size = rng.below(60); size > 0; --size) {
      bytes += static_cast<char>(kMarkers[rng.below(std::size(kMarkers))]);
    }
    EXPECT_FALSE(decode_rollout(bytes));
    decode_as_everything(encode_frame(2, bytes));
  }
}

}  // namespace
}  // namespace assay::wire
