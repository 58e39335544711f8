// The schema hash: what every field of every message is called and made of.
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/digest.h"
#include "runtime/wire/field_list.h"

namespace assay::wire {

namespace {

template <class T>
struct Tag {};

template <class T>
std::string type_name(Tag<T>);
std::string type_name(Tag<std::string>) {
  return "text";
}
std::string type_name(Tag<Digest>) {
  return "digest";
}
std::string type_name(Tag<RolloutId>) {
  return "rollout_id";
}
std::string type_name(Tag<PolicyVersion>) {
  return "version";
}
template <class Kind>
std::string type_name(Tag<Id<Kind>>) {
  return "id";
}
template <class T>
std::string type_name(Tag<std::optional<T>>) {
  return "optional " + type_name(Tag<T>{});
}
template <class T>
std::string type_name(Tag<std::vector<T>>) {
  return "list of " + type_name(Tag<T>{});
}
template <class T>
std::string type_name(Tag<T>) {
  if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (std::is_enum_v<T>) {
    return "one of " + std::to_string(EnumSize<T>::value);
  } else if constexpr (Scalar<T>) {
    const std::string letter = std::is_floating_point_v<T> ? "f" : std::is_signed_v<T> ? "i" : "u";
    return letter + std::to_string(8 * sizeof(T));
  } else {
    std::string text = "{";
    T message;
    for_each_field(message, [&text](const char* name, auto& value) {
      text += std::string(name) + ": " +
              type_name(Tag<std::remove_reference_t<decltype(value)>>{}) + "; ";
    });
    return text + "}";
  }
}

template <class T>
void add_schema(Hasher& hasher) {
  hasher.add_field(Message<T>::name).add_field(type_name(Tag<T>{}));
}

}  // namespace

std::uint64_t schema_hash() {
  static const std::uint64_t hash = [] {
    Hasher hasher;
    add_schema<Prompt>(hasher);
    add_schema<Rollout>(hasher);
    add_schema<Verdict>(hasher);
    add_schema<TrainBatch>(hasher);
    add_schema<PolicyUpdate>(hasher);
    return hasher.finish().leading_u64();
  }();
  return hash;
}

std::uint64_t cluster_schema_hash() {
  static const std::uint64_t hash = [] {
    Hasher hasher;
    hasher.add_u64(schema_hash());
    add_schema<NodeHello>(hasher);
    add_schema<NodeWelcome>(hasher);
    add_schema<BulkHello>(hasher);
    add_schema<WorkerOrder>(hasher);
    add_schema<GenerateOrder>(hasher);
    add_schema<CancelOrder>(hasher);
    add_schema<VerifyOrder>(hasher);
    add_schema<WeightsNotice>(hasher);
    add_schema<WorkerReport>(hasher);
    add_schema<RolloutsReport>(hasher);
    add_schema<RefusalReport>(hasher);
    add_schema<VerdictsReport>(hasher);
    add_schema<StateReport>(hasher);
    add_schema<WeightsRequest>(hasher);
    add_schema<WeightsChunk>(hasher);
    return hasher.finish().leading_u64();
  }();
  return hash;
}

}  // namespace assay::wire
