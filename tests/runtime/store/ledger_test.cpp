#include "runtime/store/ledger.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/core/file.h"
#include "runtime/core/rng.h"
#include "runtime/store/ledger_checker.h"
#include "tests/runtime/store/ledger_forger.h"
#include "tests/runtime/store/ledger_run.h"
#include "tests/support/temporary_folder.h"

namespace assay::store {
namespace {

using assay::testing::TemporaryFolder;
using testing::events_of;
using testing::run_sql;
using testing::small_group;
using testing::small_header;
using testing::small_prompt;
using testing::small_rollout;
using testing::small_step;
using testing::write_group;
using testing::write_run;

TEST(Ledger, WhatIsCommittedIsReadBackAndWhatIsQueuedIsNot) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  {
    Result<Ledger> ledger = Ledger::create(path, small_header());
    ASSERT_TRUE(ledger) << ledger.error().message;
    write_group(*ledger, 0, 0);
    // fence, issued, leased, 2 * (generated, verified)
    EXPECT_EQ(*ledger->commit(), 7u);
    write_group(*ledger, 1, 0);
    EXPECT_EQ(ledger->queued_events(), 6u);
  }
  Result<LedgerReader> reader = LedgerReader::open(path);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->header(), small_header());
  Result<std::vector<GroupRecord>> open = reader->open_groups();
  ASSERT_TRUE(open);
  ASSERT_EQ(open->size(), 1u);
  const GroupRecord& group = open->front();
  EXPECT_EQ(group.group, small_group(small_header(), 0));
  ASSERT_TRUE(group.rollouts[1].has_value());
  EXPECT_EQ(group.rollouts[1]->completion, "2");  // row 0, index 1: 0 + 1 + 1
  EXPECT_EQ(group.rollouts[1]->logprobs, (std::vector<float>{-0.5f, -0.25f}));
  EXPECT_EQ(group.verdicts[0]->reward, 1.0);
  EXPECT_EQ(group.verdicts[1]->reward, 0.0);
  EXPECT_EQ(reader->prompt(group.prompt)->reference, "1");
}

TEST(Ledger, AWholeRunClosesItsAccountingAndReplaysInOrder) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  {
    Result<Ledger> ledger = Ledger::create(path, small_header());
    write_run(*ledger);
  }
  Result<LedgerReader> reader = LedgerReader::open(path);
  const Result<Accounting> accounting = reader->accounting();
  ASSERT_TRUE(accounting);
  EXPECT_EQ(accounting->issued, 9u);
  EXPECT_EQ(accounting->consumed, 6u);
  EXPECT_EQ(accounting->dropped[static_cast<std::size_t>(DropReason::kZeroVariance)], 3u);
  EXPECT_EQ(accounting->open, 0u);
  EXPECT_EQ(accounting->verified, 18u);

  EXPECT_EQ((*reader->last_step())->step, 3u);
  EXPECT_EQ((*reader->last_checkpoint())->checkpoint, "step_2");
  const Result<std::vector<GroupRecord>> groups = reader->groups_of_step(2);
  ASSERT_EQ(groups->size(), 2u);
  EXPECT_EQ((*groups)[0].index, 3u);
  EXPECT_EQ((*groups)[1].index, 4u);
  EXPECT_EQ((*reader->last_issued())->index, 8u);
  EXPECT_EQ(reader->step(4).error().code, ErrorCode::kNotFound);
}

TEST(Ledger, HistoryTellsEverythingOfOneRolloutAndNothingOfOthers) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  {
    Result<Ledger> ledger = Ledger::create(path, small_header());
    write_run(*ledger);
  }
  Result<LedgerReader> reader = LedgerReader::open(path);
  const GroupId group = small_group(small_header(), 1);
  const Result<std::vector<LedgerEvent>> events = reader->history(RolloutId{group, 1});
  ASSERT_TRUE(events);
  std::string kinds;
  for (const LedgerEvent& event : *events) kinds += std::string(to_string(event.kind)) + " ";
  EXPECT_EQ(kinds, "issued leased generated verified consumed ");
  EXPECT_EQ(*reader->groups_of_prompt(small_prompt(1).id), std::vector<GroupId>{group});
  EXPECT_EQ(reader->history(group)->size(), 7u);
}

TEST(Ledger, ASecondWriterIsRefusedAtOnceAndNamesTheFirst) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  Result<Ledger> first = Ledger::create(path, small_header());
  ASSERT_TRUE(first);

  const Result<Ledger> second = Ledger::open(path);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
  EXPECT_TRUE(LedgerReader::open(path)) << "readers are welcome";
}

TEST(Ledger, EveryTakeoverRaisesTheFence) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  EXPECT_EQ(Ledger::create(path, small_header())->fence(), 1u);
  EXPECT_EQ(Ledger::open(path)->fence(), 2u);
  EXPECT_EQ(Ledger::open(path)->fence(), 3u);
}

TEST(Ledger, CreatingOverALedgerIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  ASSERT_TRUE(Ledger::create(path, small_header()));
  EXPECT_EQ(Ledger::create(path, small_header()).error().code, ErrorCode::kInvalidInput);
}

