// What must hold of a message beyond the types of its fields.
//
// Internal: included by the .cpp files of this room only.
#pragma once

#include <string>

#include "runtime/wire/cluster.h"
#include "runtime/wire/policy_update.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/train_batch.h"
#include "runtime/wire/verdict.h"

namespace assay::wire {

// What is wrong with the message, as the end of a sentence; empty when it is consistent.
std::string wrong_with(const Prompt& prompt);
std::string wrong_with(const Rollout& rollout);
std::string wrong_with(const Verdict& verdict);
std::string wrong_with(const TrainBatch& batch);
std::string wrong_with(const PolicyUpdate& update);
std::string wrong_with(const NodeHello& hello);
std::string wrong_with(const VerifyOrder& order);
std::string wrong_with(const RolloutsReport& report);
std::string wrong_with(const VerdictsReport& report);
// Messages whose every combination of values means something.
template <class Message>
std::string wrong_with(const Message&) {
  return {};
}

}  // namespace assay::wire
