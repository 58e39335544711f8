#include "runtime/store/ledger_checker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/runtime/store/ledger_run.h"
#include "tests/support/temporary_folder.h"

namespace assay::store {
namespace {

using assay::testing::TemporaryFolder;
using testing::events_of;
using testing::small_header;
using testing::write_run;

using Events = std::vector<LedgerEvent>;

struct Case {
  LedgerHeader header = small_header();
  Events events;
  CheckOptions options;
};

const Events& valid_events() {
  static const Events events = [] {
    const TemporaryFolder folder;
    const std::string path = folder.path("ledger.sqlite");
    Result<Ledger> ledger = Ledger::create(path, small_header());
    write_run(*ledger);
    return events_of(path);
  }();
  return events;
}

CheckReport check(const Case& one) {
  LedgerChecker checker(one.header, one.options);
  for (const LedgerEvent& event : one.events) checker.add(event);
  return checker.finish();
}

// Renumbers and chains again, so that only the meaning is wrong.
void repair_form(Case& one) {
  Digest chain = chain_start(one.header);
  std::uint64_t seq = 0;
  for (LedgerEvent& event : one.events) {
    event.seq = ++seq;
    event.chain = chain_next(chain, event);
    chain = event.chain;
  }
}

// The position of the nth event of a kind, from 0.
std::size_t at(const Events& events, EventKind kind, std::size_t nth = 0) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind == kind && nth-- == 0) return i;
  }
  ADD_FAILURE() << "the valid run has no such event";
  return 0;
}

void insert_copy(Events& events, std::size_t from, std::size_t before) {
  const LedgerEvent copy = events[from];
  events.insert(events.begin() + static_cast<std::ptrdiff_t>(before), copy);
}
void remove_at(Events& events, std::size_t position) {
  events.erase(events.begin() + static_cast<std::ptrdiff_t>(position));
}
std::size_t last(const Events& events) {
  return events.size() - 1;
}

enum class Form { kRepaired, kRaw };

struct Corruption {
  const char* name;
  Invariant expected;
  std::function<void(Case&)> apply;
  Form form = Form::kRepaired;
};

using K = EventKind;

std::vector<Corruption> group_corruptions() {
  return {
      {"issued twice in a row", Invariant::kIssuedOnce,
       [](Case& c) { insert_copy(c.events, at(c.events, K::kIssued), at(c.events, K::kLeased)); }},
      {"issued again after its end", Invariant::kIssuedOnce,
       [](Case& c) { insert_copy(c.events, at(c.events, K::kIssued), last(c.events)); }},
      {"consumed twice", Invariant::kOneTerminal,
       [](Case& c) { insert_copy(c.events, at(c.events, K::kConsumed), at(c.events, K::kStep)); }},
      {"dropped after it was consumed", Invariant::kOneTerminal,
       [](Case& c) {
         c.events[at(c.events, K::kDropped)].group = c.events[at(c.events, K::kConsumed)].group;
       }},
      {"dropped twice", Invariant::kOneTerminal,
       [](Case& c) { insert_copy(c.events, at(c.events, K::kDropped), last(c.events)); }},
      {"never ended though the run finished", Invariant::kOneTerminal,
       [](Case& c) { remove_at(c.events, at(c.events, K::kDropped)); }},
      {"generated after its end", Invariant::kNothingAfterTerminal,
       [](Case& c) { insert_copy(c.events, at(c.events, K::kGenerated), last(c.events)); }},
      {"leased after its end", Invariant::kNothingAfterTerminal,
       [](Case& c) { insert_copy(c.events, at(c.events, K::kLeased), last(c.events)); }},
      {"verified after its end", Invariant::kNothingAfterTerminal,
       [](Case& c) { insert_copy(c.events, at(c.events, K::kVerified), last(c.events)); }},
      {"an unknown drop reason", Invariant::kDropReason,
       [](Case& c) { c.events[at(c.events, K::kDropped)].reason = "bored"; }},
      {"no drop reason", Invariant::kDropReason,
       [](Case& c) { c.events[at(c.events, K::kDropped)].reason.clear(); }},
      {"a drop reason in capitals", Invariant::kDropReason,
       [](Case& c) { c.events[at(c.events, K::kDropped)].reason = "STALE"; }},
  };
}

