// Reading a ledger: for recovery, replay, `assay explain`, export and check.
//
// Readers never block the writer and may read a live run; each call sees one consistent snapshot of
// committed events. One thread owns a reader. Everything read is foreign: damaged bytes are
// kCorrupt with the place, never a crash.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/store/ledger_event.h"
#include "runtime/wire/drop_reason.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/verdict.h"

namespace assay::store {

// A group as the ledger knows it. rollouts and verdicts have group_size entries by index; a verdict
// is the last one accepted (scored where one ever was).
struct GroupRecord {
  GroupId group;
  PromptId prompt;
  std::uint64_t epoch = 0;
  std::uint64_t index = 0;  // position in the epoch's prompt order
  std::uint64_t repeat = 0;
  PolicyVersion issued_version;
  std::uint64_t issued_seq = 0;
  std::vector<std::optional<wire::Rollout>> rollouts;  // [group_size]
  std::vector<std::optional<wire::Verdict>> verdicts;  // [group_size]
  std::vector<std::uint32_t> attempts;                 // [group_size], at that verdict; 0 for none
};

// issued = consumed + sum(dropped) + open, always.
struct Accounting {
  std::uint64_t issued = 0;
  std::uint64_t consumed = 0;
  std::array<std::uint64_t, wire::kDropReasonCount> dropped{};  // by DropReason
  std::uint64_t open = 0;
  std::uint64_t generated = 0;  // rollouts
  std::uint64_t verified = 0;   // verdicts
  std::uint64_t unscored = 0;
  std::uint64_t late = 0;
};

class LedgerReader {
 public:
  // Errors: kNotFound; kCorrupt when it is no ledger, or one of another format version.
  static Result<LedgerReader> open(const std::string& path);
  ~LedgerReader();
  LedgerReader(LedgerReader&&) noexcept;
  LedgerReader& operator=(LedgerReader&&) noexcept;

  const LedgerHeader& header() const;

  // Streams the events after `after_seq` in order; stops at the first error of `visit`, which is
  // returned. Memory does not grow with the ledger.
  Result<void> for_each_event(const std::function<Result<void>(const LedgerEvent&)>& visit,
                              std::uint64_t after_seq = 0);

  // The last committed step; nothing before the first.
  Result<std::optional<StepRecord>> last_step();
  // The last committed step that made a checkpoint.
  Result<std::optional<StepRecord>> last_checkpoint();
  // Errors: kNotFound.
  Result<StepRecord> step(std::uint64_t number);

  // Groups issued and not ended, in order of issue, with what is stored of them.
  Result<std::vector<GroupRecord>> open_groups();
  // The group issued last, whatever became of it: where the prompt order goes on.
  Result<std::optional<GroupRecord>> last_issued();
  // The groups a step consumed in batch order, for replay. Errors: kNotFound.
  Result<std::vector<GroupRecord>> groups_of_step(std::uint64_t number);
  // Errors: kNotFound.
  Result<GroupRecord> group(GroupId id);
  Result<wire::Prompt> prompt(PromptId id);
  Result<wire::Rollout> rollout(RolloutId id);

  // Every group issued for a prompt, oldest first; empty when it was never issued.
  Result<std::vector<GroupId>> groups_of_prompt(PromptId id);
  // Every event of a group, of one rollout with the group's own events, oldest first. Scans the
  // ledger: about a second per million events.
  Result<std::vector<LedgerEvent>> history(GroupId id);
  Result<std::vector<LedgerEvent>> history(RolloutId id);

  Result<Accounting> accounting();

  // The bytes stored with an issued, generated, verified or unscored event: an encoded prompt,
  // rollout or verdict. Errors: kNotFound.
  Result<std::string> stored_bytes(const LedgerEvent& event);

  // Where a group was issued, without its bytes: no rollouts, no verdicts. Errors: kNotFound.
  Result<GroupRecord> place(GroupId id);

  // What is wrong with the file's own structure; empty when it is sound. Reads the whole file.
  Result<std::string> structure_problem();

 private:
  struct State;
  explicit LedgerReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::store
