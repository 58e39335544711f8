// The curator's outbox: turns the flow's effects into ledger records and messages.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/curator.h"

namespace assay::actors {

// Lives for one message of the curator. Records leave together, and before the work for verifiers,
// which is gathered by worker.
class Outbox {
 public:
  explicit Outbox(caf::stateful_actor<CuratorState>* self) : self_(self), state_(self->state) {}

  // Obeys the effects in their order; the ledger sees its records in the same order.
  void obey(flow::Effects effects);

 private:
  void obey_one(const flow::GroupIssued& issued);
  void obey_one(const flow::GroupAdopted& adopted);
  void obey_one(const flow::GenerationGranted& grant);
  void obey_one(const flow::GenerationCancelled& cancel);
  void obey_one(const flow::RolloutArrived& arrived);
  void obey_one(const flow::VerificationGranted& grant);
  void obey_one(const flow::VerdictArrived& arrived);
  void obey_one(const flow::LateArrival& late);
  void obey_one(const flow::LeaseExpired& expired);
  void obey_one(const flow::GroupDropped& dropped);
  void obey_one(const flow::WorkerRetired& retired);
  void obey_one(flow::BatchReady& ready);

  void count_given_up(const flow::GroupDropped& dropped);
  const CuratorState::OpenPrompt* open_prompt(GroupId group, const flow::Ticket& ticket);
  template <class Effect, class... Context>
  void record(const Effect& effect, Context&&... context);
  template <class Message>
  void send_to(const std::string& worker, Message message);
  void flush();

  caf::stateful_actor<CuratorState>* self_;
  CuratorState& state_;
  std::vector<LedgerRecord> records_;
  std::map<std::string, Verify> to_verify_;
};

}  // namespace assay::actors
