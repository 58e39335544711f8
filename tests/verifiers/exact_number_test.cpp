#include "verifiers/math/exact_number.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "runtime/core/rng.h"

namespace assay::verifiers {
namespace {

ExactNumber number(std::string_view literal) {
  WorkBudget budget;
  return std::get<ExactNumber>(*ExactNumber::from_decimal(literal, budget));
}

ExactNumber fraction(std::int64_t top, std::int64_t bottom) {
  WorkBudget budget;
  return std::get<ExactNumber>(divide(ExactNumber(top), ExactNumber(bottom), budget));
}

NumberFailure failure(const ExactResult& result) {
  return std::get<NumberFailure>(result);
}

TEST(ExactNumber, ReadsDecimalLiteralsExactly) {
  EXPECT_EQ(number("0.1").text(), "1/10");
  EXPECT_EQ(number("1e3").text(), "1000");
  EXPECT_EQ(number("2.50E-2").text(), "1/40");
  EXPECT_EQ(number(".5"), fraction(1, 2));
  EXPECT_EQ(number("007"), ExactNumber(7));
  EXPECT_FALSE(number("9007199254740993") == number("9007199254740992"));
}

TEST(ExactNumber, RefusesWhatIsNoLiteral) {
  WorkBudget budget;
  for (const char* text : {"", ".", "-1", "1.2.3", "1e", "e5", "1e+", "1x", "0x10", "1,000"}) {
    EXPECT_FALSE(ExactNumber::from_decimal(text, budget)) << text;
  }
}

TEST(ExactNumber, SizesArePredictedBeforeAnythingIsComputed) {
  WorkBudget budget;
  EXPECT_EQ(failure(*ExactNumber::from_decimal("1e1000000000", budget)), NumberFailure::kTooLarge);
  EXPECT_EQ(failure(*ExactNumber::from_decimal("1e-99999999999999999999", budget)),
            NumberFailure::kTooLarge);
  EXPECT_EQ(failure(power(ExactNumber(9), ExactNumber(387'420'489), budget)),
            NumberFailure::kTooLarge);
  EXPECT_EQ(failure(power(ExactNumber(2), number("1e5000"), budget)), NumberFailure::kTooLarge);
  EXPECT_EQ(failure(factorial(ExactNumber(100'000), budget)), NumberFailure::kTooLarge);
}

TEST(ExactNumber, ASpentBudgetStopsAllWork) {
  WorkBudget budget(100);

  EXPECT_EQ(failure(power(ExactNumber(3), ExactNumber(5'000), budget)), NumberFailure::kTooLarge);
  EXPECT_EQ(failure(add(ExactNumber(1), ExactNumber(1), budget)), NumberFailure::kTooLarge);
}

TEST(ExactNumber, WhatIsUndefinedSaysSo) {
  WorkBudget budget;
  EXPECT_EQ(failure(divide(ExactNumber(1), ExactNumber(0), budget)), NumberFailure::kUndefined);
  EXPECT_EQ(failure(power(ExactNumber(0), ExactNumber(-1), budget)), NumberFailure::kUndefined);
  EXPECT_EQ(failure(power(ExactNumber(-4), fraction(1, 2), budget)), NumberFailure::kIrrational);
  EXPECT_EQ(failure(factorial(ExactNumber(-1), budget)), NumberFailure::kUndefined);
  EXPECT_EQ(failure(factorial(fraction(1, 2), budget)), NumberFailure::kUndefined);
}

TEST(ExactNumber, PowersAndRootsAreExactOrRefused) {
  WorkBudget budget;
  EXPECT_EQ(std::get<ExactNumber>(power(fraction(-2, 3), ExactNumber(3), budget)),
            fraction(-8, 27));
  EXPECT_EQ(std::get<ExactNumber>(power(fraction(-2, 3), ExactNumber(-3), budget)),
            fraction(-27, 8));
  EXPECT_EQ(std::get<ExactNumber>(power(fraction(9, 4), fraction(3, 2), budget)), fraction(27, 8));
  EXPECT_EQ(std::get<ExactNumber>(power(ExactNumber(-27), fraction(1, 3), budget)),
            ExactNumber(-3));
  EXPECT_EQ(std::get<ExactNumber>(power(ExactNumber(-1), number("1e30"), budget)), ExactNumber(1));
  EXPECT_EQ(failure(power(ExactNumber(2), fraction(1, 2), budget)), NumberFailure::kIrrational);
}

TEST(ExactNumber, RoundsHalfAwayFromZero) {
  WorkBudget budget;
  EXPECT_EQ(std::get<ExactNumber>(rounded(fraction(1, 8), 2, budget)), number("0.13"));
  EXPECT_EQ(std::get<ExactNumber>(rounded(fraction(-1, 8), 2, budget)), fraction(-13, 100));
  EXPECT_EQ(std::get<ExactNumber>(rounded(fraction(2, 3), 4, budget)), number("0.6667"));
  EXPECT_TRUE(fraction(3, 40).is_terminating());
  EXPECT_FALSE(fraction(1, 30).is_terminating());
}

TEST(ExactNumber, ArithmeticAgreesWithMachineIntegers) {
  const char* given = std::getenv("ASSAY_SEED");
  const std::uint64_t seed = given == nullptr ? 17 : std::strtoull(given, nullptr, 10);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  const auto draw = [&rng] { return static_cast<std::int64_t>(rng.below(2'000'001)) - 1'000'000; };
  for (int trial = 0; trial < 2'000; ++trial) {
    WorkBudget budget;
    const std::int64_t a = draw();
    const std::int64_t b = draw();
    const std::int64_t c = draw() | 1;

    EXPECT_EQ(std::get<ExactNumber>(add(ExactNumber(a), ExactNumber(b), budget)),
              ExactNumber(a + b));
    EXPECT_EQ(std::get<ExactNumber>(multiply(ExactNumber(a), ExactNumber(b), budget)),
              ExactNumber(a * b));
    // a/c + b/c = (a+b)/c
    EXPECT_EQ(std::get<ExactNumber>(add(fraction(a, c), fraction(b, c), budget)),
              fraction(a + b, c));
    EXPECT_EQ(number(std::to_string(std::abs(a))).text(), std::to_string(std::abs(a)));
  }
}

}  // namespace
}  // namespace assay::verifiers
