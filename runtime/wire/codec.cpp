#include "runtime/wire/codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <exception>
#include <msgpack.hpp>
#include <optional>
#include <type_traits>
#include <vector>

#include "runtime/core/limits.h"
#include "runtime/wire/consistency.h"
#include "runtime/wire/field_list.h"

namespace assay::wire {

static_assert(std::endian::native == std::endian::little,
              "arrays are copied as they lie in memory, and the wire is little endian");

namespace {

constexpr std::size_t kRolloutIdBytes = 12;
// An array claims its element count before its elements arrive, and each element costs 24 bytes
// once it is unpacked, whatever it costs on the wire. All arrays of a body together may claim this.
constexpr std::size_t kElementsMax = std::size_t{1} << 16;
constexpr std::size_t kDepthMax = 6;  // message, list of checks, check: three are in use
constexpr std::size_t kStringBytesMax = limits::kCompletionBytesMax;

static_assert(kDepthMax <= limits::kNestingDepthMax);

std::string name_of_kind(std::uint16_t kind) {
  switch (static_cast<MessageKind>(kind)) {
    case MessageKind::kPrompt:
      return "a prompt";
    case MessageKind::kRollout:
      return "a rollout";
    case MessageKind::kVerdict:
      return "a verdict";
    case MessageKind::kTrainBatch:
      return "a train batch";
    case MessageKind::kPolicyUpdate:
      return "a policy update";
    case MessageKind::kControl:
      break;
    default:
      break;
  }
  return (kind >= static_cast<std::uint16_t>(MessageKind::kControl) ? "control message "
                                                                    : "unknown message ") +
         std::to_string(kind);
}

bool is_cluster_kind(std::uint16_t kind) {
  return kind >= static_cast<std::uint16_t>(MessageKind::kNodeHello) &&
         kind < static_cast<std::uint16_t>(MessageKind::kControl);
}

std::uint64_t schema_of(std::uint16_t kind) {
  return is_cluster_kind(kind) ? cluster_schema_hash() : schema_hash();
}

Error corrupt(std::string message) {
  return Error{ErrorCode::kCorrupt, std::move(message), {}, {}, {}};
}

// ---- encode

struct Sink {
  std::string bytes;
  void write(const char* data, std::size_t size) { bytes.append(data, size); }
};
using Packer = msgpack::packer<Sink>;

void pack_bytes(Packer& packer, const void* data, std::size_t size) {
  packer.pack_bin(static_cast<std::uint32_t>(size));
  if (size > 0)
    packer.pack_bin_body(static_cast<const char*>(data), static_cast<std::uint32_t>(size));
}

std::array<char, kRolloutIdBytes> raw_id(const RolloutId& id) {
  std::array<char, kRolloutIdBytes> raw;
  std::memcpy(raw.data(), &id.group.value, 8);
  std::memcpy(raw.data() + 8, &id.index, 4);
  return raw;
}

void pack(Packer& packer, const std::string& text) {
  packer.pack_str(static_cast<std::uint32_t>(text.size()));
  packer.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}
void pack(Packer& packer, const Digest& digest) {
  pack_bytes(packer, digest.bytes.data(), digest.bytes.size());
}
void pack(Packer& packer, const RolloutId& id) {
  pack_bytes(packer, raw_id(id).data(), kRolloutIdBytes);
}
void pack(Packer& packer, const PolicyVersion& version) {
  packer.pack_uint64(version.value);
}
template <class Kind>
void pack(Packer& packer, const Id<Kind>& id) {
  packer.pack_uint64(id.value);
}
template <class T>
void pack(Packer& packer, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    value ? packer.pack_true() : packer.pack_false();
  } else if constexpr (std::is_enum_v<T>) {
    packer.pack_uint8(static_cast<std::uint8_t>(value));
  } else if constexpr (std::is_same_v<T, double>) {
    // msgpack-cxx turns whole doubles into integers, which loses the sign of -0.
    packer.pack_uint64(std::bit_cast<std::uint64_t>(value));
  } else if constexpr (std::is_unsigned_v<T>) {
    packer.pack_uint64(value);
  } else {
    static_assert(Listed<T>, "a wire field needs a known type or a field list");
    packer.pack_array(static_cast<std::uint32_t>(field_count<T>()));
    for_each_field(value, [&packer](const char*, auto& field) { pack(packer, field); });
  }
}
template <class T>
void pack(Packer& packer, const std::optional<T>& value) {
  if (value) {
    pack(packer, *value);
  } else {
    packer.pack_nil();
  }
}
template <class T>
void pack(Packer& packer, const std::vector<T>& values) {
  if constexpr (Scalar<T>) {
    pack_bytes(packer, values.data(), values.size() * sizeof(T));
  } else if constexpr (std::is_same_v<T, RolloutId>) {
    std::string raw;
    raw.reserve(values.size() * kRolloutIdBytes);
    for (const RolloutId& id : values) raw.append(raw_id(id).data(), kRolloutIdBytes);
    pack_bytes(packer, raw.data(), raw.size());
  } else {
    packer.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) pack(packer, value);
  }
}