std::vector<Corruption> rollout_corruptions() {
  return {
      {"generated twice", Invariant::kGeneratedOnce,
       [](Case& c) {
         insert_copy(c.events, at(c.events, K::kGenerated), at(c.events, K::kVerified));
       }},
      {"an index beyond the group", Invariant::kGeneratedOnce,
       [](Case& c) { c.events[at(c.events, K::kGenerated)].index = 2; }},
      {"a generated event without an index", Invariant::kGeneratedOnce,
       [](Case& c) { c.events[at(c.events, K::kGenerated)].index.reset(); }},
      {"verified twice", Invariant::kVerdictOnce,
       [](Case& c) {
         const std::size_t first = at(c.events, K::kVerified);
         insert_copy(c.events, first, first + 1);
       }},
      {"unscored after it was scored", Invariant::kVerdictOnce,
       [](Case& c) {
         const std::size_t first = at(c.events, K::kVerified);
         insert_copy(c.events, first, first + 1);
         c.events[first + 1].kind = K::kUnscored;
       }},
      {"a verdict missing from a consumed group", Invariant::kFullGroup,
       [](Case& c) { remove_at(c.events, at(c.events, K::kVerified, 1)); }},
      {"a rollout missing from a consumed group", Invariant::kFullGroup,
       [](Case& c) {
         remove_at(c.events, at(c.events, K::kVerified, 1));
         remove_at(c.events, at(c.events, K::kGenerated, 1));
       }},
      {"a verdict for other bytes", Invariant::kVerdictHash,
       [](Case& c) { c.events[at(c.events, K::kVerified)].hash = sha256("other"); }},
      {"a verdict for no bytes", Invariant::kVerdictHash,
       [](Case& c) { c.events[at(c.events, K::kVerified)].hash = {}; }},
      {"verdicts of two rollouts swapped", Invariant::kVerdictHash,
       [](Case& c) {
         std::swap(c.events[at(c.events, K::kVerified, 0)].hash,
                   c.events[at(c.events, K::kVerified, 1)].hash);
       }},
      {"a completion replaced after judging", Invariant::kVerdictHash,
       [](Case& c) { c.events[at(c.events, K::kGenerated)].hash = sha256("better"); }},
      {"an unscored verdict for other bytes", Invariant::kVerdictHash,
       [](Case& c) {
         LedgerEvent& event = c.events[at(c.events, K::kVerified)];
         event.kind = K::kUnscored;
         event.hash = sha256("other");
       }},
      {"judged before it was generated", Invariant::kOrder,
       [](Case& c) {
         std::swap(c.events[at(c.events, K::kGenerated)], c.events[at(c.events, K::kVerified)]);
       }},
      {"generated before it was issued", Invariant::kOrder,
       [](Case& c) {
         std::swap(c.events[at(c.events, K::kIssued)], c.events[at(c.events, K::kGenerated)]);
       }},
      {"never issued at all", Invariant::kOrder,
       [](Case& c) { remove_at(c.events, at(c.events, K::kIssued)); }},
      {"drawn by weights of the future", Invariant::kStaleness,
       [](Case& c) { c.events[at(c.events, K::kGenerated)].policy_version = {1}; }},
      {"drawn by weights too old", Invariant::kStaleness,
       // The third step trains at version 2 with a bound of 1.
       [](Case& c) { c.events[at(c.events, K::kGenerated, 12)].policy_version = {0}; }},
      {"consumed at another version than its step's", Invariant::kStaleness,
       [](Case& c) { c.events[at(c.events, K::kConsumed)].policy_version = {1}; }},
      {"attempt zero", Invariant::kAttempts,
       [](Case& c) { c.events[at(c.events, K::kGenerated)].attempt = 0; }},
      {"too many attempts", Invariant::kAttempts,
       [](Case& c) { c.events[at(c.events, K::kVerified)].attempt = 4; }},
      {"leased to a second actor while the first holds it", Invariant::kLeaseEnds,
       [](Case& c) {
         const std::size_t first = at(c.events, K::kLeased);
         insert_copy(c.events, first, first + 1);
         c.events[first + 1].actor = "generator/1";
       }},
      {"an attempt left out", Invariant::kAttempts,
       [](Case& c) { c.events[at(c.events, K::kLeased)].attempt = 2; }},
      {"a lease that expired at another attempt", Invariant::kLeaseEnds,
       [](Case& c) {
         const std::size_t first = at(c.events, K::kLeased);
         insert_copy(c.events, first, first + 1);
         c.events[first + 1].kind = K::kLeaseExpired;
         c.events[first + 1].attempt = 2;
       }},
      {"leased twice to one actor", Invariant::kLeaseEnds,
       [](Case& c) {
         const std::size_t first = at(c.events, K::kLeased);
         insert_copy(c.events, first, first + 1);
       }},
      {"a lease expired that nobody held", Invariant::kLeaseEnds,
       [](Case& c) { c.events[at(c.events, K::kLeased)].kind = K::kLeaseExpired; }},
      {"a lease open in a finished run", Invariant::kLeaseEnds,
       [](Case& c) {
         LedgerEvent issued = c.events[at(c.events, K::kIssued)];
         issued.group = GroupId{77};
         LedgerEvent leased = c.events[at(c.events, K::kLeased)];
         leased.group = GroupId{77};
         c.events.insert(c.events.end() - 1, {issued, leased});
       }},
  };
}

