#include "verifiers/math/exact_algebra.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "verifiers/math/evaluation.h"
#include "verifiers/math/expression_parser.h"
#include "verifiers/math/flint_fence.h"

namespace assay::verifiers {

namespace {

constexpr std::size_t kGeneratorsMax = 24;
constexpr std::int64_t kRadicandMax = 100'000'000;  // factored by trial division
constexpr std::int64_t kExponentMax = 4'096;

// A rational number under a square root: q * sqrt(n) with n a product of distinct primes, perhaps
// times -1.
struct Surd {
  ExactNumber outside{1};
  std::vector<std::int64_t> primes;  // -1 first, where the radicand is negative
};

// The square root of a whole number of moderate size.
std::optional<Surd> square_root(std::int64_t radicand) {
  if (radicand == 0 || std::abs(radicand) > kRadicandMax) return {};
  Surd surd;
  if (radicand < 0) surd.primes.push_back(-1);
  std::int64_t rest = std::abs(radicand);
  std::int64_t outside = 1;
  for (std::int64_t prime = 2; prime * prime <= rest; ++prime) {
    int count = 0;
    for (; rest % prime == 0; rest /= prime) ++count;
    for (int i = 0; i < count / 2; ++i) outside *= prime;
    if (count % 2 == 1) surd.primes.push_back(prime);
  }
  if (rest > 1) surd.primes.push_back(rest);
  surd.outside = ExactNumber(outside);
  return surd;
}

// The exponent as k/2, where it is one of moderate size.
std::optional<std::int64_t> halves_of(const Node& exponent, WorkBudget& budget) {
  const Evaluation value = evaluate(exponent, budget);
  if (value.kind != ValueKind::kExact) return {};
  const ExactResult doubled = multiply(value.number, ExactNumber(2), budget);
  const auto* number = std::get_if<ExactNumber>(&doubled);
  if (number == nullptr) return {};
  const auto halves = number->as_small();
  if (!halves || std::abs(*halves) > 2 * kExponentMax) return {};
  return halves;
}

// Reads expressions as fractions. The generators must be known before the ring is made, so every
// expression is walked twice: once to collect them, once to build.
class Reader {
 public:
  explicit Reader(WorkBudget& budget) : budget_(budget) {}

  // False where the expression is no number at all or needs too many generators.
  bool collect(const Node& node) {
    if (!budget_.take(100)) return false;
    switch (node.kind) {
      case NodeKind::kNumber:
        return true;
      case NodeKind::kSymbol:
        if (node.name == "infty") return false;
        if (node.name == "i") return add_generator("sqrt -1", -1);
        is_complete_ = is_complete_ && node.name != "pi" && node.name != "e";
        return add_generator(node.name, {});
      case NodeKind::kSum:
      case NodeKind::kProduct:
      case NodeKind::kQuotient:
      case NodeKind::kNegation:
        return std::all_of(node.children.begin(), node.children.end(),
                           [this](const Node& child) { return collect(child); });
      case NodeKind::kPower:
        return collect_power(node);
      case NodeKind::kFunction:
        if (const auto product = binomial_product(node)) return collect(*product);
        return collect_opaque(node);
      case NodeKind::kFactorial:
        return collect_opaque(node);
      default:
        return false;
    }
  }

  void make_ring() {
    std::vector<std::optional<std::int64_t>> squares = squares_;
    if (squares.empty()) squares.emplace_back();
    ring_.emplace(std::move(squares));
  }

  std::optional<Fraction> build(const Node& node) {
    if (!budget_.take(100)) return {};
    switch (node.kind) {
      case NodeKind::kNumber:
        return ring_->constant(node.number, budget_);
      case NodeKind::kSymbol:
        return generator(node.name == "i" ? "sqrt -1" : node.name);
      case NodeKind::kSum:
        return fold(node, &FractionRing::add);
      case NodeKind::kProduct:
        return fold(node, &FractionRing::multiply);
      case NodeKind::kQuotient: {
        auto top = build(node.children[0]), bottom = build(node.children[1]);
        if (!top || !bottom) return {};
        return quotient(*top, *bottom);
      }
      case NodeKind::kNegation: {
        auto zero = ring_->constant(ExactNumber(0), budget_);
        auto value = build(node.children[0]);
        if (!zero || !value) return {};
        return ring_->subtract(*zero, *value, budget_);
      }
      case NodeKind::kPower:
        return build_power(node);
      case NodeKind::kFunction:
        if (const auto product = binomial_product(node)) return build(*product);
        return build_opaque(node);
      case NodeKind::kFactorial:
        return build_opaque(node);
      default:
        return {};
    }
  }