std::string pack_frame(std::uint16_t kind, std::string_view body) {
  Sink sink;
  sink.bytes.reserve(body.size() + 24);
  Packer packer(sink);
  packer.pack_array(4).pack_uint16(kProtocol).pack_uint16(kind).pack_uint64(schema_of(kind));
  pack_bytes(packer, body.data(), body.size());
  return std::move(sink.bytes);
}

// ---- decode. Each read() returns an empty string or what is wrong with the value.

using Object = msgpack::object;

std::string read(const Object& object, std::uint64_t& value) {
  if (object.type != msgpack::type::POSITIVE_INTEGER) return "is not a non-negative integer";
  value = object.via.u64;
  return {};
}
std::string read_bytes(const Object& object, std::string_view& bytes) {
  if (object.type != msgpack::type::BIN) return "is not a byte string";
  bytes = std::string_view(object.via.bin.ptr, object.via.bin.size);
  return {};
}
RolloutId rollout_id_of(const char* raw) {
  RolloutId id;
  std::memcpy(&id.group.value, raw, 8);
  std::memcpy(&id.index, raw + 8, 4);
  return id;
}

std::string read(const Object& object, std::string& text) {
  if (object.type != msgpack::type::STR) return "is not text";
  text.assign(object.via.str.ptr, object.via.str.size);
  return {};
}
std::string read(const Object& object, Digest& digest) {
  std::string_view raw;
  if (std::string wrong = read_bytes(object, raw); !wrong.empty()) return wrong;
  if (raw.size() != digest.bytes.size()) return "is not 32 bytes long";
  std::memcpy(digest.bytes.data(), raw.data(), raw.size());
  return {};
}
std::string read(const Object& object, RolloutId& id) {
  std::string_view raw;
  if (std::string wrong = read_bytes(object, raw); !wrong.empty()) return wrong;
  if (raw.size() != kRolloutIdBytes) return "is not 12 bytes long";
  id = rollout_id_of(raw.data());
  return {};
}
std::string read(const Object& object, PolicyVersion& version) {
  return read(object, version.value);
}
template <class Kind>
std::string read(const Object& object, Id<Kind>& id) {
  return read(object, id.value);
}

template <class T>
std::string read_fields(const Object& object, T& message);

template <class T>
std::string read(const Object& object, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    if (object.type != msgpack::type::BOOLEAN) return "is not a bool";
    value = object.via.boolean;
    return {};
  } else if constexpr (Listed<T>) {
    return read_fields(object, value);
  } else {
    std::uint64_t number = 0;
    if (std::string wrong = read(object, number); !wrong.empty()) return wrong;
    if constexpr (std::is_enum_v<T>) {
      if (number >= EnumSize<T>::value) return "is " + std::to_string(number) + ", out of range";
      value = static_cast<T>(number);
    } else if constexpr (std::is_same_v<T, double>) {
      value = std::bit_cast<double>(number);
    } else {
      if (number > std::numeric_limits<T>::max()) return "does not fit its type";
      value = static_cast<T>(number);
    }
    return {};
  }
}
template <class T>
std::string read(const Object& object, std::optional<T>& value) {
  if (object.type == msgpack::type::NIL) {
    value.reset();
    return {};
  }
  return read(object, value.emplace());
}
template <class T>
std::string read_list(const Object& object, std::vector<T>& values) {
  if (object.type != msgpack::type::ARRAY) return "is not a list";
  values.resize(object.via.array.size);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string wrong = read(object.via.array.ptr[i], values[i]);
    if (!wrong.empty()) return "entry " + std::to_string(i) + " " + wrong;
  }
  return {};
}
template <class T>
std::string read(const Object& object, std::vector<T>& values) {
  constexpr bool is_id = std::is_same_v<T, RolloutId>;
  if constexpr (Scalar<T> || is_id) {
    constexpr std::size_t kElementBytes = is_id ? kRolloutIdBytes : sizeof(T);
    std::string_view raw;
    if (std::string wrong = read_bytes(object, raw); !wrong.empty()) return wrong;
    if (raw.size() % kElementBytes != 0) return "is not a whole number of elements";
    values.resize(raw.size() / kElementBytes);
    if constexpr (is_id) {
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = rollout_id_of(raw.data() + i * kRolloutIdBytes);
    } else if (!raw.empty()) {
      std::memcpy(values.data(), raw.data(), raw.size());
    }
    return {};
  } else {
    return read_list(object, values);
  }
}

