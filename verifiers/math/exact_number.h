// ExactNumber: a rational number of bounded size, never rounded.
//
// Every operation predicts the size of its result and the work it takes before it computes, and
// refuses what exceeds the bound, so no expression, however hostile, can take memory or time. Work
// is drawn from a budget that the caller starts once for a whole check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace assay::verifiers {

// Why an operation has no exact result.
enum class NumberFailure {
  kUndefined,   // division by zero, 0^-1, (-1)!, ...
  kTooLarge,    // the result or the work would exceed the bound
  kIrrational,  // exists, but is not rational: 2^(1/2), (-4)^(1/2)
};

inline constexpr std::size_t kNumberDigitsMax = 10'000;
inline constexpr std::uint64_t kNumberBitsMax = 34'000;  // of numerator and denominator each

// What is left of the work a check may spend, in products of machine words.
class WorkBudget {
 public:
  explicit WorkBudget(std::uint64_t word_products = 12'000'000) : left_(word_products) {}

  // Takes the work of one operation; false when too little is left, and from then on.
  bool take(std::uint64_t word_products) {
    left_ = word_products > left_ ? 0 : left_ - word_products;
    return left_ > 0;
  }

 private:
  std::uint64_t left_;
};

class ExactNumber;
using ExactResult = std::variant<ExactNumber, NumberFailure>;

// An immutable value; copies share it.
class ExactNumber {
 public:
  ExactNumber();  // zero
  explicit ExactNumber(std::int64_t value);

  // A decimal literal: digits with at most one point and an optional exponent, `12`, `.5`, `1e-3`.
  // Exact: 0.1 is one tenth. kTooLarge beyond kNumberDigitsMax digits, exponent included; empty for
  // anything that is not such a literal.
  static std::optional<ExactResult> from_decimal(std::string_view literal, WorkBudget& budget);

  bool is_zero() const;
  bool is_integer() const;
  bool is_negative() const;
  bool is_terminating() const;  // has a finite decimal expansion of moderate length
  std::optional<std::int64_t> as_small() const;  // the integer, where it fits
  ExactNumber denominator() const;               // of the fraction in lowest terms
  std::string text() const;                      // "-7/3"; shortened in the middle when long
  std::uint64_t size_in_bits() const;            // of numerator and denominator together
  // "-7/3" in full; empty where it may take more than so many digits.
  std::optional<std::string> fraction_text(std::size_t digits_max) const;

  // Equal as numbers; numbers are kept in lowest terms, so this is exact.
  friend bool operator==(const ExactNumber& a, const ExactNumber& b);
  friend bool operator<(const ExactNumber& a, const ExactNumber& b);

  friend ExactResult add(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget);
  friend ExactResult multiply(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget);
  friend ExactResult divide(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget);
  friend ExactNumber negate(const ExactNumber& a);

  // a^b for an integer b, and for a fraction b where the root is exact. 0^0 is 1.
  friend ExactResult power(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget);
  // a! for a non-negative integer.
  friend ExactResult factorial(const ExactNumber& a, WorkBudget& budget);

  // The largest integer that is not above a.
  friend ExactResult floor_of(const ExactNumber& a, WorkBudget& budget);
  // The number rounded half away from zero to so many decimals.
  friend ExactResult rounded(const ExactNumber& a, int decimals, WorkBudget& budget);

 private:
  struct Value;
  explicit ExactNumber(std::shared_ptr<const Value> value) : value_(std::move(value)) {}

  std::shared_ptr<const Value> value_;
};

bool operator==(const ExactNumber& a, const ExactNumber& b);
bool operator<(const ExactNumber& a, const ExactNumber& b);
ExactResult add(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget);
ExactResult multiply(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget);
ExactResult divide(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget);
ExactNumber negate(const ExactNumber& a);
ExactResult power(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget);
ExactResult factorial(const ExactNumber& a, WorkBudget& budget);
ExactResult floor_of(const ExactNumber& a, WorkBudget& budget);
ExactResult rounded(const ExactNumber& a, int decimals, WorkBudget& budget);

}  // namespace assay::verifiers