  const FractionRing& ring() const { return *ring_; }
  // Whether the generators are independent, so that inequality is a proof too.
  bool is_complete() const { return is_complete_; }
  bool divides_by_zero() const { return divides_by_zero_; }

 private:
  bool add_generator(const std::string& name, std::optional<std::int64_t> square) {
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) return true;
    if (names_.size() >= kGeneratorsMax) return false;
    names_.push_back(name);
    squares_.push_back(square);
    return true;
  }

  std::optional<Fraction> generator(const std::string& name) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) return {};
    return ring_->generator(static_cast<std::size_t>(found - names_.begin()), budget_);
  }

  // n over k for a small whole k is the polynomial n(n-1)...(n-k+1)/k!.
  std::optional<Node> binomial_product(const Node& node) {
    constexpr std::int64_t kFactorsMax = 8;
    if (node.name != "binom" || node.children.size() != 2) return {};
    const Evaluation below = evaluate(node.children[1], budget_);
    const auto count = below.kind == ValueKind::kExact ? below.number.as_small() : std::nullopt;
    if (!count || *count < 1 || *count > kFactorsMax) return {};
    Node product = make_node(NodeKind::kProduct, {});
    std::int64_t divisor = 1;
    for (std::int64_t i = 0; i < *count; ++i) {
      product.children.push_back(
          make_node(NodeKind::kSum, nodes_of(node.children[0], make_number(-i))));
      divisor *= i + 1;
    }
    return make_node(NodeKind::kQuotient, nodes_of(std::move(product), make_number(divisor)));
  }

  // What is not a polynomial: its value is computed where it is a number, else its form is its
  // name.
  bool collect_opaque(const Node& node) {
    if (evaluate(node, budget_).kind == ValueKind::kExact) return true;
    is_complete_ = false;
    return add_generator(canonical_form(node, budget_), {});
  }

  std::optional<Fraction> build_opaque(const Node& node) {
    const Evaluation value = evaluate(node, budget_);
    if (value.kind == ValueKind::kExact) return ring_->constant(value.number, budget_);
    return generator(canonical_form(node, budget_));
  }

  // sqrt(p/q) = sqrt(p * q) / q.
  std::optional<Surd> surd_of(const Node& base) {
    const Evaluation value = evaluate(base, budget_);
    if (value.kind != ValueKind::kExact) return {};
    const auto denominator = value.number.denominator().as_small();
    if (!denominator || *denominator > kRadicandMax) return {};
    const ExactNumber bottom(*denominator);
    const ExactResult once = multiply(value.number, bottom, budget_);
    const auto* whole = std::get_if<ExactNumber>(&once);
    if (whole == nullptr) return {};
    const ExactResult twice = multiply(*whole, bottom, budget_);
    const auto* radicand = std::get_if<ExactNumber>(&twice);
    if (radicand == nullptr || !radicand->as_small()) return {};
    std::optional<Surd> surd = square_root(*radicand->as_small());
    if (!surd) return {};
    const ExactResult outside = divide(surd->outside, bottom, budget_);
    if (std::holds_alternative<NumberFailure>(outside)) return {};
    surd->outside = std::get<ExactNumber>(outside);
    return surd;
  }

  static std::string root_name(std::int64_t prime) { return "sqrt " + std::to_string(prime); }

  bool collect_power(const Node& node) {
    const auto halves = halves_of(node.children[1], budget_);
    if (halves && *halves % 2 == 0) return collect(node.children[0]);
    if (halves) {
      if (const auto surd = surd_of(node.children[0])) {
        return std::all_of(surd->primes.begin(), surd->primes.end(), [this](std::int64_t prime) {
          return add_generator(root_name(prime), prime);
        });
      }
    }
    return collect_opaque(node);
  }

  std::optional<Fraction> build_power(const Node& node) {
    const auto halves = halves_of(node.children[1], budget_);
    if (!halves) return build_opaque(node);
    const auto count = static_cast<std::uint64_t>(std::abs(*halves));
    std::optional<Fraction> base;
    if (*halves % 2 == 0) {
      base = build(node.children[0]);
      if (base) base = ring_->power(*base, count / 2, budget_);
    } else {
      const auto surd = surd_of(node.children[0]);
      if (!surd) return build_opaque(node);
      base = ring_->constant(surd->outside, budget_);
      for (const std::int64_t prime : surd->primes) {
        const auto root = generator(root_name(prime));
        if (base && root) base = ring_->multiply(*base, *root, budget_);
      }
      if (base) base = ring_->power(*base, count, budget_);
    }
    if (!base || *halves >= 0) return base;
    const auto one = ring_->constant(ExactNumber(1), budget_);
    if (!one) return {};
    return quotient(*one, *base);
  }

  std::optional<Fraction> quotient(const Fraction& top, const Fraction& bottom) {
    const auto is_zero = ring_->is_zero(bottom, budget_);
    divides_by_zero_ = divides_by_zero_ || is_zero.value_or(false);
    if (is_zero.value_or(true)) return {};
    return ring_->divide(top, bottom, budget_);
  }

  using Operation = std::optional<Fraction> (FractionRing::*)(const Fraction&, const Fraction&,
                                                              WorkBudget&) const;
  std::optional<Fraction> fold(const Node& node, Operation operation) {
    std::optional<Fraction> total = build(node.children.front());
    for (std::size_t i = 1; i < node.children.size() && total; ++i) {
      const auto next = build(node.children[i]);
      if (!next) return {};
      total = ((*ring_).*operation)(*total, *next, budget_);
    }
    return total;
  }

  WorkBudget& budget_;
  std::vector<std::string> names_;
  std::vector<std::optional<std::int64_t>> squares_;
  std::optional<FractionRing> ring_;
  bool is_complete_ = true;
  bool divides_by_zero_ = false;
};

}  // namespace