template <class T>
std::string read_fields(const Object& object, T& message) {
  const std::size_t count = field_count<T>();
  if (object.type != msgpack::type::ARRAY) return "is not a record";
  if (object.via.array.size != count) {
    return "has " + std::to_string(object.via.array.size) + " fields instead of " +
           std::to_string(count);
  }
  std::string wrong;
  std::size_t position = 0;
  for_each_field(message, [&](const char* name, auto& field) {
    const Object& value = object.via.array.ptr[position++];
    if (!wrong.empty()) return;
    wrong = read(value, field);
    if (!wrong.empty()) wrong = "field '" + std::string(name) + "' " + wrong;
  });
  return wrong;
}

// ---- whole messages

// Walks the bytes before anything is unpacked: no memory is taken for a claim that is too large,
// nested too deeply, or not borne out by the bytes that follow.
class Measure : public msgpack::null_visitor {
 public:
  explicit Measure(std::size_t bytes) : elements_left_(std::min(bytes, kElementsMax)) {}

  bool start_array(std::uint32_t count) {
    if (++depth_ > kDepthMax) return refuse("is nested beyond the depth limit");
    if (count > elements_left_) return refuse("claims more elements than are allowed");
    elements_left_ -= count;
    return true;
  }
  bool end_array() {
    --depth_;
    return true;
  }
  bool start_map(std::uint32_t) { return refuse("holds a map"); }
  bool visit_ext(const char*, std::uint32_t) { return refuse("holds an extension"); }
  bool visit_str(const char*, std::uint32_t size) {
    return size <= kStringBytesMax || refuse("holds a text that is too long");
  }
  void parse_error(std::size_t, std::size_t) { refuse("is not valid MessagePack"); }
  void insufficient_bytes(std::size_t, std::size_t) { refuse("is cut short"); }

  const std::string& wrong() const { return wrong_; }

 private:
  bool refuse(std::string wrong) {
    wrong_ = std::move(wrong);
    return false;
  }

  std::size_t elements_left_;
  std::size_t depth_ = 0;
  std::string wrong_;
};

bool by_reference(msgpack::type::object_type, std::size_t, void*) {
  return true;  // the input outlives the decoding
}

Result<msgpack::object_handle> unpack_whole(std::string_view bytes, const std::string& what) {
  try {
    Measure measure(bytes.size());
    std::size_t offset = 0;
    const bool is_whole = msgpack::parse(bytes.data(), bytes.size(), offset, measure);
    if (!is_whole || !measure.wrong().empty()) {
      return corrupt(what + " of " + std::to_string(bytes.size()) + " bytes " + measure.wrong());
    }
    if (offset != bytes.size()) {
      return corrupt(what + " is followed by " + std::to_string(bytes.size() - offset) +
                     " bytes that do not belong to it");
    }
    return msgpack::unpack(bytes.data(), bytes.size(), by_reference);
  } catch (const std::exception& failure) {
    return corrupt(what + " is not valid MessagePack: " + failure.what());
  }
}

// A frame whose body lies in the bytes it was read from.
struct FrameView {
  std::uint16_t kind = 0;
  std::string_view body;
};

Result<FrameView> unpack_frame(std::string_view bytes, const std::string& what) {
  if (bytes.size() > limits::kBulkFrameBytesMax) {
    return Error{ErrorCode::kExhausted,
                 what + " has " + std::to_string(bytes.size()) + " bytes, more than the limit of " +
                     std::to_string(limits::kBulkFrameBytesMax),
                 {},
                 {},
                 {}};
  }
  Result<msgpack::object_handle> handle = unpack_whole(bytes, what);
  if (!handle) return handle.error();
  const Object& object = handle->get();
  if (object.type != msgpack::type::ARRAY || object.via.array.size != 4)
    return corrupt(what + " is not a frame of this program");
  std::uint16_t protocol = 0;
  std::uint64_t schema = 0;
  FrameView frame;
  const Object* parts = object.via.array.ptr;
  if (!read(parts[0], protocol).empty() || !read(parts[1], frame.kind).empty() ||
      !read(parts[2], schema).empty() || !read_bytes(parts[3], frame.body).empty())
    return corrupt(what + " is not a frame of this program");
  if (protocol != kProtocol) {
    return corrupt(what + " speaks protocol " + std::to_string(protocol) +
                   "; this program speaks " + std::to_string(kProtocol));
  }
  if (schema != schema_of(frame.kind)) {
    return corrupt(what + " was written with other field lists (schema " + to_hex(schema) +
                   ", here " + to_hex(schema_of(frame.kind)) + "); use the program that wrote it");
  }
  return frame;
}

}  // namespace

