// The reading: what a change in pass@1 and in pass@k means together.
//
// Source: the interpretation table of the RLVR article, completed to all nine cases; the direction
// of a change is decided by its paired 95 % interval, not by its sign.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/algo/confidence.h"

namespace assay::algo {

enum class Direction : std::uint8_t { kUp, kFlat, kDown };

// Up when the interval lies above 0, down when below, otherwise flat.
Direction direction_of(const Interval& difference);

enum class Reading : std::uint8_t {
  kCapabilityAndCompression,
  kPureCompression,
  kNarrowing,
  kExploration,
  kNoEffect,
  kModeCollapse,
  kRegression,
};

// One row of the table; all nine cases are covered, so rows may name several directions.
struct ReadingRow {
  Reading reading = Reading::kNoEffect;
  std::string_view pass_1;       // arrows, e.g. "↑" or "→ or ↓"
  std::string_view pass_k;       // the same
  std::string_view name;         // "pure search compression"
  std::string_view explanation;  // one plain sentence
  bool is_alarm = false;
};

Reading read(Direction pass_1, Direction pass_k);
std::span<const ReadingRow> reading_table();  // in the order it is shown
const ReadingRow& row_of(Reading reading);
std::string_view to_string(Reading reading);      // the row's name
std::string_view to_string(Direction direction);  // "up", "flat", "down"

}  // namespace assay::algo
