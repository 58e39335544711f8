#include "actors/ledger_records.h"

#include <algorithm>
#include <utility>

namespace assay::actors {

namespace {

// Queues one alternative of a record.
class Appender {
 public:
  Appender(store::Ledger& ledger, const store::EventOrigin& origin)
      : ledger_(ledger), origin_(origin) {}

  void operator()(store::LedgerEvent event) const {
    event.t_ms = origin_.t_ms;
    event.actor = origin_.actor;
    event.attempt = origin_.attempt;
    ledger_.append(std::move(event));
  }
  void operator()(const IssuedRecord& issued) const {
    ledger_.append_issued(issued.group, *issued.prompt, origin_);
  }
  void operator()(const RolloutPtr& rollout) const { ledger_.append_generated(*rollout, origin_); }
  void operator()(const VerdictRecord& verdict) const {
    ledger_.append_verdict(verdict.rollout, verdict.verdict, origin_);
  }
  void operator()(const store::DroppedGroup& dropped) const {
    ledger_.append_dropped(dropped, origin_);
  }

 private:
  store::Ledger& ledger_;
  const store::EventOrigin& origin_;
};

store::LedgerEvent event_of(store::EventKind kind, GroupId group,
                            std::optional<std::uint32_t> index = std::nullopt,
                            std::string reason = {}) {
  store::LedgerEvent event;
  event.kind = kind;
  event.group = group;
  event.index = index;
  event.reason = std::move(reason);
  return event;
}

}  // namespace

void append(store::Ledger& ledger, const LedgerRecord& record) {
  std::visit(Appender(ledger, record.origin), record.what);
}

LedgerRecord record_of(const flow::GroupIssued& issued, PromptPtr prompt, PolicyVersion version,
                       std::int64_t t_ms) {
  const store::IssuedGroup group{issued.group.id, 0, issued.ticket.index, 0, version};
  return {IssuedRecord{group, std::move(prompt)}, {t_ms, "curator", 1}};
}

LedgerRecord record_of(const flow::GenerationGranted& grant, std::int64_t t_ms) {
  return {event_of(store::EventKind::kLeased, grant.group), {t_ms, grant.worker, grant.attempt}};
}

LedgerRecord record_of(const flow::RolloutArrived& arrived, std::int64_t t_ms) {
  return {arrived.rollout, {t_ms, arrived.worker, std::max(arrived.attempt, 1u)}};
}

LedgerRecord record_of(const flow::VerdictArrived& arrived, std::int64_t t_ms) {
  return {VerdictRecord{arrived.rollout, arrived.verdict},
          {t_ms, arrived.worker, std::max(arrived.attempt, 1u)}};
}

LedgerRecord record_of(const flow::LateArrival& late, std::int64_t t_ms) {
  return {event_of(store::EventKind::kLate, late.rollout.group, late.rollout.index, late.what),
          {t_ms, late.worker, 1}};
}

LedgerRecord record_of(const flow::LeaseExpired& expired, std::int64_t t_ms) {
  return {event_of(store::EventKind::kLeaseExpired, expired.group, expired.index, expired.reason),
          {t_ms, expired.worker, expired.attempt}};
}

LedgerRecord record_of(const flow::GroupDropped& dropped, std::int64_t t_ms) {
  return {store::DroppedGroup{dropped.group, dropped.reason}, {t_ms, "curator", 1}};
}

}  // namespace assay::actors