std::vector<Corruption> step_corruptions() {
  return {
      {"a step forgets a group", Invariant::kConsumedInStep,
       [](Case& c) { c.events[at(c.events, K::kStep)].details->groups.pop_back(); }},
      {"a step uses a group that was not consumed", Invariant::kConsumedInStep,
       [](Case& c) { remove_at(c.events, at(c.events, K::kConsumed)); }},
      {"a step uses a group of another step", Invariant::kConsumedInStep,
       [](Case& c) {
         c.events[at(c.events, K::kStep, 1)].details->groups.push_back(
             c.events[at(c.events, K::kStep, 0)].details->groups.front());
       }},
      {"a group consumed for another step", Invariant::kConsumedInStep,
       [](Case& c) { c.events[at(c.events, K::kConsumed)].step = 9; }},
      {"a batch in another order", Invariant::kConsumedInStep,
       [](Case& c) {
         std::vector<GroupId>& groups = c.events[at(c.events, K::kStep)].details->groups;
         std::swap(groups[0], groups[1]);
       }},
      {"weights exchanged between steps", Invariant::kStepChain,
       [](Case& c) { c.events[at(c.events, K::kStep, 1)].details->weights_in = sha256("x"); }},
      {"a step that does not start from the base", Invariant::kStepChain,
       [](Case& c) { c.events[at(c.events, K::kStep)].details->weights_in = sha256("x"); }},
      {"a step that jumps a version", Invariant::kStepChain,
       [](Case& c) { c.events[at(c.events, K::kStep, 1)].details->version_out = {3}; }},
      {"a step without details", Invariant::kStepChain,
       [](Case& c) { c.events[at(c.events, K::kStep)].details.reset(); }},
      {"a step that contradicts its details", Invariant::kStepChain,
       [](Case& c) { c.events[at(c.events, K::kStep)].hash = sha256("x"); }},
      {"a step removed", Invariant::kStepChain,
       [](Case& c) { remove_at(c.events, at(c.events, K::kStep, 1)); }},
      {"a step twice", Invariant::kStepChain,
       [](Case& c) {
         const std::size_t first = at(c.events, K::kStep);
         insert_copy(c.events, first, first + 1);
       }},
      {"a run that finished with work open", Invariant::kAccounting,
       [](Case& c) { remove_at(c.events, at(c.events, K::kDropped)); }},
      {"an end counted twice", Invariant::kAccounting,
       [](Case& c) { insert_copy(c.events, at(c.events, K::kDropped), last(c.events)); }},
      {"more open groups than declared", Invariant::kBound,
       [](Case& c) { c.header.open_groups_max = 2; }},
      {"an acknowledged event missing", Invariant::kAcknowledged,
       [](Case& c) {
         c.options.acknowledged = {{c.events.back().seq, c.events.back().chain}};
         c.events.pop_back();
       },
       Form::kRaw},
      {"an acknowledged event rewritten", Invariant::kAcknowledged,
       [](Case& c) {
         c.options.acknowledged = {{c.events.back().seq, c.events.back().chain}};
         c.events[at(c.events, K::kVerified)].reason = "rewritten";
       }},
  };
}

