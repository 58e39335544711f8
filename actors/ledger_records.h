// What the flow's decisions leave in the ledger: one record an effect, kept in their order.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "runtime/flow/group_flow.h"
#include "runtime/store/ledger.h"
#include "runtime/wire/prompt.h"

namespace assay::actors {

using PromptPtr = std::shared_ptr<const wire::Prompt>;
using flow::RolloutPtr;

struct IssuedRecord {
  store::IssuedGroup group;
  PromptPtr prompt;
};
struct VerdictRecord {
  RolloutId rollout;
  wire::Verdict verdict;
};

struct LedgerRecord {
  // A bare event takes time, actor and attempt from `origin`, as the others do.
  std::variant<store::LedgerEvent, IssuedRecord, RolloutPtr, VerdictRecord, store::DroppedGroup>
      what;
  store::EventOrigin origin;
};

// Queues the record; the ledger's next commit makes it durable.
void append(store::Ledger& ledger, const LedgerRecord& record);

// `version` is the policy when the group was issued; `t_ms` is wall clock.
LedgerRecord record_of(const flow::GroupIssued& issued, PromptPtr prompt, PolicyVersion version,
                       std::int64_t t_ms);
LedgerRecord record_of(const flow::GenerationGranted& grant, std::int64_t t_ms);
LedgerRecord record_of(const flow::RolloutArrived& arrived, std::int64_t t_ms);
LedgerRecord record_of(const flow::VerdictArrived& arrived, std::int64_t t_ms);
LedgerRecord record_of(const flow::LateArrival& late, std::int64_t t_ms);
LedgerRecord record_of(const flow::LeaseExpired& expired, std::int64_t t_ms);
LedgerRecord record_of(const flow::GroupDropped& dropped, std::int64_t t_ms);

}  // namespace assay::actors
