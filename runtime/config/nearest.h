// "Did you mean": the nearest of some names by edit distance.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace assay::config {

// Insertions, deletions, replacements and swaps of neighbours, each counted once (optimal string
// alignment). Cost: product of the lengths.
std::size_t edit_distance(std::string_view left, std::string_view right);

// The first candidate at the smallest distance, when it is near enough to be meant: at most one
// third of the longer name's length, and at least 1 is always allowed for names of 2 or more.
std::optional<std::string> nearest_name(std::string_view name,
                                        std::span<const std::string> candidates);

}  // namespace assay::config