std::vector<Corruption> form_corruptions() {
  return {
      {"a fence that falls", Invariant::kFence,
       [](Case& c) { c.events[at(c.events, K::kVerified)].fence = 0; }},
      {"a fence nobody raised", Invariant::kFence,
       [](Case& c) { c.events[at(c.events, K::kVerified)].fence = 2; }},
      {"no fence at the start", Invariant::kFence,
       [](Case& c) { remove_at(c.events, at(c.events, K::kFence)); }},
      {"a fence raised to the same number", Invariant::kFence,
       [](Case& c) { insert_copy(c.events, 0, 1); }},
      {"work after the run finished", Invariant::kFence,
       [](Case& c) {
         c.events.push_back(c.events[at(c.events, K::kIssued)]);
         c.events.back().group = GroupId{77};
       }},
      {"a number left out", Invariant::kDense,
       [](Case& c) { remove_at(c.events, at(c.events, K::kLeased)); }, Form::kRaw},
      {"a number twice", Invariant::kDense, [](Case& c) { c.events[5].seq = c.events[4].seq; },
       Form::kRaw},
      {"the beginning cut off", Invariant::kDense, [](Case& c) { remove_at(c.events, 0); },
       Form::kRaw},
      {"a reason edited", Invariant::kHashChain,
       [](Case& c) { c.events[at(c.events, K::kVerified)].reason = "edited"; }, Form::kRaw},
      {"an actor edited", Invariant::kHashChain,
       [](Case& c) { c.events[at(c.events, K::kGenerated)].actor = "mallory"; }, Form::kRaw},
      {"a stored reward's digest edited", Invariant::kHashChain,
       [](Case& c) { c.events[at(c.events, K::kVerified)].stored = sha256("x"); }, Form::kRaw},
      {"the details of a step edited", Invariant::kHashChain,
       [](Case& c) { c.events[at(c.events, K::kStep)].details->optimiser = sha256("x"); },
       Form::kRaw},
      {"the last chain value lost", Invariant::kHashChain,
       [](Case& c) { c.events.back().chain = {}; }, Form::kRaw},
      {"a time edited", Invariant::kHashChain, [](Case& c) { c.events[3].t_ms += 1; }, Form::kRaw},
      {"the header's seed edited", Invariant::kHashChain, [](Case& c) { c.header.seed = 18; },
       Form::kRaw},
      {"a verdict without stored bytes", Invariant::kHashChain,
       [](Case& c) { c.events[at(c.events, K::kVerified)].stored = {}; }},
      {"bytes stored with an event that has none", Invariant::kHashChain,
       [](Case& c) { c.events[at(c.events, K::kLeased)].stored = sha256("x"); }},
  };
}

TEST(LedgerChecker, AValidLedgerHasNoViolation) {
  const CheckReport report = check({small_header(), valid_events(), {}});
  for (const InvariantReport& one : report.invariants)
    EXPECT_NE(one.state, CheckState::kViolated) << id_of(one.invariant) << " " << one.text;
  EXPECT_TRUE(report.is_finished);
  EXPECT_EQ(report.open_groups, 0u);
  // fence + 9 groups of 6 events + 3 * (2 consumed, 1 dropped, 1 step) + finish
  EXPECT_EQ(report.event_count, 1u + 54u + 12u + 1u);
}

TEST(LedgerChecker, EverySeededCorruptionIsCaughtUnderItsOwnName) {
  std::vector<Corruption> all;
  for (const auto& list :
       {group_corruptions(), rollout_corruptions(), step_corruptions(), form_corruptions()})
    all.insert(all.end(), list.begin(), list.end());
  ASSERT_GE(all.size(), 60u);
  for (const Corruption& corruption : all) {
    Case one{small_header(), valid_events(), {}};
    corruption.apply(one);
    if (corruption.form == Form::kRepaired) repair_form(one);
    const CheckReport report = check(one);
    const InvariantReport& found = report.of(corruption.expected);
    EXPECT_EQ(found.state, CheckState::kViolated)
        << corruption.name << " must violate " << id_of(corruption.expected);
    EXPECT_FALSE(found.first_seqs.empty()) << corruption.name;
    EXPECT_FALSE(found.text.empty()) << corruption.name;
    // Except for a broken chain, only raw edits may look like one.
    if (corruption.form == Form::kRepaired && corruption.expected != Invariant::kHashChain) {
      EXPECT_EQ(report.of(Invariant::kHashChain).state, CheckState::kHolds) << corruption.name;
    }
  }
}

