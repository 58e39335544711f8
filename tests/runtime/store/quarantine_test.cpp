#include "runtime/store/quarantine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "tests/runtime/store/ledger_run.h"
#include "tests/support/temporary_folder.h"

namespace assay::store {
namespace {

using nlohmann::json;

wire::Verdict tripped_verdict(const wire::Rollout& rollout) {
  wire::Verdict verdict =
      wire::Verdict::incorrect(wire::VerdictCode::kRejected, "tripwire exit: it leaves");
  verdict.checks = {{"tripwire:exit", false, 0, "it leaves"}};
  verdict.verifier = "compose/1:abc";
  verdict.judged = sha256(rollout.completion);
  return verdict;
}

// A ledger beside a quarantine: groups of two rollouts, of which the second trips a wire.
class Quarantined : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ledger = Ledger::create(ledger_path_, testing::small_header());
    ASSERT_TRUE(ledger) << ledger.error().message;
    ledger_.emplace(std::move(*ledger));
  }

  // Durable; returns what the keeper would hand on.
  std::vector<TrippedVerdict> judge_group(std::uint64_t row, const std::string& completion = "7") {
    const GroupId group = testing::small_group(ledger_->header(), row);
    ledger_->append_issued({group, 0, row, 0, {3}}, testing::small_prompt(row), {1, "curator", 1});
    std::vector<TrippedVerdict> tripped;
    for (std::uint32_t index = 0; index < 2; ++index) {
      wire::Rollout rollout = testing::small_rollout({group, index}, row, 3);
      if (index == 1) rollout.completion = completion;
      ledger_->append_generated(rollout, {1, "generator/0", 1});
      const wire::Verdict verdict =
          index == 0 ? testing::small_verdict(rollout) : tripped_verdict(rollout);
      ledger_->append_verdict(rollout.id, verdict, {1, "verifier/0", 1});
      if (index == 0) continue;
      tripped.push_back({ledger_->last_seq() + ledger_->queued_events(), rollout.id, verdict});
    }
    EXPECT_TRUE(ledger_->commit());
    return tripped;
  }

  Quarantine open(std::size_t bytes_max = limits::kQuarantineBytesMax) {
    auto opened = Quarantine::open(path_, ledger_path_, bytes_max);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }

  std::vector<json> lines() const {
    std::vector<json> all;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) all.push_back(json::parse(line));
    return all;
  }

  const assay::testing::TemporaryFolder folder_{assay::testing::TemporaryFolder::in_memory()};
  const std::string ledger_path_ = folder_.path("ledger.sqlite");
  const std::string path_ = folder_.path("quarantine.jsonl");
  std::optional<Ledger> ledger_;
};

TEST_F(Quarantined, ALineTellsWhatAPersonAsks) {
  Quarantine quarantine = open();
  EXPECT_FALSE(path_exists(path_)) << "there is no file before the first line";
  const auto tripped = judge_group(4, "exit(0)\n\x1b[31m\xff");

  ASSERT_TRUE(quarantine.add(tripped));

  const std::vector<json> all = lines();
  ASSERT_EQ(all.size(), 1u) << "model text breaks no line";
  EXPECT_EQ(all[0]["rollout"], to_string(tripped[0].rollout));
  EXPECT_EQ(all[0]["prompt_id"], to_string(testing::small_prompt(4).id));
  EXPECT_EQ(all[0]["version_min"], 3);
  EXPECT_EQ(all[0]["tripwires"], json({"exit"}));
  EXPECT_EQ(all[0]["reward"], 0.0);
  EXPECT_EQ(all[0]["verifier"], "compose/1:abc");
  EXPECT_EQ(all[0]["completion"], "exit(0)\n\x1b[31m\xef\xbf\xbd");
  EXPECT_EQ(all[0]["seq"], ledger_->last_seq());
  std::ifstream file(path_);
  std::stringstream bytes;
  bytes << file.rdbuf();
  EXPECT_EQ(bytes.str().find('\x1b'), std::string::npos);
}

TEST_F(Quarantined, ALongCompletionIsCutAndSaysHowLongItWas) {
  Quarantine quarantine = open();
  ASSERT_TRUE(quarantine.add(judge_group(1, std::string(100'000, 'a'))));
  EXPECT_EQ(lines()[0]["completion_bytes"], 100'000);
  EXPECT_EQ(lines()[0]["completion"].get<std::string>().size(), 8192u);
}

TEST_F(Quarantined, WhatAKillKeptOutIsTakenUpAndNothingTwice) {
  {
    Quarantine quarantine = open();
    ASSERT_TRUE(quarantine.add(judge_group(1)));
  }
  judge_group(2);  // durable in the ledger, and then the process was killed
  judge_group(3);

  for (int i = 0; i < 2; ++i) open();

  const std::vector<json> all = lines();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_LT(all[0]["seq"], all[1]["seq"]);
  EXPECT_LT(all[1]["seq"], all[2]["seq"]);
}

TEST_F(Quarantined, AnUnfinishedLineIsWrittenAnew) {
  {
    Quarantine quarantine = open();
    ASSERT_TRUE(quarantine.add(judge_group(1)));
    ASSERT_TRUE(quarantine.add(judge_group(2)));
  }
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 9);

  open();

  ASSERT_EQ(lines().size(), 2u);
  EXPECT_EQ(lines()[1]["rollout"],
            to_string(RolloutId{testing::small_group(ledger_->header(), 2), 1}));
}

TEST_F(Quarantined, AFullFileSaysSoInItsLastLineAndStaysAsItIs) {
  constexpr std::size_t kBytesMax = 1000;
  {
    Quarantine quarantine = open(kBytesMax);
    for (std::uint64_t row = 1; row <= 6; ++row) {
      ASSERT_TRUE(quarantine.add(judge_group(row)));
    }
    EXPECT_TRUE(quarantine.is_full());
  }
  const std::vector<json> before = lines();

  Quarantine again = open(kBytesMax);

  EXPECT_TRUE(again.is_full());
  ASSERT_TRUE(again.add(judge_group(7)));
  EXPECT_EQ(lines(), before);
  EXPECT_EQ(before.back()["is_full"], true);
  EXPECT_EQ(before.back()["bytes_max"], kBytesMax);
  EXPECT_GE(before.size(), 3u);
  EXPECT_LT(std::filesystem::file_size(path_), kBytesMax + 256);
}

TEST_F(Quarantined, ALinkInItsPlaceIsNotFollowed) {
  std::ofstream(folder_.path("elsewhere")) << "keep\n";
  std::filesystem::create_symlink(folder_.path("elsewhere"), path_);
  EXPECT_FALSE(Quarantine::open(path_, ledger_path_));
  EXPECT_EQ(std::filesystem::file_size(folder_.path("elsewhere")), 5u);
}

}  // namespace
}  // namespace assay::store
