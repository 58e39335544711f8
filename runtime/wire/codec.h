// The codec: wire structs to bytes and back, through their field lists.
//
// Every message is a frame {proto, kind, schema_hash, body} in MessagePack; its body is the fields
// in the order of the struct's `inspect`. Arrays of numbers travel as raw little-endian bytes and
// floating values as their bits, so NaN, infinity and -0 survive exactly. Frames of another
// protocol, schema or kind, truncated ones and ones with trailing bytes are refused with a sentence
// that says so. A frame is measured before memory is taken for what it claims to hold: beyond a
// copy of its bytes, that is a few MiB at most. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/result.h"
#include "runtime/wire/cluster.h"
#include "runtime/wire/policy_update.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/train_batch.h"
#include "runtime/wire/verdict.h"

namespace assay::wire {

inline constexpr std::uint16_t kProtocol = 1;

// What a frame holds. Control frames choose any number from kControl on.
enum class MessageKind : std::uint16_t {
  kPrompt = 1,
  kRollout = 2,
  kVerdict = 3,
  kTrainBatch = 4,
  kPolicyUpdate = 5,
  kNodeHello = 10,
  kNodeWelcome = 11,
  kBulkHello = 12,
  kWorkerOrder = 13,
  kGenerateOrder = 14,
  kCancelOrder = 15,
  kVerifyOrder = 16,
  kWeightsNotice = 17,
  kWorkerReport = 18,
  kRolloutsReport = 19,
  kRefusalReport = 20,
  kVerdictsReport = 21,
  kStateReport = 22,
  kWeightsRequest = 23,
  kWeightsChunk = 24,
  kControl = 256,
};

// Hash over the names and types of all fields of the messages that are also stored, the same on
// every machine; and of all messages, those of the cluster included, which only travel. So a
// history outlives changes of the cluster's messages.
std::uint64_t schema_hash();
std::uint64_t cluster_schema_hash();

std::string encode(const Prompt& prompt);
std::string encode(const Rollout& rollout);
std::string encode(const Verdict& verdict);
std::string encode(const TrainBatch& batch);
std::string encode(const PolicyUpdate& update);

// Errors: kCorrupt, saying which message, which field and what is wrong; kExhausted beyond a limit.
// A decoded message is consistent: aligned arrays, enums in range, reward present exactly when
// scored.
Result<Prompt> decode_prompt(std::string_view bytes);
Result<Rollout> decode_rollout(std::string_view bytes);
Result<Verdict> decode_verdict(std::string_view bytes);
Result<TrainBatch> decode_train_batch(std::string_view bytes);
Result<PolicyUpdate> decode_policy_update(std::string_view bytes);

// Messages of the cluster, each by its own type: decode_message<NodeHello>(bytes). Errors as above.
template <class Message>
std::string encode_message(const Message& message);
template <class Message>
Result<Message> decode_message(std::string_view bytes);

// What a frame holds, read from its head alone; the body is not looked at. Errors: kCorrupt for
// bytes that are no frame of this program, of this protocol and of these field lists.
Result<MessageKind> kind_of(std::string_view bytes);

// A frame around bytes of the caller's own, for the control plane. `body` is at most
// limits::kControlFrameBytesMax bytes.
struct Frame {
  std::uint16_t kind = 0;
  std::string body;
};
std::string encode_frame(std::uint16_t kind, std::string_view body);
Result<Frame> decode_frame(std::string_view bytes);

}  // namespace assay::wire
