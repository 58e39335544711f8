#include "runtime/wire/drop_reason.h"

#include <gtest/gtest.h>

#include <string>

namespace assay::wire {
namespace {

// The words stand in ledgers on people's disks; they may be added to, never changed.
TEST(DropReason, TheListIsClosedAndItsWordsAreFixed) {
  std::string all;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    all += std::string(to_string(static_cast<DropReason>(i))) + " ";
  }
  EXPECT_EQ(all,
            "stale zero_variance verifier_gave_up generator_gave_up quarantined curated drained "
            "operator ");
}

TEST(DropReason, EveryWordReadsBackAndNothingElseDoes) {
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    EXPECT_EQ(parse_drop_reason(to_string(reason)), reason);
  }
  for (const char* word : {"", "STALE", "stale ", "bored"}) {
    EXPECT_EQ(parse_drop_reason(word), std::nullopt) << word;
  }
}

}  // namespace
}  // namespace assay::wire