template <class T>
std::string encode_message(const T& message) {
  const std::string wrong = wrong_with(message);
  ASSAY_CHECK(wrong.empty(), "a message is consistent before it is encoded");
  Sink sink;
  Packer packer(sink);
  pack(packer, message);
  std::string bytes = pack_frame(static_cast<std::uint16_t>(Message<T>::kind), sink.bytes);
  ASSAY_CHECK(bytes.size() <= limits::kBulkFrameBytesMax, "a message fits the largest frame");
  return bytes;
}

template <class T>
Result<T> decode_message(std::string_view bytes) {
  const std::string what = std::string(Message<T>::name) + " frame";
  const Result<FrameView> frame = unpack_frame(bytes, what);
  if (!frame) return frame.error();
  if (frame->kind != static_cast<std::uint16_t>(Message<T>::kind))
    return corrupt(what + " holds " + name_of_kind(frame->kind));
  Result<msgpack::object_handle> body = unpack_whole(frame->body, what + " body");
  if (!body) return body.error();
  T message;
  std::string wrong = read_fields(body->get(), message);
  if (wrong.empty()) wrong = wrong_with(message);
  if (!wrong.empty()) return corrupt(what + ": " + wrong);
  return message;
}

std::string encode(const Prompt& prompt) {
  return encode_message(prompt);
}
std::string encode(const Rollout& rollout) {
  return encode_message(rollout);
}
std::string encode(const Verdict& verdict) {
  return encode_message(verdict);
}
std::string encode(const TrainBatch& batch) {
  return encode_message(batch);
}
std::string encode(const PolicyUpdate& update) {
  return encode_message(update);
}

Result<Prompt> decode_prompt(std::string_view bytes) {
  return decode_message<Prompt>(bytes);
}
Result<Rollout> decode_rollout(std::string_view bytes) {
  return decode_message<Rollout>(bytes);
}
Result<Verdict> decode_verdict(std::string_view bytes) {
  return decode_message<Verdict>(bytes);
}
Result<TrainBatch> decode_train_batch(std::string_view bytes) {
  return decode_message<TrainBatch>(bytes);
}
Result<PolicyUpdate> decode_policy_update(std::string_view bytes) {
  return decode_message<PolicyUpdate>(bytes);
}

std::string encode_frame(std::uint16_t kind, std::string_view body) {
  ASSAY_CHECK(body.size() <= limits::kControlFrameBytesMax, "a control message fits its limit");
  return pack_frame(kind, body);
}

Result<Frame> decode_frame(std::string_view bytes) {
  constexpr std::size_t kOverheadBytesMax = 64;
  if (bytes.size() > limits::kControlFrameBytesMax + kOverheadBytesMax)
    return Error{ErrorCode::kExhausted, "control frame is larger than its limit", {}, {}, {}};
  const Result<FrameView> frame = unpack_frame(bytes, "control frame");
  if (!frame) return frame.error();
  return Frame{frame->kind, std::string(frame->body)};
}

Result<MessageKind> kind_of(std::string_view bytes) {
  const Result<FrameView> frame = unpack_frame(bytes, "frame");
  if (!frame) return frame.error();
  return static_cast<MessageKind>(frame->kind);
}

#define ASSAY_CODEC_OF(type)                        \
  template std::string encode_message(const type&); \
  template Result<type> decode_message(std::string_view)
ASSAY_CODEC_OF(NodeHello);
ASSAY_CODEC_OF(NodeWelcome);
ASSAY_CODEC_OF(BulkHello);
ASSAY_CODEC_OF(WorkerOrder);
ASSAY_CODEC_OF(GenerateOrder);
ASSAY_CODEC_OF(CancelOrder);
ASSAY_CODEC_OF(VerifyOrder);
ASSAY_CODEC_OF(WeightsNotice);
ASSAY_CODEC_OF(WorkerReport);
ASSAY_CODEC_OF(RolloutsReport);
ASSAY_CODEC_OF(RefusalReport);
ASSAY_CODEC_OF(VerdictsReport);
ASSAY_CODEC_OF(StateReport);
ASSAY_CODEC_OF(WeightsRequest);
ASSAY_CODEC_OF(WeightsChunk);
#undef ASSAY_CODEC_OF

}  // namespace assay::wire