TEST(LedgerChecker, EveryInvariantOfEventsHasACorruption) {
  std::vector<bool> covered(kInvariantCount + 1, false);
  for (const auto& list :
       {group_corruptions(), rollout_corruptions(), step_corruptions(), form_corruptions()}) {
    for (const Corruption& one : list) covered[static_cast<std::size_t>(one.expected)] = true;
  }
  for (std::size_t i = 1; i <= kInvariantCount; ++i) {
    const auto invariant = static_cast<Invariant>(i);
    // Stored bytes give these two away: see ledger_forgery_test.cpp.
    if (invariant == Invariant::kReward || invariant == Invariant::kReplay) continue;
    EXPECT_TRUE(covered[i]) << id_of(invariant);
  }
}

TEST(LedgerChecker, WhatCannotBeCheckedSaysSo) {
  LedgerHeader header = small_header();
  header.open_groups_max = 0;
  Case one{header, valid_events(), {}};
  repair_form(one);
  const CheckReport report = check(one);
  for (const Invariant invariant :
       {Invariant::kBound, Invariant::kReward, Invariant::kReplay, Invariant::kAcknowledged}) {
    EXPECT_EQ(report.of(invariant).state, CheckState::kNotChecked);
    EXPECT_FALSE(report.of(invariant).text.empty());
  }
}

TEST(LedgerChecker, AnUnfinishedRunMayHaveOpenGroups) {
  Case one{small_header(), valid_events(), {}};
  one.events.resize(at(one.events, K::kConsumed));
  const CheckReport report = check(one);
  EXPECT_TRUE(report.is_clean());
  EXPECT_EQ(report.open_groups, 3u);
}

TEST(LedgerChecker, ATakeoverVoidsLeases) {
  Case one{small_header(), valid_events(), {}};
  const std::size_t leased = at(one.events, K::kLeased);
  one.events.resize(leased + 1);
  LedgerEvent fence = one.events.front();
  fence.fence = 2;
  LedgerEvent again = one.events.back();
  again.fence = 2;
  one.events.insert(one.events.end(), {fence, again});
  repair_form(one);
  EXPECT_TRUE(check(one).is_clean());
}

// Whatever a worker sends late is noted and changes nothing, even for groups that never were.
TEST(LedgerChecker, ALateArrivalMayNameAnything) {
  Case one{small_header(), valid_events(), {}};
  LedgerEvent late = one.events[at(one.events, K::kLeased)];
  late.kind = K::kLate;
  late.group = GroupId{77};
  one.events.insert(one.events.end() - 1, late);
  repair_form(one);
  EXPECT_TRUE(check(one).is_clean());
}

class StoredBytes : public ::testing::Test {
 protected:
  StoredBytes() {
    Result<Ledger> ledger = Ledger::create(path_, small_header());
    write_run(*ledger);
  }
  CheckReport check_with(const CheckOptions& options) {
    Result<LedgerReader> reader = LedgerReader::open(path_);
    return *check_ledger(*reader, options);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.path("ledger.sqlite");
};

TEST_F(StoredBytes, RewardsAreRecomputedFromThem) {
  CheckOptions options;
  options.verify = [](const wire::Prompt&, const wire::Rollout& rollout) {
    return Result<wire::Verdict>(testing::small_verdict(rollout));
  };
  EXPECT_EQ(check_with(options).of(Invariant::kReward).state, CheckState::kHolds);

  options.verify = [](const wire::Prompt& prompt, const wire::Rollout& rollout) {
    wire::Verdict verdict = testing::small_verdict(rollout);
    if (prompt.row == 4 && rollout.id.index == 1) verdict = wire::Verdict::correct("flipped");
    return Result<wire::Verdict>(verdict);
  };
  const CheckReport report = check_with(options);
  EXPECT_EQ(report.of(Invariant::kReward).state, CheckState::kViolated);
  EXPECT_EQ(report.of(Invariant::kReward).violation_count, 1u);
}

TEST_F(StoredBytes, StepsAreReplayedFromThem) {
  CheckOptions options;
  options.replay = [](const StepRecord& record, const std::vector<GroupRecord>& groups) {
    EXPECT_EQ(groups.size(), 2u);
    return Result<Digest>(sha256("weights " + std::to_string(record.step)));
  };
  EXPECT_EQ(check_with(options).of(Invariant::kReplay).state, CheckState::kHolds);

  options.replay = [](const StepRecord&, const std::vector<GroupRecord>&) {
    return Result<Digest>(sha256("weights 2"));
  };
  EXPECT_EQ(check_with(options).of(Invariant::kReplay).violation_count, 2u);
}

}  // namespace
}  // namespace assay::store
