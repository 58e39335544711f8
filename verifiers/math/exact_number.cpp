#include "verifiers/math/exact_number.h"

#include <algorithm>
#include <boost/multiprecision/gmp.hpp>
#include <cmath>
#include <utility>

namespace assay::verifiers {

using Integer = boost::multiprecision::mpz_int;
using Rational = boost::multiprecision::mpq_rational;

struct ExactNumber::Value {
  Rational number;
};

namespace {

constexpr std::int64_t kExponentMax = 1'000'000;     // of a literal; beyond it all are too large
constexpr std::uint64_t kRootBitsMax = 4096;         // roots beyond the square are found by search
constexpr std::uint64_t kTerminatingBitsMax = 4096;  // a larger denominator is not looked into

std::uint64_t bits(const Integer& integer) {
  return integer.is_zero() ? 0 : msb(abs(integer)) + 1;
}

std::uint64_t bits(const Rational& rational) {
  return bits(numerator(rational)) + bits(denominator(rational));
}

// Reducing to lowest terms costs a few products for each pair of words; GMP does better than that
// beyond some dozens of words.
bool take_work(std::uint64_t bits_a, std::uint64_t bits_b, WorkBudget& budget) {
  const std::uint64_t words = (bits_a + bits_b) / 64 + 2;
  return budget.take(8 * words * std::min<std::uint64_t>(words, 64));
}

bool fits(const Rational& rational) {
  return bits(numerator(rational)) <= kNumberBitsMax &&
         bits(denominator(rational)) <= kNumberBitsMax;
}

// base^exponent, its size known to be within bounds.
Integer small_power(const Integer& base, std::uint64_t exponent) {
  return boost::multiprecision::pow(base, static_cast<unsigned>(exponent));
}

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

struct Literal {
  std::string digits;  // without point and leading zeros
  std::int64_t decimals = 0;
  std::int64_t exponent = 0;  // clamped to +-2 * kExponentMax
};

std::optional<Literal> read_literal(std::string_view text) {
  Literal literal;
  bool has_point = false;
  bool has_digit = false;
  std::size_t i = 0;
  for (; i < text.size() && (is_digit(text[i]) || text[i] == '.'); ++i) {
    if (text[i] == '.') {
      if (std::exchange(has_point, true)) return {};
      continue;
    }
    has_digit = true;
    literal.decimals += has_point;
    if (!literal.digits.empty() || text[i] != '0') literal.digits += text[i];
  }
  if (!has_digit) return {};
  if (i == text.size()) return literal;
  if (text[i] != 'e' && text[i] != 'E') return {};
  ++i;
  const bool is_negative = i < text.size() && text[i] == '-';
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  if (i == text.size()) return {};
  for (; i < text.size(); ++i) {
    if (!is_digit(text[i])) return {};
    literal.exponent = std::min(literal.exponent * 10 + (text[i] - '0'), 2 * kExponentMax);
  }
  if (is_negative) literal.exponent = -literal.exponent;
  return literal;
}

// The exact degree-th root of a non-negative integer; nothing where it is not an integer.
std::optional<Integer> exact_root(const Integer& value, std::uint64_t degree) {
  if (value < 2 || degree == 1) return value;
  if (degree == 2) {
    Integer root = boost::multiprecision::sqrt(value);
    if (root * root != value) return {};
    return root;
  }
  const std::uint64_t value_bits = bits(value);
  if (degree >= value_bits) return {};  // the root lies strictly between 1 and 2
  Integer low = 1;
  Integer high = Integer(1) << static_cast<unsigned>(value_bits / degree + 1);
  while (low < high) {
    const Integer middle = (low + high + 1) >> 1;
    if (small_power(middle, degree) <= value) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  if (small_power(low, degree) != value) return {};
  return low;
}

std::string shortened(std::string digits) {
  constexpr std::size_t kShownMax = 48;
  if (digits.size() <= kShownMax) return digits;
  const std::string count = std::to_string(digits.size());
  return digits.substr(0, 20) + "...(" + count + " characters)..." +
         digits.substr(digits.size() - 12);
}

}  // namespace

ExactNumber::ExactNumber() : ExactNumber(0) {}

ExactNumber::ExactNumber(std::int64_t value)
    : value_(std::make_shared<const Value>(Value{Rational(value)})) {}

std::optional<ExactResult> ExactNumber::from_decimal(std::string_view text, WorkBudget& budget) {
  if (text.size() > 4 * kNumberDigitsMax) return ExactResult(NumberFailure::kTooLarge);
  const auto literal = read_literal(text);
  if (!literal) return {};
  if (literal->digits.empty()) return ExactResult(ExactNumber());
  const std::int64_t scale = literal->exponent - literal->decimals;
  const std::uint64_t magnitude = static_cast<std::uint64_t>(std::abs(scale));
  const std::uint64_t digit_count = literal->digits.size() + magnitude;
  if (digit_count > kNumberDigitsMax) return ExactResult(NumberFailure::kTooLarge);
  // Reading decimal digits is about four times dearer than one product of that size.
  if (!take_work(digit_count * 20 / 3, 0, budget)) return ExactResult(NumberFailure::kTooLarge);
  const Integer digits(literal->digits);
  const Integer power_of_ten = small_power(10, magnitude);
  Rational number = scale < 0 ? Rational(digits, power_of_ten) : Rational(digits * power_of_ten);
  return ExactResult(ExactNumber(std::make_shared<const Value>(Value{std::move(number)})));
}

bool ExactNumber::is_zero() const {
  return value_->number.is_zero();
}
bool ExactNumber::is_integer() const {
  return boost::multiprecision::denominator(value_->number) == 1;
}
bool ExactNumber::is_negative() const {
  return value_->number < 0;
}

bool ExactNumber::is_terminating() const {
  Integer rest = boost::multiprecision::denominator(value_->number);
  if (bits(rest) > kTerminatingBitsMax) return false;
  rest >>= lsb(rest);
  while (rest % 5 == 0) rest /= 5;
  return rest == 1;
}

std::optional<std::int64_t> ExactNumber::as_small() const {
  constexpr std::int64_t kSmallMax = std::int64_t{1} << 62;
  if (!is_integer()) return {};
  const Integer integer = numerator(value_->number);
  if (bits(integer) > 62) return {};
  const auto small = static_cast<std::int64_t>(integer);
  return small < kSmallMax ? std::optional(small) : std::nullopt;
}

ExactNumber ExactNumber::denominator() const {
  return ExactNumber(std::make_shared<const Value>(
      Value{Rational(boost::multiprecision::denominator(value_->number))}));
}

std::string ExactNumber::text() const {
  const Integer top = numerator(value_->number);
  const Integer bottom = boost::multiprecision::denominator(value_->number);
  std::string shown = shortened(top.str());
  return bottom == 1 ? shown : shown + "/" + shortened(bottom.str());
}

std::uint64_t ExactNumber::size_in_bits() const {
  return bits(value_->number);
}

std::optional<std::string> ExactNumber::fraction_text(std::size_t digits_max) const {
  if (bits(value_->number) / 3 > digits_max) return {};
  return value_->number.str();
}

bool operator==(const ExactNumber& a, const ExactNumber& b) {
  return a.value_->number == b.value_->number;
}

bool operator<(const ExactNumber& a, const ExactNumber& b) {
  return a.value_->number < b.value_->number;
}

ExactResult add(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget) {
  const Rational& left = a.value_->number;
  const Rational& right = b.value_->number;
  if (!take_work(bits(left), bits(right), budget)) return NumberFailure::kTooLarge;
  Rational sum = left + right;
  if (!fits(sum)) return NumberFailure::kTooLarge;
  return ExactNumber(
      std::make_shared<const ExactNumber::Value>(ExactNumber::Value{std::move(sum)}));
}

ExactResult multiply(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget) {
  const Rational& left = a.value_->number;
  const Rational& right = b.value_->number;
  if (!take_work(bits(left), bits(right), budget)) return NumberFailure::kTooLarge;
  Rational product = left * right;
  if (!fits(product)) return NumberFailure::kTooLarge;
  return ExactNumber(
      std::make_shared<const ExactNumber::Value>(ExactNumber::Value{std::move(product)}));
}

ExactResult divide(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget) {
  if (b.is_zero()) return NumberFailure::kUndefined;
  const Rational& left = a.value_->number;
  const Rational& right = b.value_->number;
  if (!take_work(bits(left), bits(right), budget)) return NumberFailure::kTooLarge;
  Rational quotient = left / right;
  if (!fits(quotient)) return NumberFailure::kTooLarge;
  return ExactNumber(
      std::make_shared<const ExactNumber::Value>(ExactNumber::Value{std::move(quotient)}));
}

ExactNumber negate(const ExactNumber& a) {
  return ExactNumber(
      std::make_shared<const ExactNumber::Value>(ExactNumber::Value{Rational(-a.value_->number)}));
}

ExactResult power(const ExactNumber& a, const ExactNumber& b, WorkBudget& budget) {
  const Rational& base = a.value_->number;
  Integer top = numerator(base);
  Integer bottom = denominator(base);
  const Integer degree = denominator(b.value_->number);
  if (degree != 1) {
    // (p/q)^(m/n): both p and q need an exact n-th root. An even root of a negative number is
    // imaginary, which is no rational number either.
    if (bits(degree) > 16) return NumberFailure::kIrrational;
    const auto root_degree = static_cast<std::uint64_t>(degree);
    if (base < 0 && root_degree % 2 == 0) return NumberFailure::kIrrational;
    if (root_degree != 2 && bits(base) > kRootBitsMax) return NumberFailure::kTooLarge;
    const std::uint64_t trials = root_degree == 2 ? 16 : bits(base) / root_degree + 2;
    const std::uint64_t words = bits(base) / 64 + 2;
    if (!budget.take(8 * words * words * trials)) return NumberFailure::kTooLarge;
    const auto root_top = exact_root(abs(top), root_degree);
    const auto root_bottom = exact_root(bottom, root_degree);
    if (!root_top || !root_bottom) return NumberFailure::kIrrational;
    top = base < 0 ? Integer(-*root_top) : *root_top;
    bottom = *root_bottom;
  }
  const Integer exponent = numerator(b.value_->number);
  if (exponent < 0) {
    if (top.is_zero()) return NumberFailure::kUndefined;
    std::swap(top, bottom);
    if (bottom < 0) {
      top = -top;
      bottom = -bottom;
    }
  }
  if (bits(exponent) > 32) {
    // Only 0, 1 and -1 stay small.
    if (bottom != 1 || bits(top) > 1) return NumberFailure::kTooLarge;
    const bool is_odd = bit_test(abs(exponent), 0);
    return ExactNumber(top.is_zero() ? 0 : (top > 0 || !is_odd ? 1 : -1));
  }
  const auto times = static_cast<std::uint64_t>(abs(exponent));
  const std::uint64_t largest = std::max(bits(top), bits(bottom));
  if (largest > 1 && largest * times > kNumberBitsMax + times) return NumberFailure::kTooLarge;
  if (largest > 1 && times > kNumberBitsMax) return NumberFailure::kTooLarge;
  if (!take_work(largest * (largest > 1 ? times : 1), 0, budget)) return NumberFailure::kTooLarge;
  if (largest <= 1) {
    const bool is_minus_one = top < 0 && times % 2 == 1;
    return ExactNumber(times == 0 ? 1 : top.is_zero() ? 0 : is_minus_one ? -1 : 1);
  }
  Rational result(small_power(top, times), small_power(bottom, times));
  if (!fits(result)) return NumberFailure::kTooLarge;
  return ExactNumber(
      std::make_shared<const ExactNumber::Value>(ExactNumber::Value{std::move(result)}));
}

ExactResult factorial(const ExactNumber& a, WorkBudget& budget) {
  if (!a.is_integer() || a.is_negative()) return NumberFailure::kUndefined;
  const auto count = a.as_small();
  // log2(3400!) is above kNumberBitsMax, so nothing larger needs a closer look.
  if (!count || *count > 3'400) return NumberFailure::kTooLarge;
  const double size = std::lgamma(static_cast<double>(*count) + 1.0) / std::log(2.0);
  if (size > static_cast<double>(kNumberBitsMax)) return NumberFailure::kTooLarge;
  if (!take_work(static_cast<std::uint64_t>(size), 0, budget)) return NumberFailure::kTooLarge;
  Integer product;
  mpz_fac_ui(product.backend().data(), static_cast<unsigned long>(*count));
  return ExactNumber(
      std::make_shared<const ExactNumber::Value>(ExactNumber::Value{Rational(product)}));
}

ExactResult floor_of(const ExactNumber& a, WorkBudget& budget) {
  if (a.is_integer()) return a;
  const Rational& number = a.value_->number;
  if (!take_work(bits(number), 0, budget)) return NumberFailure::kTooLarge;
  Integer whole = numerator(number) / denominator(number);  // toward zero
  if (number < 0) --whole;
  return ExactNumber(
      std::make_shared<const ExactNumber::Value>(ExactNumber::Value{Rational(std::move(whole))}));
}

ExactResult rounded(const ExactNumber& a, int decimals, WorkBudget& budget) {
  const Rational& number = a.value_->number;
  const auto places = static_cast<std::uint64_t>(std::clamp(decimals, 0, 1000));
  if (!take_work(bits(number), places * 4, budget)) return NumberFailure::kTooLarge;
  const Integer scale = small_power(10, places);
  const Integer top = abs(numerator(number)) * scale * 2 + denominator(number);
  const Integer whole = top / (denominator(number) * 2);
  Rational result(number < 0 ? Integer(-whole) : whole, scale);
  if (!fits(result)) return NumberFailure::kTooLarge;
  return ExactNumber(
      std::make_shared<const ExactNumber::Value>(ExactNumber::Value{std::move(result)}));
}

}  // namespace assay::verifiers
