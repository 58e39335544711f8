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
#include <string>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/store/invariant.h"
#include "runtime/store/ledger_event.h"
#include "runtime/store/ledger_reader.h"

namespace assay::store {

// What the events and their bytes alone cannot show. Each reason says why its part is absent; it
// becomes the text of the invariant that is then not checked.
struct CheckOptions {
  // Judges a stored completion again, for I20. Errors: kUnavailable, kTimedOut and kExhausted when
  // it cannot be done here, which proves nothing; all others are violations.
  std::function<Result<wire::Verdict>(const wire::Prompt&, const wire::Rollout&)> verify;
  std::string no_verify_reason = "no verifier was given";
  // Does one step again and returns the digest of the weights, for I21; called in order of steps.
  // Errors as above.
  std::function<Result<Digest>(const StepRecord&, const std::vector<GroupRecord>&)> replay;
  std::string no_replay_reason = "no learner was given";
  // The outside record, for I22.
  std::optional<std::vector<Acknowledgement>> acknowledged;
  std::string no_acknowledged_reason = "no outside record was given";
};

// Event by event, for any source of events. Memory: a few bytes per group ended, more per group
// open.
class LedgerChecker {
 public:
  LedgerChecker(const LedgerHeader& header, const CheckOptions& options);
  ~LedgerChecker();
  LedgerChecker(LedgerChecker&&) noexcept;
  LedgerChecker& operator=(LedgerChecker&&) noexcept;

  void add(const LedgerEvent& event);
  // For a caller who sees more than events (stored bytes, replay): what it adds to the findings.
  Findings& findings();
  CheckReport finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The whole ledger: its events, the bytes stored with them, and the optional callbacks.
// Errors: only when it cannot be read at all.
Result<CheckReport> check_ledger(LedgerReader& reader, const CheckOptions& options);

}  // namespace assay::store
