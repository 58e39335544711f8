// The one place that calls FLINT and Arb: rational functions over the integers, and complex balls.
//
// Both libraries abort the process when they are misused and take whatever memory an operation
// needs. So every operation here first predicts the size of its result and the work it takes, and
// refuses with nothing when that exceeds the bounds; what passes cannot fail inside. Work is drawn
// from the check's WorkBudget, so the verdict does not depend on the machine's speed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/math/exact_number.h"

namespace assay::verifiers {

class FractionRing;

// A quotient of two polynomials with integer coefficients. Belongs to the ring that made it and
// must not outlive it. Movable.
class Fraction {
 public:
  Fraction(Fraction&&) noexcept;
  Fraction& operator=(Fraction&&) noexcept;
  ~Fraction();

 private:
  friend class FractionRing;
  struct State;
  explicit Fraction(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Rational functions in so many generators. Some of them are square roots of integers: the ring
// knows their squares and counts g^2 - square as zero. The squares given must be independent (-1
// and distinct primes); then is_zero() is a decision, not a guess.
class FractionRing {
 public:
  // One element a generator: its square, or nothing where it is free. At most 64 generators.
  explicit FractionRing(std::vector<std::optional<std::int64_t>> squares);
  ~FractionRing();
  FractionRing(const FractionRing&) = delete;
  FractionRing& operator=(const FractionRing&) = delete;

  // All of these give nothing when a size or the budget would be exceeded.
  std::optional<Fraction> constant(const ExactNumber& number, WorkBudget& budget) const;
  std::optional<Fraction> generator(std::size_t index, WorkBudget& budget) const;
  std::optional<Fraction> add(const Fraction& a, const Fraction& b, WorkBudget& budget) const;
  std::optional<Fraction> subtract(const Fraction& a, const Fraction& b, WorkBudget& budget) const;
  std::optional<Fraction> multiply(const Fraction& a, const Fraction& b, WorkBudget& budget) const;
  // b is not zero.
  std::optional<Fraction> divide(const Fraction& a, const Fraction& b, WorkBudget& budget) const;
  std::optional<Fraction> power(const Fraction& a, std::uint64_t exponent,
                                WorkBudget& budget) const;
  // Whether the fraction is the zero function.
  std::optional<bool> is_zero(const Fraction& a, WorkBudget& budget) const;
  // The sign of the rational c with a = c * b once denominators are cleared; 0 where there is none
  // or one of them is zero.
  std::optional<int> proportion_sign(const Fraction& a, const Fraction& b,
                                     WorkBudget& budget) const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// A disc of the complex plane that is known to hold a number. Copyable.
class Ball {
 public:
  Ball();  // zero
  Ball(const Ball& other);
  Ball(Ball&&) noexcept;
  Ball& operator=(const Ball& other);
  Ball& operator=(Ball&&) noexcept;
  ~Ball();

  struct State;
  State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// How two balls lie to each other.
enum class BallOrder {
  kApart,     // no number is in both: the numbers differ, proved
  kTogether,  // both numbers lie within 2^-200 of each other, relative to their size
  kUnknown,   // the balls are too wide to say
};

// Arithmetic on balls at one precision in bits. In a real field every result must be real: the
// square root of a negative number has none. An operation without a finite result, or beyond the
// budget, gives nothing.
class BallField {
 public:
  BallField(int precision_bits, bool is_real, WorkBudget& budget)
      : precision_(precision_bits), is_real_(is_real), budget_(budget) {}

  std::optional<Ball> number(const ExactNumber& value) const;
  std::optional<Ball> dyadic(std::int64_t numerator, int shift) const;  // numerator / 2^shift
  std::optional<Ball> imaginary_unit() const;                           // nothing in a real field
  std::optional<Ball> pi() const;
  std::optional<Ball> e() const;

  std::optional<Ball> add(const Ball& a, const Ball& b) const;
  std::optional<Ball> multiply(const Ball& a, const Ball& b) const;
  std::optional<Ball> divide(const Ball& a, const Ball& b) const;
  std::optional<Ball> negate(const Ball& a) const;
  std::optional<Ball> integer_power(const Ball& a, std::int64_t exponent) const;
  // The real odd root of a negative number is real here; any other root is the principal one.
  std::optional<Ball> root(const Ball& a, std::uint64_t degree) const;
  std::optional<Ball> power(const Ball& a, const Ball& b) const;
  // sin, cos, tan, sec, csc, cot, their inverses (arc...) and hyperbolic kin, exp, ln, abs, Gamma.
  std::optional<Ball> function(std::string_view name, const Ball& a) const;

  BallOrder order(const Ball& a, const Ball& b) const;
  // Whether |value - decimal| is certainly at most half a unit in decimal place `decimals`.
  bool rounds_to(const Ball& value, const ExactNumber& decimal, int decimals) const;

 private:
  bool take(std::uint64_t word_products) const;
  std::optional<Ball> checked(Ball ball) const;

  int precision_;
  bool is_real_;
  WorkBudget& budget_;
};

}  // namespace assay::verifiers
