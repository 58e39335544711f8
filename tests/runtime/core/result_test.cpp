#include "runtime/core/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace assay {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error{ErrorCode::kInvalidInput, "odd", "give an even number", {}, {}};
  return value / 2;
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(*half(4), 2);
  EXPECT_EQ(half(3).error().message, "odd");
}

TEST(ResultDeathTest, ReadingTheWrongSideAborts) {
  EXPECT_DEATH(static_cast<void>(*half(3)), "successful Result");
  EXPECT_DEATH(static_cast<void>(half(4).error()), "failed Result");
}

TEST(Result, VoidSaysOnlyWhetherItWorked) {
  EXPECT_TRUE(Result<void>().has_value());
  EXPECT_FALSE(Result<void>(Error{}).has_value());
}

TEST(Error, TextNamesPlaceAndRemedy) {
  const Error error{ErrorCode::kInvalidInput, "unknown key `grup_size`",
                    "did you mean `group_size`?", "assay.toml:12:1", "E103"};

  EXPECT_EQ(to_text(error),
            "error[E103]: unknown key `grup_size`\n  --> assay.toml:12:1\n"
            "  = help: did you mean `group_size`?");
}

TEST(Error, FullDiskIsExhaustedAndSaysWhatToDo) {
  errno = ENOSPC;

  const Error error = errno_error("write", "ledger.sqlite");

  EXPECT_EQ(error.code, ErrorCode::kExhausted);
  EXPECT_NE(error.remedy, "");
}

}  // namespace
}  // namespace assay
