#include "verifiers/math/flint_fence.h"

#include <acb.h>
#include <arb.h>
#include <flint/fmpq.h>
#include <flint/fmpz.h>
#include <flint/fmpz_mpoly.h>

#include <algorithm>
#include <array>
#include <utility>

namespace assay::verifiers {

namespace {

constexpr std::size_t kTermsMax = 4'096;     // of a polynomial
constexpr std::uint64_t kDegreeMax = 4'096;  // of a polynomial in one generator
constexpr std::uint64_t kCoefficientBitsMax = 16'384;
constexpr std::size_t kNumberTextMax = 4'096;    // digits of a number that enters here
constexpr std::int64_t kPowerMax = 100'000'000;  // exponents of balls
constexpr double kGammaMax = 1e6;                // arguments of the gamma function

class Rational {
 public:
  Rational() { fmpq_init(value); }
  ~Rational() { fmpq_clear(value); }
  Rational(const Rational&) = delete;
  Rational& operator=(const Rational&) = delete;
  fmpq_t value;
};

// The number handed over as decimal text; false where it is too long.
bool read_number(const ExactNumber& number, Rational& rational) {
  const std::optional<std::string> text = number.fraction_text(kNumberTextMax);
  if (!text || fmpq_set_str(rational.value, text->c_str(), 10) != 0) return false;
  fmpq_canonicalise(rational.value);
  return true;
}

}  // namespace

struct FractionRing::Context {
  fmpz_mpoly_ctx_t ring;
  std::vector<std::optional<std::int64_t>> squares;
};

struct Fraction::State {
  explicit State(const fmpz_mpoly_ctx_struct* of_ring) : ring(of_ring) {
    fmpz_mpoly_init(top, ring);
    fmpz_mpoly_init(bottom, ring);
    fmpz_mpoly_one(bottom, ring);
  }
  ~State() {
    fmpz_mpoly_clear(top, ring);
    fmpz_mpoly_clear(bottom, ring);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const fmpz_mpoly_ctx_struct* ring;
  fmpz_mpoly_t top;
  fmpz_mpoly_t bottom;
};

Fraction::Fraction(std::unique_ptr<State> state) : state_(std::move(state)) {}
Fraction::Fraction(Fraction&&) noexcept = default;
Fraction& Fraction::operator=(Fraction&&) noexcept = default;
Fraction::~Fraction() = default;

namespace {

using Polynomial = fmpz_mpoly_struct;
using Ring = fmpz_mpoly_ctx_struct;

struct Size {
  std::uint64_t terms = 0;
  std::uint64_t bits = 0;    // of the largest coefficient
  std::uint64_t degree = 0;  // the highest in any generator
};

Size size_of(const Polynomial* polynomial, const Ring* ring) {
  Size size;
  size.terms = static_cast<std::uint64_t>(fmpz_mpoly_length(polynomial, ring));
  const slong bits = fmpz_mpoly_max_bits(polynomial);
  size.bits = static_cast<std::uint64_t>(bits < 0 ? -bits : bits);
  if (size.terms == 0 || fmpz_mpoly_ctx_nvars(ring) == 0) return size;
  // All exponents fit a word: nothing larger is ever made here.
  std::array<slong, 64> degrees{};
  fmpz_mpoly_degrees_si(degrees.data(), polynomial, ring);
  const auto count = static_cast<std::size_t>(fmpz_mpoly_ctx_nvars(ring));
  for (std::size_t i = 0; i < count; ++i) {
    size.degree = std::max(size.degree, static_cast<std::uint64_t>(std::max<slong>(degrees[i], 0)));
  }
  return size;
}

// result = a * b, where its size is within bounds.
bool multiply_bounded(Polynomial* result, const Polynomial* a, const Polynomial* b,
                      const Ring* ring, WorkBudget& budget) {
  const Size left = size_of(a, ring), right = size_of(b, ring);
  const std::uint64_t words = (left.bits + 64) / 64 * ((right.bits + 64) / 64);
  if (left.terms * right.terms > kTermsMax * 4 || left.degree + right.degree > kDegreeMax ||
      left.bits + right.bits + 16 > kCoefficientBitsMax ||
      !budget.take(20 * left.terms * right.terms * words + 200)) {
    return false;
  }
  fmpz_mpoly_mul(result, a, b, ring);
  return fmpz_mpoly_length(result, ring) <= static_cast<slong>(kTermsMax);
}

// The number of terms that the n-th power of t terms may have, clamped.
std::uint64_t power_terms(std::uint64_t terms, std::uint64_t exponent) {
  double count = 1;  // C(n + t - 1, t - 1)
  for (std::uint64_t i = 1; i < terms && count <= 1e9; ++i) {
    count *= static_cast<double>(exponent + i) / static_cast<double>(i);
  }
  return count > 1e9 ? 1'000'000'000 : static_cast<std::uint64_t>(count);
}

bool power_bounded(Polynomial* result, const Polynomial* base, std::uint64_t exponent,
                   const Ring* ring, WorkBudget& budget) {
  const Size size = size_of(base, ring);
  if (exponent > kDegreeMax || size.degree * exponent > kDegreeMax) return false;
  std::uint64_t term_bits = 1;
  while ((std::uint64_t{1} << term_bits) < size.terms) ++term_bits;
  const std::uint64_t bits = exponent * (size.bits + term_bits);
  const std::uint64_t terms = power_terms(size.terms, exponent);
  if (bits > kCoefficientBitsMax || terms > kTermsMax ||
      !budget.take(20 * terms * (size.terms + 1) * (bits / 64 + 1) + 500)) {
    return false;
  }
  return fmpz_mpoly_pow_ui(result, base, exponent, ring) != 0;
}

// Replaces every power of a square root by powers of its square: g^5 becomes s^2 * g.
bool reduce_squares(Polynomial* polynomial, const Ring* ring,
                    const std::vector<std::optional<std::int64_t>>& squares, WorkBudget& budget) {
  const Size size = size_of(polynomial, ring);
  if (size.degree < 2 || std::none_of(squares.begin(), squares.end(),
                                      [](const auto& square) { return square.has_value(); })) {
    return true;
  }
  std::uint64_t factor_bits = 0;
  for (const auto& square : squares) {
    if (square) factor_bits += size.degree / 2 * 40;  // the squares are below 2^40
  }
  const std::uint64_t words = (size.bits + factor_bits) / 64 + 1;
  if (size.bits + factor_bits > 8 * kCoefficientBitsMax ||
      !budget.take(20 * size.terms * squares.size() * words + 500)) {
    return false;
  }
  fmpz_mpoly_t reduced;
  fmpz_mpoly_init(reduced, ring);
  fmpz_t coefficient, factor;
  fmpz_init(coefficient);
  fmpz_init(factor);
  std::array<ulong, 64> exponents{};
  for (slong term = 0; term < fmpz_mpoly_length(polynomial, ring); ++term) {
    fmpz_mpoly_get_term_coeff_fmpz(coefficient, polynomial, term, ring);
    fmpz_mpoly_get_term_exp_ui(exponents.data(), polynomial, term, ring);
    for (std::size_t i = 0; i < squares.size(); ++i) {
      if (!squares[i] || exponents[i] < 2) continue;
      fmpz_set_si(factor, *squares[i]);
      fmpz_pow_ui(factor, factor, exponents[i] / 2);
      fmpz_mul(coefficient, coefficient, factor);
      exponents[i] %= 2;
    }
    fmpz_mpoly_push_term_fmpz_ui(reduced, coefficient, exponents.data(), ring);
  }
  fmpz_mpoly_sort_terms(reduced, ring);
  fmpz_mpoly_combine_like_terms(reduced, ring);
  fmpz_mpoly_swap(polynomial, reduced, ring);
  fmpz_clear(factor);
  fmpz_clear(coefficient);
  fmpz_mpoly_clear(reduced, ring);
  return true;
}

}  // namespace

FractionRing::FractionRing(std::vector<std::optional<std::int64_t>> squares)
    : context_(std::make_unique<Context>()) {
  fmpz_mpoly_ctx_init(context_->ring, static_cast<slong>(squares.size()), ORD_LEX);
  context_->squares = std::move(squares);
}

FractionRing::~FractionRing() {
  fmpz_mpoly_ctx_clear(context_->ring);
}

std::optional<Fraction> FractionRing::constant(const ExactNumber& number,
                                               WorkBudget& budget) const {
  Rational rational;
  if (!budget.take(500 + number.size_in_bits() * 40) || !read_number(number, rational)) return {};
  Fraction fraction(std::make_unique<Fraction::State>(context_->ring));
  fmpz_mpoly_set_fmpz(fraction.state_->top, fmpq_numref(rational.value), context_->ring);
  fmpz_mpoly_set_fmpz(fraction.state_->bottom, fmpq_denref(rational.value), context_->ring);
  return fraction;
}

std::optional<Fraction> FractionRing::generator(std::size_t index, WorkBudget& budget) const {
  if (!budget.take(200) || index >= context_->squares.size()) return {};
  Fraction fraction(std::make_unique<Fraction::State>(context_->ring));
  fmpz_mpoly_gen(fraction.state_->top, static_cast<slong>(index), context_->ring);
  return fraction;
}

std::optional<Fraction> FractionRing::add(const Fraction& a, const Fraction& b,
                                          WorkBudget& budget) const {
  const Ring* ring = context_->ring;
  const Fraction::State &left = *a.state_, &right = *b.state_;
  Fraction sum(std::make_unique<Fraction::State>(ring));
  if (fmpz_mpoly_equal(left.bottom, right.bottom, ring)) {
    fmpz_mpoly_add(sum.state_->top, left.top, right.top, ring);
    fmpz_mpoly_set(sum.state_->bottom, left.bottom, ring);
    if (!budget.take(200) || size_of(sum.state_->top, ring).terms > kTermsMax) return {};
    return sum;
  }
  Fraction crossed(std::make_unique<Fraction::State>(ring));
  if (!multiply_bounded(sum.state_->top, left.top, right.bottom, ring, budget) ||
      !multiply_bounded(crossed.state_->top, right.top, left.bottom, ring, budget) ||
      !multiply_bounded(sum.state_->bottom, left.bottom, right.bottom, ring, budget)) {
    return {};
  }
  fmpz_mpoly_add(sum.state_->top, sum.state_->top, crossed.state_->top, ring);
  if (size_of(sum.state_->top, ring).terms > kTermsMax) return {};
  return sum;
}

std::optional<Fraction> FractionRing::subtract(const Fraction& a, const Fraction& b,
                                               WorkBudget& budget) const {
  Fraction negated(std::make_unique<Fraction::State>(context_->ring));
  fmpz_mpoly_neg(negated.state_->top, b.state_->top, context_->ring);
  fmpz_mpoly_set(negated.state_->bottom, b.state_->bottom, context_->ring);
  return add(a, negated, budget);
}

std::optional<Fraction> FractionRing::multiply(const Fraction& a, const Fraction& b,
                                               WorkBudget& budget) const {
  const Ring* ring = context_->ring;
  Fraction product(std::make_unique<Fraction::State>(ring));
  if (!multiply_bounded(product.state_->top, a.state_->top, b.state_->top, ring, budget) ||
      !multiply_bounded(product.state_->bottom, a.state_->bottom, b.state_->bottom, ring, budget)) {
    return {};
  }
  return product;
}

std::optional<Fraction> FractionRing::divide(const Fraction& a, const Fraction& b,
                                             WorkBudget& budget) const {
  const Ring* ring = context_->ring;
  Fraction quotient(std::make_unique<Fraction::State>(ring));
  if (!multiply_bounded(quotient.state_->top, a.state_->top, b.state_->bottom, ring, budget) ||
      !multiply_bounded(quotient.state_->bottom, a.state_->bottom, b.state_->top, ring, budget)) {
    return {};
  }
  return quotient;
}

std::optional<Fraction> FractionRing::power(const Fraction& a, std::uint64_t exponent,
                                            WorkBudget& budget) const {
  const Ring* ring = context_->ring;
  Fraction raised(std::make_unique<Fraction::State>(ring));
  if (!power_bounded(raised.state_->top, a.state_->top, exponent, ring, budget) ||
      !power_bounded(raised.state_->bottom, a.state_->bottom, exponent, ring, budget)) {
    return {};
  }
  return raised;
}

std::optional<bool> FractionRing::is_zero(const Fraction& a, WorkBudget& budget) const {
  const Ring* ring = context_->ring;
  Fraction copy(std::make_unique<Fraction::State>(ring));
  fmpz_mpoly_set(copy.state_->top, a.state_->top, ring);
  if (!reduce_squares(copy.state_->top, ring, context_->squares, budget)) return {};
  return fmpz_mpoly_is_zero(copy.state_->top, ring) != 0;
}

std::optional<int> FractionRing::proportion_sign(const Fraction& a, const Fraction& b,
                                                 WorkBudget& budget) const {
  const Ring* ring = context_->ring;
  Fraction left(std::make_unique<Fraction::State>(ring));
  Fraction right(std::make_unique<Fraction::State>(ring));
  fmpz_mpoly_set(left.state_->top, a.state_->top, ring);
  fmpz_mpoly_set(right.state_->top, b.state_->top, ring);
  if (!reduce_squares(left.state_->top, ring, context_->squares, budget) ||
      !reduce_squares(right.state_->top, ring, context_->squares, budget)) {
    return {};
  }
  if (fmpz_mpoly_is_zero(left.state_->top, ring) || fmpz_mpoly_is_zero(right.state_->top, ring)) {
    return 0;
  }
  Rational lead_left, lead_right;
  fmpz_mpoly_get_term_coeff_fmpz(fmpq_numref(lead_left.value), left.state_->top, 0, ring);
  fmpz_mpoly_get_term_coeff_fmpz(fmpq_numref(lead_right.value), right.state_->top, 0, ring);
  const Size size = size_of(left.state_->top, ring);
  if (!budget.take(40 * size.terms * (size.bits / 64 + 1) * (size.bits / 64 + 1) + 500)) return {};
  fmpz_mpoly_scalar_mul_fmpz(left.state_->top, left.state_->top, fmpq_numref(lead_right.value),
                             ring);
  fmpz_mpoly_scalar_mul_fmpz(right.state_->top, right.state_->top, fmpq_numref(lead_left.value),
                             ring);
  if (!fmpz_mpoly_equal(left.state_->top, right.state_->top, ring)) return 0;
  return fmpq_sgn(lead_left.value) * fmpq_sgn(lead_right.value);
}

struct Ball::State {
  State() { acb_init(value); }
  ~State() { acb_clear(value); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  acb_t value;
};

Ball::Ball() : state_(std::make_unique<State>()) {}
Ball::Ball(const Ball& other) : Ball() {
  acb_set(state_->value, other.state_->value);
}
Ball::Ball(Ball&&) noexcept = default;
Ball& Ball::operator=(const Ball& other) {
  acb_set(state_->value, other.state_->value);
  return *this;
}
Ball& Ball::operator=(Ball&&) noexcept = default;
Ball::~Ball() = default;

// `word_products` is the cost at 128 bits.
bool BallField::take(std::uint64_t word_products) const {
  const auto words = static_cast<std::uint64_t>(precision_) / 128;
  return budget_.take(word_products * words);
}

std::optional<Ball> BallField::checked(Ball ball) const {
  const acb_srcptr value = ball.state().value;
  if (!acb_is_finite(value)) return {};
  if (is_real_ && !arb_is_zero(acb_imagref(value))) return {};
  return ball;
}

std::optional<Ball> BallField::number(const ExactNumber& value) const {
  // Digits are written and read again, which takes time beyond linear in their number.
  if (!take(500 + value.size_in_bits() * 40)) return {};
  Rational rational;
  if (!read_number(value, rational)) return {};
  Ball ball;
  acb_set_fmpq(ball.state().value, rational.value, precision_);
  return ball;
}

std::optional<Ball> BallField::dyadic(std::int64_t numerator, int shift) const {
  Ball ball;
  acb_set_si(ball.state().value, numerator);
  acb_mul_2exp_si(ball.state().value, ball.state().value, -shift);
  return ball;
}

std::optional<Ball> BallField::imaginary_unit() const {
  if (is_real_) return {};
  Ball ball;
  acb_onei(ball.state().value);
  return ball;
}

std::optional<Ball> BallField::pi() const {
  Ball ball;
  acb_const_pi(ball.state().value, precision_);
  return ball;
}

std::optional<Ball> BallField::e() const {
  Ball ball;
  arb_const_e(acb_realref(ball.state().value), precision_);
  return ball;
}

std::optional<Ball> BallField::add(const Ball& a, const Ball& b) const {
  if (!take(200)) return {};
  Ball sum;
  acb_add(sum.state().value, a.state().value, b.state().value, precision_);
  return checked(std::move(sum));
}

std::optional<Ball> BallField::multiply(const Ball& a, const Ball& b) const {
  if (!take(300)) return {};
  Ball product;
  acb_mul(product.state().value, a.state().value, b.state().value, precision_);
  return checked(std::move(product));
}

std::optional<Ball> BallField::divide(const Ball& a, const Ball& b) const {
  if (!take(500) || acb_contains_zero(b.state().value)) return {};
  Ball quotient;
  acb_div(quotient.state().value, a.state().value, b.state().value, precision_);
  return checked(std::move(quotient));
}

std::optional<Ball> BallField::negate(const Ball& a) const {
  Ball negated;
  acb_neg(negated.state().value, a.state().value);
  return negated;
}

std::optional<Ball> BallField::integer_power(const Ball& a, std::int64_t exponent) const {
  if (exponent > kPowerMax || exponent < -kPowerMax || !take(15'000)) return {};
  if (exponent < 0 && acb_contains_zero(a.state().value)) return {};
  Ball raised;
  acb_pow_si(raised.state().value, a.state().value, exponent, precision_);
  return checked(std::move(raised));
}

std::optional<Ball> BallField::root(const Ball& a, std::uint64_t degree) const {
  if (degree == 0 || degree > 100'000 || !take(15'000)) return {};
  Ball result;
  const acb_ptr to = result.state().value;
  const acb_srcptr from = a.state().value;
  const bool is_negative = arb_is_zero(acb_imagref(from)) && arb_is_negative(acb_realref(from));
  if (degree == 2) {
    acb_sqrt(to, from, precision_);
  } else if (is_negative && degree % 2 == 1) {
    arb_neg(acb_realref(to), acb_realref(from));
    arb_root_ui(acb_realref(to), acb_realref(to), degree, precision_);
    arb_neg(acb_realref(to), acb_realref(to));
  } else {
    acb_root_ui(to, from, degree, precision_);
  }
  return checked(std::move(result));
}

std::optional<Ball> BallField::power(const Ball& a, const Ball& b) const {
  if (!take(30'000)) return {};
  Ball raised;
  acb_pow(raised.state().value, a.state().value, b.state().value, precision_);
  return checked(std::move(raised));
}

namespace {

using BallFunction = void (*)(acb_t, const acb_t, slong);

struct NamedFunction {
  std::string_view name;
  BallFunction function;
  bool is_reciprocal = false;  // of the function's value, or for an inverse of its argument
  bool is_inverse = false;
};

void absolute_value(acb_t result, const acb_t argument, slong precision) {
  arb_t size;
  arb_init(size);
  acb_abs(size, argument, precision);
  acb_set_arb(result, size);
  arb_clear(size);
}

constexpr std::array<NamedFunction, 24> kFunctions = {{
    {"sin", acb_sin},
    {"cos", acb_cos},
    {"tan", acb_tan},
    {"csc", acb_sin, true},
    {"sec", acb_cos, true},
    {"cot", acb_tan, true},
    {"arcsin", acb_asin},
    {"arccos", acb_acos},
    {"arctan", acb_atan},
    {"arccsc", acb_asin, true, true},
    {"arcsec", acb_acos, true, true},
    {"arccot", acb_atan, true, true},
    {"sinh", acb_sinh},
    {"cosh", acb_cosh},
    {"tanh", acb_tanh},
    {"csch", acb_sinh, true},
    {"sech", acb_cosh, true},
    {"coth", acb_tanh, true},
    {"arcsinh", acb_asinh},
    {"arccosh", acb_acosh},
    {"arctanh", acb_atanh},
    {"exp", acb_exp},
    {"ln", acb_log},
    {"abs", absolute_value},
}};

// Whether the gamma function is cheap at the argument.
bool is_small(const acb_t argument) {
  mag_t size;
  mag_init(size);
  acb_get_mag(size, argument);
  const bool is_bounded = mag_cmp_2exp_si(size, 200) < 0 && mag_get_d(size) < kGammaMax;
  mag_clear(size);
  return is_bounded;
}

}  // namespace

std::optional<Ball> BallField::function(std::string_view name, const Ball& a) const {
  Ball result;
  if (name == "Gamma") {
    if (!take(40'000) || !is_small(a.state().value)) return {};
    acb_gamma(result.state().value, a.state().value, precision_);
    return checked(std::move(result));
  }
  const auto found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                  [&](const NamedFunction& one) { return one.name == name; });
  if (found == kFunctions.end() || !take(20'000)) return {};
  Ball argument = a;
  if (found->is_inverse && found->is_reciprocal) {
    if (acb_contains_zero(a.state().value)) return {};
    acb_inv(argument.state().value, a.state().value, precision_);
  }
  found->function(result.state().value, argument.state().value, precision_);
  if (found->is_reciprocal && !found->is_inverse) {
    if (acb_contains_zero(result.state().value)) return {};
    acb_inv(result.state().value, result.state().value, precision_);
  }
  return checked(std::move(result));
}

BallOrder BallField::order(const Ball& a, const Ball& b) const {
  constexpr slong kAgreementBits = 200;
  constexpr slong kZeroBits = 300;  // two numbers smaller than that are both taken for zero
  const acb_srcptr left = a.state().value, right = b.state().value;
  if (!acb_overlaps(left, right)) return BallOrder::kApart;
  Ball difference;
  acb_sub(difference.state().value, left, right, precision_);
  mag_t gap, size, other;
  mag_init(gap);
  mag_init(size);
  mag_init(other);
  acb_get_mag(gap, difference.state().value);
  acb_get_mag_lower(size, left);
  acb_get_mag_lower(other, right);
  mag_max(size, size, other);
  const bool is_zero = mag_is_zero(size);
  mag_mul_2exp_si(size, size, -kAgreementBits);
  const bool is_together = is_zero ? mag_cmp_2exp_si(gap, -kZeroBits) < 0 : mag_cmp(gap, size) <= 0;
  mag_clear(other);
  mag_clear(size);
  mag_clear(gap);
  return is_together ? BallOrder::kTogether : BallOrder::kUnknown;
}

bool BallField::rounds_to(const Ball& value, const ExactNumber& decimal, int decimals) const {
  const std::optional<Ball> given = number(decimal);
  if (!given || !take(1'000) || !arb_is_zero(acb_imagref(value.state().value))) return false;
  arb_t gap, scale;
  arb_init(gap);
  arb_init(scale);
  arb_sub(gap, acb_realref(value.state().value), acb_realref(given->state().value), precision_);
  arb_abs(gap, gap);
  arb_set_ui(scale, 10);
  arb_pow_ui(scale, scale, static_cast<ulong>(std::clamp(decimals, 0, 100)), precision_);
  arb_mul(gap, gap, scale, precision_);
  arb_mul_2exp_si(gap, gap, 1);
  arb_one(scale);
  const bool is_close = arb_le(gap, scale) != 0;
  arb_clear(scale);
  arb_clear(gap);
  return is_close;
}

}  // namespace assay::verifiers
