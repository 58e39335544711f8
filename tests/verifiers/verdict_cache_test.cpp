#include "verifiers/verdict_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace assay::verifiers {
namespace {

// Says how often it was asked, so that a verdict from memory can be told from a new one.
class CountingVerifier final : public Verifier {
 public:
  wire::Verdict verify(const wire::Prompt&, std::string_view completion) const override {
    ++calls;
    if (completion == "outage" && calls < 3) {
      return wire::Verdict::unscored(wire::VerdictCode::kJudgeUnavailable, "away");
    }
    return wire::Verdict::correct("call " + std::to_string(calls));
  }
  std::string identity() const override { return name; }

  std::string name = "counting/1";
  mutable std::atomic<int> calls = 0;
};

class Cache : public ::testing::Test {
 protected:
  std::string ask(const std::string& completion, const std::string& reference = "r",
                  const std::string& text = "t") {
    wire::Prompt prompt;
    prompt.text = text;
    prompt.reference = reference;
    return cached_.verify(prompt, completion).reason;
  }

  std::shared_ptr<CountingVerifier> judge_ = std::make_shared<CountingVerifier>();
  CachedVerifier cached_{judge_, 3};
};

TEST_F(Cache, TheSameQuestionIsAnsweredFromMemory) {
  EXPECT_EQ(ask("a"), "call 1");
  EXPECT_EQ(ask("a"), "call 1");
  EXPECT_EQ(cached_.counters().hits, 1u);
  EXPECT_EQ(cached_.counters().misses, 1u);
}

TEST_F(Cache, AnyOtherByteIsAnotherQuestion) {
  EXPECT_EQ(ask("a", "r", "t"), "call 1");
  EXPECT_EQ(ask("a ", "r", "t"), "call 2");
  EXPECT_EQ(ask("a", "r2", "t"), "call 3");
  EXPECT_EQ(ask("a", "r", "t2"), "call 4");
  // The parts do not run into each other.
  EXPECT_EQ(ask("ab", "c", ""), "call 5");
  EXPECT_EQ(ask("b", "ca", ""), "call 6");
}

// A function of the user's reads the columns of a row, and some the name of its source.
TEST_F(Cache, WhatElseAJudgeMayReadIsPartOfTheQuestion) {
  wire::Prompt prompt;
  const auto reason = [&] { return cached_.verify(prompt, "a").reason; };
  EXPECT_EQ(reason(), "call 1");
  prompt.columns = R"({"level": 3})";
  EXPECT_EQ(reason(), "call 2");
  prompt.source = "other";
  EXPECT_EQ(reason(), "call 3");
  judge_->name = "counting/2";
  EXPECT_EQ(reason(), "call 4") << "another version is another judge";
}

TEST_F(Cache, AnOutageIsNotRemembered) {
  EXPECT_EQ(ask("outage"), "away");
  EXPECT_EQ(ask("outage"), "away");
  EXPECT_EQ(ask("outage"), "call 3");
  EXPECT_EQ(ask("outage"), "call 3");
}

TEST_F(Cache, ForgetsWhatWasUsedLongestAgo) {
  for (const char* one : {"a", "b", "c"}) ask(one);
  ask("a");
  ask("d");  // b goes

  EXPECT_EQ(ask("a"), "call 1");
  EXPECT_EQ(ask("c"), "call 3");
  EXPECT_EQ(ask("b"), "call 5");
}

TEST_F(Cache, ABatchAsksOnlyForWhatIsNew) {
  ask("b");
  wire::Prompt prompt;
  prompt.text = "t";
  prompt.reference = "r";
  const std::vector<Judgement> items = {{&prompt, "a"}, {&prompt, "b"}, {&prompt, "c"}};

  std::vector<wire::Verdict> verdicts;
  cached_.verify_all(items, [&](wire::Verdict verdict) { verdicts.push_back(verdict); });

  ASSERT_EQ(verdicts.size(), 3u);
  EXPECT_EQ(verdicts[0].reason, "call 2");
  EXPECT_EQ(verdicts[1].reason, "call 1");
  EXPECT_EQ(verdicts[2].reason, "call 3");
}

TEST(CacheThreads, ManyMayAskAtOnce) {
  const auto judge = std::make_shared<CountingVerifier>();
  const CachedVerifier cached(judge, 8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const wire::Prompt prompt;
      for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(cached.verify(prompt, std::to_string(i % 12)).is_scored());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cached.counters().hits + cached.counters().misses, 4000u);
}

}  // namespace
}  // namespace assay::verifiers
