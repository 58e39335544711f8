// Field lists: how the codec walks the `inspect` of any message, and what it knows of each.
//
// Internal: included by the .cpp files of this room only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "runtime/wire/codec.h"

namespace assay::wire {

// How many enumerators a wire enum has; a number beyond them is refused.
template <class T>
struct EnumSize;
template <>
struct EnumSize<FinishReason> {
  static constexpr std::uint8_t value = 3;
};
template <>
struct EnumSize<Outcome> {
  static constexpr std::uint8_t value = 3;
};
template <>
struct EnumSize<VerdictCode> {
  static constexpr std::uint8_t value = 13;
};
template <>
struct EnumSize<WorkerEvent> {
  static constexpr std::uint8_t value = 3;
};

// The kind of a message and its name for people.
template <class T>
struct Message;
template <>
struct Message<Prompt> {
  static constexpr MessageKind kind = MessageKind::kPrompt;
  static constexpr const char* name = "prompt";
};
template <>
struct Message<Rollout> {
  static constexpr MessageKind kind = MessageKind::kRollout;
  static constexpr const char* name = "rollout";
};
template <>
struct Message<Verdict> {
  static constexpr MessageKind kind = MessageKind::kVerdict;
  static constexpr const char* name = "verdict";
};
template <>
struct Message<TrainBatch> {
  static constexpr MessageKind kind = MessageKind::kTrainBatch;
  static constexpr const char* name = "train batch";
};
template <>
struct Message<PolicyUpdate> {
  static constexpr MessageKind kind = MessageKind::kPolicyUpdate;
  static constexpr const char* name = "policy update";
};

#define ASSAY_MESSAGE(type, text)                             \
  template <>                                                 \
  struct Message<type> {                                      \
    static constexpr MessageKind kind = MessageKind::k##type; \
    static constexpr const char* name = text;                 \
  }
ASSAY_MESSAGE(NodeHello, "node hello");
ASSAY_MESSAGE(NodeWelcome, "node welcome");
ASSAY_MESSAGE(BulkHello, "bulk hello");
ASSAY_MESSAGE(WorkerOrder, "worker order");
ASSAY_MESSAGE(GenerateOrder, "generate order");
ASSAY_MESSAGE(CancelOrder, "cancel order");
ASSAY_MESSAGE(VerifyOrder, "verify order");
ASSAY_MESSAGE(WeightsNotice, "weights notice");
ASSAY_MESSAGE(WorkerReport, "worker report");
ASSAY_MESSAGE(RolloutsReport, "rollouts report");
ASSAY_MESSAGE(RefusalReport, "refusal report");
ASSAY_MESSAGE(VerdictsReport, "verdicts report");
ASSAY_MESSAGE(StateReport, "state report");
ASSAY_MESSAGE(WeightsRequest, "weights request");
ASSAY_MESSAGE(WeightsChunk, "weights chunk");
#undef ASSAY_MESSAGE

// Calls each(name, value) for the alternating arguments of an `inspect`.
template <class Each>
class Fields {
 public:
  explicit Fields(Each each) : each_(each) {}

  void operator()() {}
  template <class Value, class... Rest>
  void operator()(const char* name, Value& value, Rest&&... rest) {
    each_(name, value);
    (*this)(std::forward<Rest>(rest)...);
  }

 private:
  Each each_;
};

template <class T, class Each>
void for_each_field(T& message, Each each) {
  std::remove_const_t<T>::inspect(Fields<Each>(each), message);
}

template <class T>
std::size_t field_count() {
  T message;
  std::size_t count = 0;
  for_each_field(message, [&count](const char*, auto&) { ++count; });
  return count;
}

template <class T>
concept Scalar = std::is_arithmetic_v<T>;
template <class T>
concept Listed = requires(T& message) {
  T::inspect([](auto&&...) {}, message);
};

}  // namespace assay::wire
