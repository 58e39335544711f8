// The invariants that make a ledger trustworthy, and what a check found out about each.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

// Collects what the parts of a checker find.
class Findings {
 public:
  Findings();
  void report(Invariant invariant, std::uint64_t seq, std::string text);
  // Says why an invariant was not, or not wholly, checked. A violation of it outweighs this.
  void leave_unchecked(Invariant invariant, std::string why);
  std::vector<InvariantReport> reports() const;  // [kInvariantCount], I01 first

 private:
  std::array<InvariantReport, kInvariantCount> reports_;
};

}  // namespace assay::store
