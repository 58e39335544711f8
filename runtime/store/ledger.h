// The ledger's one writer: an append-only, hash-chained history in SQLite.
//
// append*() only queue in memory; commit() makes everything queued durable in one transaction (WAL,
// synchronous=FULL) and only then may anything be acknowledged. Call it at most 512 events or 10 ms
// after the first one. Bytes (prompts, rollouts, verdicts) travel in the transaction of their
// event, so a rollout is on disk before anyone judges it. One thread owns a Ledger; a second writer
// on the same file, in this or any process, is refused.
//
// When commit() fails the ledger refuses all further work: the caller aborts and recovers from
// disk. Whatever an earlier commit() returned is still there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/store/ledger_event.h"
#include "runtime/wire/drop_reason.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/verdict.h"

namespace assay::store {

// Who did it and when: the fields common to all events.
struct EventOrigin {
  std::int64_t t_ms = 0;
  std::string actor;
  std::uint32_t attempt = 1;
};

using wire::DropReason;

// A group's birth. `group` is derive_group_id of the header's seed and arm with this place.
struct IssuedGroup {
  GroupId group;
  std::uint64_t epoch = 0;
  std::uint64_t index = 0;
  std::uint64_t repeat = 0;
  PolicyVersion version;  // the policy when it was issued
};

struct DroppedGroup {
  GroupId group;
  DropReason reason = DropReason::kStale;
};

struct StepCommit {
  StepRecord record;                  // record.groups are consumed, in batch order
  std::vector<DroppedGroup> dropped;  // ended in this step without being trained on
};

class Ledger {
 public:
  // A new ledger. Raises fence 1. Errors: kInvalidInput when the file exists or the header is
  // impossible; kUnavailable when another writer holds it; errno codes.
  static Result<Ledger> create(const std::string& path, const LedgerHeader& header,
                               const EventOrigin& origin = {});

  // An existing one, to go on writing. Raises the next fence, which voids every older lease.
  // Errors: kNotFound; kCorrupt when the file is foreign, damaged or of another format version;
  // kUnavailable naming the process that holds it; kExhausted when the disk is full.
  static Result<Ledger> open(const std::string& path, const EventOrigin& origin = {});

  ~Ledger();
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;

  const LedgerHeader& header() const;
  std::uint64_t fence() const;     // this writer's
  std::uint64_t last_seq() const;  // durable
  Digest chain_head() const;       // durable; print it where an insider cannot edit it
  std::size_t queued_events() const;

  // Queues an event without bytes: leased, lease_expired, late, dropped. seq, chain and (when 0)
  // fence are filled in. ASSAY_CHECKs that the kind has no bytes of its own.
  void append(LedgerEvent event);

  // Queues the birth of a group; the prompt is stored once per run.
  void append_issued(const IssuedGroup& group, const wire::Prompt& prompt,
                     const EventOrigin& origin);

  // Queues an accepted rollout with its bytes. The event's hash is sha256(rollout.completion), its
  // policy version the oldest of the tokens. A rollout is accepted once: the second makes commit()
  // fail.
  void append_generated(const wire::Rollout& rollout, const EventOrigin& origin);

  // Queues an accepted verdict: `verified` when scored, else `unscored`. All of them are kept.
  void append_verdict(RolloutId rollout, const wire::Verdict& verdict, const EventOrigin& origin);

  void append_dropped(const DroppedGroup& dropped, const EventOrigin& origin);

  // Makes everything queued durable and returns the last durable seq. Costs one fsync; none when
  // nothing is queued. Errors: kExhausted on a full disk, kUnavailable otherwise; final.
  Result<std::uint64_t> commit();

  // Queues one `consumed` per group, one `dropped` each, and the `step`, and commits them with all
  // that was queued before, in one transaction. Weights and checkpoint files must be durable first.
  Result<std::uint64_t> commit_step(const StepCommit& commit, const EventOrigin& origin);

  // Declares the run complete: no group is open and none will come. Commits.
  Result<std::uint64_t> finish(const EventOrigin& origin);

 private:
  struct State;
  explicit Ledger(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::store
