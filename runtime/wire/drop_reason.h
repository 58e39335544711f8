// Why a group ended without being trained on. A closed list: issued = consumed + dropped by reason
// + open, at any moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::wire {

enum class DropReason : std::uint8_t {
  kStale,            // drawn by weights too old for the update it would have joined
  kZeroVariance,     // every reward is the same, and others are drawn instead
  kVerifierGaveUp,   // too few rollouts could be scored
  kGeneratorGaveUp,  // the last attempt at drawing it failed
  kQuarantined,      // it failed on several hosts
  kCurated,          // curation chose other groups
  kDrained,          // the run ended first
  kOperator,         // a person said so
};
inline constexpr std::size_t kDropReasonCount = 8;

// "stale", "zero_variance", ...: what the ledger stores and people read.
std::string_view to_string(DropReason reason);
std::optional<DropReason> parse_drop_reason(std::string_view text);

}  // namespace assay::wire
