#include "runtime/core/ids.h"

#include <charconv>

#include "runtime/core/digest.h"

namespace assay {

PromptId derive_prompt_id(std::string_view source, std::string_view text,
                          std::string_view reference) {
  Hasher hasher;
  hasher.add_field("prompt").add_field(source).add_field(text).add_field(reference);
  return PromptId{hasher.finish().leading_u64()};
}

GroupId derive_group_id(const GroupPlace& place, PromptId prompt) {
  Hasher hasher;
  hasher.add_field("group").add_u64(place.run_seed).add_field(place.arm);
  hasher.add_u64(place.epoch).add_u64(place.index).add_u64(place.repeat).add_u64(prompt.value);
  return GroupId{hasher.finish().leading_u64()};
}

std::uint64_t derive_sampling_seed(std::uint64_t run_seed, RolloutId rollout) {
  Hasher hasher;
  hasher.add_field("sampling").add_u64(run_seed).add_u64(rollout.group.value);
  hasher.add_u64(rollout.index);
  return hasher.finish().leading_u64();
}

std::string to_hex(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4)
    text[static_cast<std::size_t>(i)] = kDigits[value & 15];
  return text;
}

std::string to_string(RolloutId id) {
  return to_hex(id.group.value) + ":" + std::to_string(id.index);
}

Result<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size() || text.size() > 16) {
    return Error{ErrorCode::kInvalidInput,
                 "'" + std::string(text) + "' is not a hexadecimal id",
                 "ids are up to 16 hex digits, as `assay status` prints them",
                 {},
                 {}};
  }
  return value;
}

Result<RolloutId> parse_rollout_id(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return Error{ErrorCode::kInvalidInput,
                 "'" + std::string(text) + "' is not a rollout id",
                 "a rollout id is `<group>:<index>`, e.g. 7f3a0c1d2e4b5a69:5",
                 {},
                 {}};
  }
  Result<std::uint64_t> group = parse_hex(text.substr(0, colon));
  if (!group) return group.error();
  return RolloutId{GroupId{*group}, index};
}

}  // namespace assay