TEST(Ledger, ARolloutIsAcceptedOnceAndTheFailureIsFinal) {
  const TemporaryFolder folder;
  Result<Ledger> ledger = Ledger::create(folder.path("ledger.sqlite"), small_header());
  write_group(*ledger, 0, 0);
  ASSERT_TRUE(ledger->commit());
  const RolloutId id{small_group(small_header(), 0), 1};
  ledger->append_generated(small_rollout(id, 0, 0), {0, "generator/1", 2});

  ASSERT_FALSE(ledger->commit());
  EXPECT_FALSE(ledger->commit()) << "a failed ledger stays failed";
  EXPECT_EQ(ledger->last_seq(), 7u) << "what was durable still is";
}

TEST(Ledger, AGroupCannotEndTwice) {
  const TemporaryFolder folder;
  Result<Ledger> ledger = Ledger::create(folder.path("ledger.sqlite"), small_header());
  write_group(*ledger, 0, 0);
  ledger->append_dropped({small_group(small_header(), 0), DropReason::kStale}, {});
  ASSERT_TRUE(ledger->commit());
  ledger->append_dropped({small_group(small_header(), 0), DropReason::kStale}, {});
  EXPECT_FALSE(ledger->commit());
}

TEST(Ledger, StepsAreContiguous) {
  const TemporaryFolder folder;
  Result<Ledger> ledger = Ledger::create(folder.path("ledger.sqlite"), small_header());
  EXPECT_EQ(ledger->commit_step(small_step(small_header(), 2), {}).error().code,
            ErrorCode::kInvalidInput);
}

TEST(Ledger, AStepIsWholeOrAbsent) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  {
    Result<Ledger> ledger = Ledger::create(path, small_header());
    write_run(*ledger, 1, false);
    for (std::uint64_t row = 3; row < 6; ++row) write_group(*ledger, row, 1);
    StepCommit commit = small_step(small_header(), 2);
    commit.dropped.push_back(commit.dropped.front());  // ends twice: the transaction must fail
    ASSERT_FALSE(ledger->commit_step(commit, {}));
  }
  Result<LedgerReader> reader = LedgerReader::open(path);
  EXPECT_EQ((*reader->last_step())->step, 1u);
  EXPECT_EQ(reader->accounting()->issued, 3u);
}

TEST(Ledger, AJudgeThatFailedMayBeAskedAgainWithTheSameAttemptNumber) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  Result<Ledger> ledger = Ledger::create(path, small_header());
  const GroupId group = small_group(small_header(), 0);
  ledger->append_issued({group, 0, 0, 0, {}}, small_prompt(0), {});
  const RolloutId id{group, 0};
  const wire::Rollout rollout = small_rollout(id, 0, 0);
  ledger->append_generated(rollout, {});
  ledger->append_verdict(
      id, wire::Verdict::unscored(wire::VerdictCode::kJudgeUnavailable, "no judge"), {});
  ASSERT_TRUE(ledger->commit());
  ledger->append_verdict(id, testing::small_verdict(rollout), {});
  ASSERT_TRUE(ledger->commit());
  Result<LedgerReader> reader = LedgerReader::open(path);
  EXPECT_TRUE(reader->group(group)->verdicts[0]->is_scored());
}

TEST(Ledger, ForeignDamagedAndMissingFilesAreRefusedByName) {
  const TemporaryFolder folder;
  EXPECT_EQ(LedgerReader::open(folder.path("none")).error().code, ErrorCode::kNotFound);

  ASSERT_TRUE(write_file_durably(folder.path("text"), std::string(5000, 'x')));
  EXPECT_EQ(LedgerReader::open(folder.path("text")).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(Ledger::open(folder.path("text")).error().code, ErrorCode::kCorrupt);

  run_sql(folder.path("foreign"), "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  EXPECT_NE(LedgerReader::open(folder.path("foreign")).error().message.find("mark"),
            std::string::npos);

  ASSERT_TRUE(Ledger::create(folder.path("future"), small_header()));
  run_sql(folder.path("future"), "PRAGMA user_version = 2");
  EXPECT_NE(LedgerReader::open(folder.path("future")).error().message.find("format 2"),
            std::string::npos);

  ASSERT_TRUE(Ledger::create(folder.path("headless"), small_header()));
  run_sql(folder.path("headless"), "DELETE FROM header WHERE key = 'seed'");
  EXPECT_EQ(LedgerReader::open(folder.path("headless")).error().code, ErrorCode::kCorrupt);
}

TEST(Ledger, AnyFlippedByteOfTheFileIsAnErrorOrAViolationNeverACrash) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  {
    Result<Ledger> ledger = Ledger::create(path, small_header());
    write_run(*ledger);
  }
  const std::string whole = *read_file(path, 1 << 24);
  Rng rng(4);
  int noticed = 0;
  constexpr int kFlips = 150;
  for (int i = 0; i < kFlips; ++i) {
    std::string flipped = whole;
    flipped[rng.below(flipped.size())] ^= static_cast<char>(1u << rng.below(8));
    const std::string damaged = folder.path("damaged");
    std::ofstream(damaged, std::ios::binary) << flipped;
    Result<LedgerReader> reader = LedgerReader::open(damaged);
    if (!reader) {
      ++noticed;
      continue;
    }
    const Result<CheckReport> report = check_ledger(*reader, {});
    if (!report || !report->is_clean()) ++noticed;
  }
  // Most of a small file is free space and indexes; rows are far less than all of it.
  EXPECT_GT(noticed, kFlips / 20);
}

