#include "runtime/algo/reading.h"

#include <array>

#include "runtime/core/check.h"

namespace assay::algo {
namespace {

constexpr std::array<ReadingRow, 7> kTable{{
    {Reading::kCapabilityAndCompression, "↑", "↑", "real capability gain and compression",
     "The policy solves more on the first try and also reaches tasks it did not reach before.",
     false},
    {Reading::kPureCompression, "↑", "→", "pure search compression",
     "What took several tries now takes one; what was out of reach stayed out of reach.", false},
    {Reading::kNarrowing, "↑", "↓", "compression with narrowing",
     "The first try got better while the reach over many tries shrank: diversity was lost.", true},
    {Reading::kExploration, "→", "↑", "exploration gain without exploitation",
     "Many tries reach more than before, but the first try is no better.", false},
    {Reading::kNoEffect, "→", "→", "no effect", "Nothing changed beyond the noise of measuring.",
     false},
    {Reading::kModeCollapse, "→ or ↓", "↓", "mode collapse",
     "Reach was lost and nothing was gained for it.", true},
    {Reading::kRegression, "↓", "→ or ↑", "regression",
     "The first try got worse: too little training, or too much exploration.", true},
}};

}  // namespace

Direction direction_of(const Interval& difference) {
  if (difference.low > 0) return Direction::kUp;
  if (difference.high < 0) return Direction::kDown;
  return Direction::kFlat;
}

Reading read(Direction pass_1, Direction pass_k) {
  if (pass_1 == Direction::kUp) {
    if (pass_k == Direction::kUp) return Reading::kCapabilityAndCompression;
    return pass_k == Direction::kFlat ? Reading::kPureCompression : Reading::kNarrowing;
  }
  if (pass_k == Direction::kDown) return Reading::kModeCollapse;
  if (pass_1 == Direction::kDown) return Reading::kRegression;
  return pass_k == Direction::kUp ? Reading::kExploration : Reading::kNoEffect;
}

std::span<const ReadingRow> reading_table() {
  return kTable;
}

const ReadingRow& row_of(Reading reading) {
  const auto index = static_cast<std::size_t>(reading);
  ASSAY_CHECK(index < kTable.size(), "every reading has its row");
  return kTable[index];
}

std::string_view to_string(Reading reading) {
  return row_of(reading).name;
}

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::kUp:
      return "up";
    case Direction::kFlat:
      return "flat";
    case Direction::kDown:
      return "down";
  }
  return "";
}

}  // namespace assay::algo
