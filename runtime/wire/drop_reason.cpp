#include "runtime/wire/drop_reason.h"

#include <array>

namespace assay::wire {

namespace {

constexpr std::array<std::string_view, kDropReasonCount> kNames = {
    "stale",       "zero_variance", "verifier_gave_up", "generator_gave_up",
    "quarantined", "curated",       "drained",          "operator"};

}  // namespace

std::string_view to_string(DropReason reason) {
  return kNames.at(static_cast<std::size_t>(reason));
}

std::optional<DropReason> parse_drop_reason(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<DropReason>(i);
  }
  return std::nullopt;
}

}  // namespace assay::wire