TEST(Ledger, AFlippedBitInStoredBytesIsNoticed) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  {
    Result<Ledger> ledger = Ledger::create(path, small_header());
    write_run(*ledger);
  }
  run_sql(path,
          "UPDATE rollouts SET bytes = substr(bytes, 1, 40) || x'ff' || substr(bytes, 42) "
          "WHERE seq = (SELECT min(seq) FROM rollouts)");
  Result<LedgerReader> reader = LedgerReader::open(path);
  const Result<CheckReport> report = check_ledger(*reader, {});
  EXPECT_EQ(report->of(Invariant::kHashChain).state, CheckState::kViolated);
}

TEST(Ledger, ExportHasExactlyTheContractsKeys) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  {
    Result<Ledger> ledger = Ledger::create(path, small_header());
    write_run(*ledger, 1);
  }
  const std::vector<std::string> keys = {"seq",     "t_ms",  "kind",  "group",          "rollout",
                                         "attempt", "actor", "fence", "policy_version", "hash",
                                         "reason",  "step",  "chain"};
  for (const LedgerEvent& event : events_of(path)) {
    const nlohmann::ordered_json line = nlohmann::ordered_json::parse(to_json_line(event));
    std::vector<std::string> found;
    for (const auto& [key, value] : line.items()) found.push_back(key);
    if (event.kind == EventKind::kStep) {
      EXPECT_EQ(line["groups"].size(), 2u);
      EXPECT_EQ(line["weights_in"], small_header().weights_base.hex());
      found.resize(keys.size());
    }
    EXPECT_EQ(found, keys);
  }
}

TEST(Ledger, HostileTextInAnEventStaysInsideItsJson) {
  LedgerEvent event;
  event.actor = "a\"}\n{";
  event.reason = std::string("\xff\x00<script>", 10);
  const std::string line = to_json_line(event);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(line)["actor"], event.actor);
}

// kill -9 at a random moment: every acknowledged seq must be there afterwards.
TEST(Ledger, NothingAcknowledgedIsLostWhenTheWriterIsKilled) {
  const TemporaryFolder folder;
  const std::string path = folder.path("ledger.sqlite");
  LedgerHeader header = small_header();
  header.open_groups_max = 0;  // groups only open here
  ASSERT_TRUE(Ledger::create(path, header));
  std::uint64_t row = 0;
  for (int round = 0; round < 3; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      Result<Ledger> ledger = Ledger::open(path);
      for (;; ++row) {
        write_group(*ledger, row, 0);
        const std::uint64_t seq = *ledger->commit();
        if (::write(pipe_ends[1], &seq, sizeof(seq)) < 0) ::_exit(1);
      }
    }
    ::close(pipe_ends[1]);
    std::uint64_t acknowledged = 0;
    for (int i = 0; i < 5; ++i)
      ASSERT_EQ(::read(pipe_ends[0], &acknowledged, sizeof(acknowledged)), 8);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    std::uint64_t later = 0;
    while (::read(pipe_ends[0], &later, sizeof(later)) == 8) acknowledged = later;
    ::close(pipe_ends[0]);

    const std::vector<LedgerEvent> events = events_of(path);
    EXPECT_GE(events.size(), acknowledged);
    Result<LedgerReader> reader = LedgerReader::open(path);
    Result<std::vector<GroupRecord>> open = reader->open_groups();
    for (const GroupRecord& group : *open)
      EXPECT_TRUE(group.rollouts[0] && group.rollouts[1]) << "a rollout is stored with its event";
    row = open->size();
    EXPECT_TRUE(check_ledger(*reader, {})->is_clean());
  }
}

TEST(Ledger, AFullDiskIsOneClearErrorAndLosesNothingAcknowledged) {
  const TemporaryFolder folder;
  if (::mount("none", folder.root().c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "SKIPPED: mounting a 1 MB tmpfs needs root";
  std::uint64_t acknowledged = 0;
  std::optional<Error> failure;
  {
    Result<Ledger> ledger = Ledger::create(folder.path("ledger.sqlite"), small_header());
    ASSERT_TRUE(ledger) << ledger.error().message;
    for (std::uint64_t row = 0; row < 5000 && !failure; ++row) {
      write_group(*ledger, row, 0);
      const Result<std::uint64_t> seq = ledger->commit();
      if (seq) {
        acknowledged = *seq;
      } else {
        failure = seq.error();
      }
    }
  }
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->code, ErrorCode::kExhausted) << failure->message;
  EXPECT_NE(failure->remedy.find("free space"), std::string::npos);
  EXPECT_GT(acknowledged, 0u);
  EXPECT_GE(events_of(folder.path("ledger.sqlite")).size(), acknowledged);
  ::umount(folder.root().c_str());
}

}  // namespace
}  // namespace assay::store
