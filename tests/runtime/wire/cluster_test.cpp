// Messages of the cluster: there and back, and what is refused.
#include "runtime/wire/cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "runtime/core/rng.h"
#include "runtime/wire/codec.h"

namespace assay::wire {
namespace {

using ::testing::HasSubstr;

NodeHello hello() {
  return {"0.1.0", "n1", "7f3a", "machine", {{"math", 4}, {"*", 1}}};
}

VerifyOrder verify_order() {
  VerifyOrder order;
  order.worker = "math/0";
  Prompt prompt;
  prompt.text = "47+8=";
  prompt.verifier = "math";
  prompt.reference = "55";
  order.prompts = {prompt};
  order.tasks = {{{GroupId{100}, 3}, 2, 0, std::string("5\0\xff", 3)}};
  return order;
}

TEST(ClusterMessages, HelloGoesThereAndBack) {
  const Result<NodeHello> read = decode_message<NodeHello>(encode_message(hello()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->node, "n1");
  ASSERT_EQ(read->capacities.size(), 2u);
  EXPECT_EQ(read->capacities[1].pool, "*");
  EXPECT_EQ(read->capacities[0].workers, 4u);
}

TEST(ClusterMessages, VerifyOrdersKeepEveryByte) {
  const Result<VerifyOrder> read = decode_message<VerifyOrder>(encode_message(verify_order()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->tasks.at(0).completion, std::string("5\0\xff", 3));
  EXPECT_EQ(read->tasks[0].rollout, (RolloutId{GroupId{100}, 3}));
  EXPECT_EQ(read->tasks[0].attempt, 2u);
  EXPECT_EQ(read->prompts.at(0).reference, "55");
}

// CAF would turn infinity into a hang and NaN into -1.
TEST(ClusterMessages, LogProbabilitiesAndTimesKeepTheirBits) {
  RolloutsReport report;
  report.worker = "generator/0";
  report.busy_s = std::numeric_limits<double>::infinity();
  Rollout rollout;
  rollout.completion_tokens = {1, 2, 3};
  rollout.logprobs = {-0.0f, std::numeric_limits<float>::denorm_min(),
                      -std::numeric_limits<float>::infinity()};
  rollout.versions = {4, 4, 5};
  report.rollouts = {rollout};

  const Result<RolloutsReport> read = decode_message<RolloutsReport>(encode_message(report));

  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->busy_s, report.busy_s);
  EXPECT_EQ(std::memcmp(read->rollouts.at(0).logprobs.data(), rollout.logprobs.data(), 12), 0);
  EXPECT_EQ(read->rollouts[0].versions, rollout.versions);
}

TEST(ClusterMessages, OtherMessagesGoThereAndBack) {
  GenerateOrder generate{"generator/1", GroupId{5}, PromptId{6}, {0, 7}, {3, 4}, PolicyVersion{9}};
  const auto order = decode_message<GenerateOrder>(encode_message(generate));
  ASSERT_TRUE(order);
  EXPECT_EQ(order->indices, generate.indices);
  EXPECT_EQ(order->version, generate.version);
  generate.version.reset();
  EXPECT_EQ(decode_message<GenerateOrder>(encode_message(generate))->version, std::nullopt);

  const auto worker = decode_message<WorkerReport>(
      encode_message(WorkerReport{"math/0", WorkerEvent::kFailed, 0, "no interpreter"}));
  ASSERT_TRUE(worker);
  EXPECT_EQ(worker->event, WorkerEvent::kFailed);
  EXPECT_EQ(worker->why, "no interpreter");

  WeightsChunk chunk{PolicyVersion{3}, 4096, std::vector<std::uint8_t>(1 << 22, 7), {}};
  const auto read = decode_message<WeightsChunk>(encode_message(chunk));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->bytes, chunk.bytes);
}

TEST(ClusterMessages, TheKindIsReadWithoutTheBody) {
  EXPECT_EQ(*kind_of(encode_message(hello())), MessageKind::kNodeHello);
  EXPECT_FALSE(kind_of("nonsense"));
}

TEST(ClusterMessages, AMessageIsNotTakenForAnother) {
  const auto wrong = decode_message<VerifyOrder>(encode_message(hello()));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kCorrupt);
}

TEST(ClusterMessages, InconsistentOnesAreRefused) {
  NodeHello nameless = hello();
  nameless.node.clear();
  VerifyOrder homeless = verify_order();
  homeless.tasks[0].prompt = 1;
  EXPECT_DEATH(encode_message(nameless), "consistent");
  EXPECT_DEATH(encode_message(homeless), "consistent");
}

// Bytes that peers may send: cut, flipped, prolonged. Nothing but an error may come of them.
TEST(ClusterMessages, DamagedBytesAreRefusedOrMeanSomething) {
  const std::string whole = encode_message(verify_order());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_message<VerifyOrder>(std::string_view(whole).substr(0, size)));
  }
  EXPECT_FALSE(decode_message<VerifyOrder>(whole + "x"));
  Rng rng(17, 0);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = whole;
    for (std::uint64_t flips = 1 + rng.below(4); flips > 0; --flips) {
      bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
    }
    const Result<VerifyOrder> read = decode_message<VerifyOrder>(bytes);
    if (read) {
      EXPECT_LT(read->tasks.empty() ? 0 : read->tasks[0].prompt, 1u);
    }
  }
}

}  // namespace
}  // namespace assay::wire
