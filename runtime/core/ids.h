// Ids that cannot be swapped, derived from content and never counted, so that they survive a
// restart.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "runtime/core/result.h"

namespace assay {

// A 64-bit id of one kind of thing. Zero means "none". Shown as 16 hex digits.
template <class Kind>
struct Id {
  std::uint64_t value = 0;

  explicit operator bool() const { return value != 0; }
  friend auto operator<=>(const Id&, const Id&) = default;
};

using PromptId = Id<struct PromptKind>;
using GroupId = Id<struct GroupKind>;

// One completion of a group: its group and its index in [0, group_size). Shown as
// `<group>:<index>`.
struct RolloutId {
  GroupId group;
  std::uint32_t index = 0;

  friend auto operator<=>(const RolloutId&, const RolloutId&) = default;
};

// Monotone counter of published weights; the base policy is version 0.
struct PolicyVersion {
  std::uint64_t value = 0;

  friend auto operator<=>(const PolicyVersion&, const PolicyVersion&) = default;
};

// The prompt's identity: what it asks, of which source and with which reference answer.
PromptId derive_prompt_id(std::string_view source, std::string_view text,
                          std::string_view reference);

// Where in a run a group was issued. The same place in the same run is the same group, on any host
// and after any restart.
struct GroupPlace {
  std::uint64_t run_seed = 0;
  std::string_view arm;      // "true" or a control's name
  std::uint64_t epoch = 0;   // how often the prompt order has been walked
  std::uint64_t index = 0;   // position in that epoch's order
  std::uint64_t repeat = 0;  // 0 unless the group was deliberately drawn again
};
GroupId derive_group_id(const GroupPlace& place, PromptId prompt);

// The sampling seed of one rollout: a retry draws the same tokens from the same weights.
std::uint64_t derive_sampling_seed(std::uint64_t run_seed, RolloutId rollout);

std::string to_hex(std::uint64_t value);
template <class Kind>
std::string to_string(Id<Kind> id) {
  return to_hex(id.value);
}
std::string to_string(RolloutId id);
Result<std::uint64_t> parse_hex(std::string_view text);
Result<RolloutId> parse_rollout_id(std::string_view text);

}  // namespace assay

template <class Kind>
struct std::hash<assay::Id<Kind>> {
  std::size_t operator()(assay::Id<Kind> id) const noexcept { return id.value; }
};

template <>
struct std::hash<assay::RolloutId> {
  std::size_t operator()(assay::RolloutId id) const noexcept {
    return id.group.value ^ (0x9e3779b97f4a7c15ULL * (id.index + 1));
  }
};