Agreement compare_exactly(const Node& a, const Node& b, WorkBudget& budget) {
  Reader reader(budget);
  if (!reader.collect(a) || !reader.collect(b)) return Agreement::kUndecided;
  reader.make_ring();
  const auto left = reader.build(a), right = reader.build(b);
  if (reader.divides_by_zero()) return Agreement::kDifferent;
  if (!left || !right) return Agreement::kUndecided;
  const auto difference = reader.ring().subtract(*left, *right, budget);
  if (!difference) return Agreement::kUndecided;
  const auto is_zero = reader.ring().is_zero(*difference, budget);
  if (!is_zero) return Agreement::kUndecided;
  if (*is_zero) return Agreement::kEqual;
  return reader.is_complete() ? Agreement::kDifferent : Agreement::kUndecided;
}

std::optional<int> proportion_of(const Node& left_a, const Node& right_a, const Node& left_b,
                                 const Node& right_b, WorkBudget& budget) {
  Reader reader(budget);
  for (const Node* side : {&left_a, &right_a, &left_b, &right_b}) {
    if (!reader.collect(*side)) return {};
  }
  reader.make_ring();
  const auto a = reader.build(left_a), minus_a = reader.build(right_a);
  const auto b = reader.build(left_b), minus_b = reader.build(right_b);
  if (!a || !minus_a || !b || !minus_b) return {};
  const auto first = reader.ring().subtract(*a, *minus_a, budget);
  const auto second = reader.ring().subtract(*b, *minus_b, budget);
  if (!first || !second) return {};
  const auto sign = reader.ring().proportion_sign(*first, *second, budget);
  if (sign && *sign == 0 && !reader.is_complete()) return {};
  return sign;
}

}  // namespace assay::verifiers
