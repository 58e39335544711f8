// The curator dies at any moment and comes back from the real ledger: the same chaos as in the
// flow's simulation, with every decision recorded, and the whole history checked at the end.
#include <gtest/gtest.h>

#include "actors/ledger_records.h"
#include "actors/recovery.h"
#include "runtime/store/ledger.h"
#include "runtime/store/ledger_checker.h"
#include "runtime/store/ledger_reader.h"
#include "tests/runtime/flow/chaos_world.h"
#include "tests/support/temporary_folder.h"

namespace assay::actors {
namespace {

using flow::testing::ChaosCounts;
using flow::testing::ChaosOptions;
using flow::testing::ChaosWorld;
using store::CheckReport;
using store::CheckState;
using store::Invariant;

Digest weights_of(std::uint64_t version) {
  return sha256("weights " + std::to_string(version));
}

store::LedgerHeader header_of(const flow::FlowOptions& options) {
  store::LedgerHeader header;
  header.run = "chaos";
  header.seed = flow::testing::kRunSeed;
  header.config_sha256 = sha256("chaos");
  header.group_size = options.group_size;
  header.staleness_max = options.dispatch.staleness_max;
  header.attempts_max = options.attempts_max;
  header.open_groups_max = flow::open_groups_max(options.dispatch);
  header.weights_base = weights_of(0);
  return header;
}

class LedgerStorage final : public flow::testing::Storage {
 public:
  LedgerStorage(const std::string& path, const flow::FlowOptions& options)
      : path_(path), options_(options), ledger_(store::Ledger::create(path, header_of(options))) {}

  void keep(const flow::Effect& effect, PolicyVersion version) override {
    std::visit([&](const auto& one) { keep_one(one, version); }, effect);
  }

  void commit() override {
    ASSERT_TRUE(ledger_->commit());
    seen_.push_back({ledger_->last_seq(), ledger_->chain_head()});
  }

  void commit_step(std::uint64_t step, const std::vector<GroupId>& groups) override {
    store::StepCommit commit;
    commit.record.step = step + 1;
    commit.record.version_in = PolicyVersion{step};
    commit.record.version_out = PolicyVersion{step + 1};
    commit.record.weights_in = weights_of(step);
    commit.record.weights_out = weights_of(step + 1);
    commit.record.groups = groups;
    ASSERT_TRUE(ledger_->commit_step(commit, {++time_, "learner/0", 1}));
  }

  flow::Effects come_back(flow::GroupFlow& flow) override {
    ledger_ = Error{};  // the dead writer lets go of the file before the next one takes it
    ledger_ = store::Ledger::open(path_);
    Result<store::LedgerReader> reader = store::LedgerReader::open(path_);
    const Result<std::optional<store::StepRecord>> last = reader->last_step();
    const std::uint64_t steps = *last ? (*last)->step : 0;
    Result<RestoredFlow> restored =
        restore_flow(options_, flow::testing::chaos_supply, *reader, steps, flow);
    EXPECT_TRUE(restored) << restored.error().message;
    return restored ? std::move(restored->effects) : flow::Effects();
  }

  CheckReport finish_and_check() {
    EXPECT_TRUE(ledger_->finish({++time_, "curator", 0}));
    store::CheckOptions options;
    options.acknowledged = seen_;
    options.verify = [](const wire::Prompt&, const wire::Rollout& rollout) {
      return Result<wire::Verdict>(flow::testing::chaos_verdict(rollout));
    };
    Result<store::LedgerReader> reader = store::LedgerReader::open(path_);
    return *store::check_ledger(*reader, options);
  }

  store::Accounting accounting() const { return *store::LedgerReader::open(path_)->accounting(); }

 private:
  void keep_one(const flow::GroupIssued& issued, PolicyVersion version) {
    const auto prompt =
        std::make_shared<const wire::Prompt>(flow::testing::chaos_prompt(issued.ticket.index));
    append(*ledger_, record_of(issued, prompt, version, ++time_));
  }
  void keep_one(const flow::GroupAdopted&, PolicyVersion) {}
  void keep_one(const flow::GenerationCancelled&, PolicyVersion) {}
  void keep_one(const flow::VerificationGranted&, PolicyVersion) {}
  void keep_one(const flow::WorkerRetired&, PolicyVersion) {}
  void keep_one(const flow::BatchReady&, PolicyVersion) {}
  void keep_one(const auto& recorded, PolicyVersion) {
    append(*ledger_, record_of(recorded, ++time_));
  }

