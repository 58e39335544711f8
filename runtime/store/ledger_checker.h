// The checker: the invariants I01-I22 that make a ledger trustworthy, over one pass of its events.
//
// The sentence they prove: every group issued ends exactly once, as consumed in step N or dropped
// with a reason, with verdicts bound to the exact bytes judged. What cannot be checked here is
// reported as not checked with its reason, never as passed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/store/ledger_event.h"
#include "runtime/store/ledger_reader.h"

namespace assay::store {

enum class Invariant : std::uint8_t {
  kIssuedOnce = 1,        // I01 each group is issued once, under the id its place derives
  kOneTerminal,           // I02 one terminal per group; at quiescence exactly one
  kNothingAfterTerminal,  // I03 nothing but `late` after it
  kDropReason,            // I04 from the closed list
  kGeneratedOnce,         // I05 each rollout accepted once
  kVerdictOnce,           // I06 each scored verdict accepted once, nothing after it
  kFullGroup,             // I07 a consumed group has a verdict for each of its rollouts
  kVerdictHash,           // I08 what was judged is what was generated
  kOrder,                 // I09 issued < generated < verified
  kStaleness,             // I10 0 <= version trained - version generated <= staleness_max
  kConsumedInStep,        // I11 consumed exactly when used by exactly one step
  kStepChain,             // I12 steps contiguous, weights_in(n+1) = weights_out(n)
  kFence,                 // I13 fences never decrease and are always known
  kAttempts,              // I14 1 <= attempt <= attempts_max
  kDense,                 // I15 seq is dense from 1
  kHashChain,             // I16 the chain is intact, and so are the bytes it covers
  kAccounting,            // I17 issued = consumed + dropped + open; a finished run has none open
  kBound,                 // I18 open groups never above the declared bound
  kLeaseEnds,             // I19 every lease ends
  kReward,                // I20 verifying the stored bytes again gives the stored reward
  kReplay,                // I21 replaying the stored groups gives the recorded weights
  kAcknowledged,          // I22 nothing acknowledged is missing
};
inline constexpr std::size_t kInvariantCount = 22;

std::string id_of(Invariant invariant);                // "I01"
std::string_view description_of(Invariant invariant);  // one line for people

enum class CheckState : std::uint8_t { kHolds, kViolated, kNotChecked };

struct InvariantReport {
  Invariant invariant = Invariant::kIssuedOnce;
  CheckState state = CheckState::kHolds;
  std::uint64_t violation_count = 0;
  std::vector<std::uint64_t> first_seqs;  // the first offending events, at most 3
  std::string text;                       // of the first violation, or why it was not checked
};

struct CheckReport {
  std::vector<InvariantReport> invariants;  // [kInvariantCount], I01 first
  std::uint64_t event_count = 0;
  std::uint64_t open_groups = 0;
  bool is_finished = false;  // the run declared itself complete

  bool is_clean() const;  // nothing violated; says nothing of what was not checked
  const InvariantReport& of(Invariant invariant) const;
};

// An acknowledgement somebody outside kept: the event it was given for.
struct Acknowledgement {
  std::uint64_t seq = 0;
  Digest chain;
};

struct CheckOptions {
  // Judges a stored completion again. Absent: I20 is not checked.
  std::function<Result<wire::Verdict>(const wire::Prompt&, const wire::Rollout&)> verify;
  // Does one step again and returns the digest of the weights. Absent: I21 is not checked.
  std::function<Result<Digest>(const StepRecord&, const std::vector<GroupRecord>&)> replay;
  // The outside record. Absent: I22 is not checked.
  std::optional<std::vector<Acknowledgement>> acknowledged;
};

// Event by event, for any source of events. Memory: a few bytes per group ended, more per group
// open.
class LedgerChecker {
 public:
  LedgerChecker(const LedgerHeader& header, CheckOptions options);
  ~LedgerChecker();
  LedgerChecker(LedgerChecker&&) noexcept;
  LedgerChecker& operator=(LedgerChecker&&) noexcept;

  void add(const LedgerEvent& event);
  // A violation found by a caller who sees more than events (stored bytes, replay).
  void report(Invariant invariant, std::uint64_t seq, std::string text);
  CheckReport finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The whole ledger: its events, the bytes stored with them, and the optional callbacks.
// Errors: only when it cannot be read at all.
Result<CheckReport> check_ledger(LedgerReader& reader, const CheckOptions& options);

}  // namespace assay::store