  std::string path_;
  flow::FlowOptions options_;
  Result<store::Ledger> ledger_;
  std::vector<store::Acknowledgement> seen_;  // by somebody outside
  std::int64_t time_ = 0;
};

void expect_sound(LedgerStorage& storage, const ChaosWorld& world) {
  const CheckReport report = storage.finish_and_check();
  for (const store::InvariantReport& one : report.invariants) {
    const bool is_replay = one.invariant == Invariant::kReplay;
    EXPECT_EQ(one.state, is_replay ? CheckState::kNotChecked : CheckState::kHolds)
        << id_of(one.invariant) << " " << one.text;
  }
  EXPECT_TRUE(report.is_finished);
  const store::Accounting ledger = storage.accounting();
  EXPECT_EQ(ledger.issued, world.accounting().issued);
  EXPECT_EQ(ledger.consumed, world.accounting().consumed);
  EXPECT_EQ(ledger.open, 0u);
}

ChaosOptions crashing(std::uint64_t seed, std::uint32_t staleness) {
  ChaosOptions options;
  options.seed = seed;
  options.staleness = staleness;
  options.crash_chance = 0.004;
  return options;
}

ChaosOptions deterministic(std::uint64_t seed, std::uint32_t staleness) {
  ChaosOptions options = crashing(seed, staleness);
  options.is_deterministic = true;
  options.attempts_max = 1000;
  return options;
}

// Runs one seed to its end and checks everything that it left behind.
void run_and_check(ChaosWorld& world, LedgerStorage& storage, ChaosCounts& seen) {
  ASSERT_TRUE(world.run()) << "the run must come to an end";
  expect_sound(storage, world);
  seen.add(world.counts());
}

class CrashSim : public ::testing::Test {
 protected:
  std::string ledger_path() { return folder_.path(std::to_string(++ledgers_)); }

  testing::TemporaryFolder folder_{testing::TemporaryFolder::in_memory()};
  int ledgers_ = 0;
};

TEST_F(CrashSim, AnyCrashLeavesALedgerInWhichEverythingHolds) {
  const std::uint64_t first = flow::testing::first_seed();
  ChaosCounts seen;
  for (std::uint64_t seed = first; seed < first + flow::testing::seed_count(60); ++seed) {
    SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
    ChaosOptions options = crashing(seed, static_cast<std::uint32_t>(seed % 4));
    options.stop_chance = seed % 3 == 0 ? 0.002 : 0;
    LedgerStorage storage(ledger_path(), flow::testing::chaos_flow_options(options));
    ChaosWorld world(options, &storage);
    run_and_check(world, storage, seen);
    if (HasFailure()) return;
  }
  EXPECT_GT(seen.crashes, 100u);
}

TEST_F(CrashSim, ACrashChangesNothingThatIsTrainedOnInDeterministicMode) {
  const std::uint64_t first = flow::testing::first_seed();
  ChaosCounts seen;
  for (std::uint32_t staleness : {0u, 1u, 2u}) {
    ChaosOptions calm = deterministic(first, staleness);
    calm.crash_chance = 0;
    ChaosWorld undisturbed(calm);
    ASSERT_TRUE(undisturbed.run());
    for (std::uint64_t seed = first; seed < first + flow::testing::seed_count(25); ++seed) {
      SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
      const ChaosOptions options = deterministic(seed, staleness);
      LedgerStorage storage(ledger_path(), flow::testing::chaos_flow_options(options));
      ChaosWorld world(options, &storage);
      run_and_check(world, storage, seen);
      EXPECT_EQ(world.batches(), undisturbed.batches());
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(seen.crashes, 100u);
}

// A group whose judge failed for good was accepted, and others were issued because of that: after a
// crash it must be accepted again.
TEST_F(CrashSim, WhatWasGivenUpStaysSoInDeterministicMode) {
  const std::uint64_t first = flow::testing::first_seed();
  ChaosCounts seen;
  for (std::uint64_t seed = first; seed < first + flow::testing::seed_count(60); ++seed) {
    SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
    ChaosOptions options = deterministic(seed, static_cast<std::uint32_t>(seed % 3));
    options.attempts_max = 1 + seed % 2;
    LedgerStorage storage(ledger_path(), flow::testing::chaos_flow_options(options));
    ChaosWorld world(options, &storage);
    run_and_check(world, storage, seen);
    if (HasFailure()) return;
  }
  EXPECT_GT(seen.crashes, 100u);
  EXPECT_GT(seen.unscored, 50u);
}

}  // namespace
}  // namespace assay::actors
