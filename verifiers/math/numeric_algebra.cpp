#include "verifiers/math/numeric_algebra.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/digest.h"
#include "runtime/core/rng.h"
#include "verifiers/math/evaluation.h"
#include "verifiers/math/flint_fence.h"

namespace assay::verifiers {

namespace {

constexpr std::array<int, 3> kPrecisions = {128, 256, 512};  // bits
constexpr std::size_t kPointsWanted = 12;
constexpr std::size_t kPointsLeast = 8;
constexpr std::size_t kCandidates = 40;
constexpr int kPointShift = 48;  // points are whole multiples of 2^-48
// The base of a logarithm that names none: a letter above 1, so that log 100 is 2 for nobody.
constexpr std::string_view kLogBase = "log base";

// What is in an expression, as far as evaluating it is concerned.
struct Contents {
  std::set<std::string> variables;
  bool has_imaginary_unit = false;
  bool is_number = true;
};

void look_into(const Node& node, Contents& contents) {
  switch (node.kind) {
    case NodeKind::kSymbol:
      if (node.name == "infty") contents.is_number = false;
      if (node.name == "i") contents.has_imaginary_unit = true;
      if (node.name != "i" && node.name != "pi" && node.name != "e") {
        contents.variables.insert(node.name);
      }
      break;
    case NodeKind::kFunction:
      if (node.name == "log" && node.children.size() == 1) {
        contents.variables.insert(std::string(kLogBase));
      }
      break;
    case NodeKind::kQuantity:
      contents.is_number = contents.is_number && (node.name == "degree" || node.name == "%");
      break;
    case NodeKind::kText:
    case NodeKind::kUndefined:
    case NodeKind::kPlusMinus:
    case NodeKind::kList:
    case NodeKind::kMatrix:
    case NodeKind::kUnion:
    case NodeKind::kRelation:
      contents.is_number = false;
      break;
    default:
      break;
  }
  for (const Node& child : node.children) look_into(child, contents);
}

// Values of the variables, each a multiple of 2^-kPointShift.
struct Point {
  std::vector<std::pair<std::string, std::int64_t>> values;

  std::optional<std::int64_t> find(std::string_view name) const {
    for (const auto& [variable, value] : values) {
      if (variable == name) return value;
    }
    return {};
  }
};

// Four kinds of points in turn: small and positive, small of any sign, large and positive, large of
// any sign. Small is inside (0, 1), for arcsines; large inside (1, 8).
Point real_point(const std::set<std::string>& variables, std::size_t index, Rng& rng) {
  constexpr std::int64_t kUnit = std::int64_t{1} << kPointShift;
  Point point;
  for (const std::string& name : variables) {
    const bool is_large = index % 4 >= 2 || name == kLogBase;
    const auto fraction = static_cast<std::int64_t>(rng.below(kUnit - 2)) + 1;
    const std::int64_t size =
        is_large ? kUnit + fraction * 7 : fraction / 2 + kUnit / 8;  // off 0, off the integers
    const bool is_negative = index % 2 == 1 && name != kLogBase && rng.next_bool(0.6);
    point.values.emplace_back(name, is_negative ? -size : size);
  }
  return point;
}

Point whole_point(const std::set<std::string>& variables, Rng& rng) {
  constexpr std::uint64_t kLargest = 60;
  Point point;
  for (const std::string& name : variables) {
    const auto value = static_cast<std::int64_t>(rng.below(kLargest)) + (name == kLogBase ? 2 : 1);
    point.values.emplace_back(name, value << kPointShift);
  }
  return point;
}

class Evaluator {
 public:
  Evaluator(const Point& point, int precision, bool is_real, WorkBudget& budget)
      : point_(point), field_(precision, is_real, budget), budget_(budget) {}

  const BallField& field() const { return field_; }

  std::optional<Ball> value(const Node& node) const {
    if (!budget_.take(50)) return {};
    switch (node.kind) {
      case NodeKind::kNumber:
        return field_.number(node.number);
      case NodeKind::kSymbol:
        return symbol(node.name);
      case NodeKind::kSum:
        return fold(node, &BallField::add);
      case NodeKind::kProduct:
        return fold(node, &BallField::multiply);
      case NodeKind::kQuotient:
        return fold(node, &BallField::divide);
      case NodeKind::kNegation: {
        const auto negated = value(node.children[0]);
        if (!negated) return {};
        return field_.negate(*negated);
      }
      case NodeKind::kPower:
        return power(node);
      case NodeKind::kFactorial:
        return successor_gamma(value(node.children[0]));
      case NodeKind::kFunction:
        return function(node);
      case NodeKind::kQuantity:
        return quantity(node);
      default:
        return {};
    }
  }

 private:
  std::optional<Ball> symbol(const std::string& name) const {
    if (name == "pi") return field_.pi();
    if (name == "e") return field_.e();
    if (name == "i") {
      if (const auto unit = field_.imaginary_unit()) return unit;
    }
    const auto value = point_.find(name);
    if (!value) return {};
    return field_.dyadic(*value, kPointShift);
  }

  using Operation = std::optional<Ball> (BallField::*)(const Ball&, const Ball&) const;
  std::optional<Ball> fold(const Node& node, Operation operation) const {
    std::optional<Ball> total = value(node.children.front());
    for (std::size_t i = 1; i < node.children.size() && total; ++i) {
      const auto next = value(node.children[i]);
      if (!next) return {};
      total = (field_.*operation)(*total, *next);
    }
    return total;
  }

  std::optional<Ball> power(const Node& node) const {
    const Evaluation exponent = evaluate(node.children[1], budget_);
    const auto base = value(node.children[0]);
    if (!base) return {};
    if (exponent.kind == ValueKind::kExact) {
      const auto degree = exponent.number.denominator().as_small();
      if (!degree) return {};
      const ExactResult scaled = multiply(exponent.number, ExactNumber(*degree), budget_);
      const auto* times = std::get_if<ExactNumber>(&scaled);
      if (times == nullptr || !times->as_small()) return {};
      if (*degree == 1) return field_.integer_power(*base, *times->as_small());
      const auto root = field_.root(*base, static_cast<std::uint64_t>(*degree));
      if (!root) return {};
      return field_.integer_power(*root, *times->as_small());
    }
    if (const auto whole = whole_value(node.children[1])) {
      return field_.integer_power(*base, *whole);
    }
    const auto other = value(node.children[1]);
    if (!other) return {};
    return field_.power(*base, *other);
  }

  // A variable that stands for a whole number at this point: (-1)^n has a value there.
  std::optional<std::int64_t> whole_value(const Node& exponent) const {
    if (exponent.kind == NodeKind::kSymbol) {
      const auto value = point_.find(exponent.name);
      constexpr std::int64_t kMask = (std::int64_t{1} << kPointShift) - 1;
      if (!value || (*value & kMask) != 0) return {};
      return *value >> kPointShift;
    }
    if (exponent.kind == NodeKind::kNumber) return exponent.number.as_small();
    std::vector<std::int64_t> parts;
    for (const Node& child : exponent.children) {
      const auto part = whole_value(child);
      if (!part || std::abs(*part) > 100'000) return {};
      parts.push_back(*part);
    }
    if (parts.empty() || parts.size() > 8) return {};
    std::int64_t total = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) {
      total = exponent.kind == NodeKind::kProduct ? total * parts[i] : total + parts[i];
      if (std::abs(total) > 100'000) return {};
    }
    if (exponent.kind == NodeKind::kNegation) return -total;
    const bool is_known = exponent.kind == NodeKind::kSum || exponent.kind == NodeKind::kProduct;
    return is_known ? std::optional(total) : std::nullopt;
  }

  std::optional<Ball> successor_gamma(const std::optional<Ball>& argument) const {
    const auto one = field_.number(ExactNumber(1));
    if (!argument || !one) return {};
    const auto next = field_.add(*argument, *one);
    if (!next) return {};
    return field_.function("Gamma", *next);
  }

  std::optional<Ball> logarithm(const Ball& argument, const Node& node) const {
    const auto base =
        node.children.size() == 2 ? value(node.children[1]) : symbol(std::string(kLogBase));
    const auto top = field_.function("ln", argument);
    if (!base || !top) return {};
    const auto bottom = field_.function("ln", *base);
    if (!bottom) return {};
    return field_.divide(*top, *bottom);
  }

  std::optional<Ball> binomial(const Ball& n, const Node& node) const {
    const auto k = value(node.children[1]);
    if (!k) return {};
    const auto minus_k = field_.negate(*k);
    const auto rest = field_.add(n, *minus_k);
    const auto top = successor_gamma(n), first = successor_gamma(k);
    const auto second = successor_gamma(rest);
    if (!top || !first || !second) return {};
    const auto bottom = field_.multiply(*first, *second);
    if (!bottom) return {};
    return field_.divide(*top, *bottom);
  }

  std::optional<Ball> function(const Node& node) const {
    const Evaluation exact = evaluate(node, budget_);
    if (exact.kind == ValueKind::kExact) return field_.number(exact.number);
    if (node.children.empty() || node.children.size() > 2) return {};
    const auto argument = value(node.children[0]);
    if (!argument) return {};
    if (node.name == "log") return logarithm(*argument, node);
    if (node.children.size() == 2) {
      return node.name == "binom" ? binomial(*argument, node) : std::nullopt;
    }
    return field_.function(node.name, *argument);
  }

  std::optional<Ball> quantity(const Node& node) const {
    const auto amount = value(node.children[0]);
    const auto divisor = field_.number(ExactNumber(node.name == "%" ? 100 : 180));
    if (!amount || !divisor) return {};
    const auto part = field_.divide(*amount, *divisor);
    const auto pi = field_.pi();
    if (!part || !pi || node.name == "%") return part;
    return field_.multiply(*part, *pi);
  }

  const Point& point_;
  BallField field_;
  WorkBudget& budget_;
};

// What the balls of both sides say at one point; nothing where a side has no value there.
std::optional<BallOrder> order_at(const Node& reference, const Node& answer, const Point& point,
                                  int precision, bool is_real, WorkBudget& budget) {
  const Evaluator evaluator(point, precision, is_real, budget);
  const auto expected = evaluator.value(reference);
  if (!expected) return {};
  const auto given = evaluator.value(answer);
  if (!given) return {};
  return evaluator.field().order(*expected, *given);
}

// The same with the precision raised until the balls tell.
Agreement agreement_at(const Node& reference, const Node& answer, const Point& point, bool is_real,
                       WorkBudget& budget) {
  for (const int precision : kPrecisions) {
    const auto order = order_at(reference, answer, point, precision, is_real, budget);
    if (order == BallOrder::kApart) return Agreement::kDifferent;
    if (order == BallOrder::kTogether) return Agreement::kEqual;
  }
  return Agreement::kUndecided;
}

// Draws points until enough of them have a value on both sides. Cheap balls refute first; only when
// none does is the precision raised.
Agreement compare_at_points(const Node& reference, const Node& answer,
                            const std::set<std::string>& variables, bool is_real, bool is_whole,
                            Rng& rng, WorkBudget& budget) {
  std::vector<Point> points;
  for (std::size_t i = 0; i < kCandidates && points.size() < kPointsWanted; ++i) {
    Point point = is_whole ? whole_point(variables, rng) : real_point(variables, i, rng);
    const auto order = order_at(reference, answer, point, kPrecisions[0], is_real, budget);
    if (order == BallOrder::kApart) return Agreement::kDifferent;
    if (order) points.push_back(std::move(point));
  }
  if (points.size() < kPointsLeast) return Agreement::kUndecided;
  for (const Point& point : points) {
    const Agreement agreement = agreement_at(reference, answer, point, is_real, budget);
    if (agreement != Agreement::kEqual) return agreement;
  }
  return Agreement::kEqual;
}

}  // namespace

Agreement compare_numerically(const Node& reference, const Node& answer, std::string_view seed_text,
                              WorkBudget& budget) {
  Contents contents;
  look_into(reference, contents);
  look_into(answer, contents);
  if (!contents.is_number) return Agreement::kUndecided;
  const bool is_real = !contents.has_imaginary_unit;
  if (contents.variables.empty()) {
    const Agreement real = agreement_at(reference, answer, {}, is_real, budget);
    if (real != Agreement::kUndecided || !is_real) return real;
    return agreement_at(reference, answer, {}, false, budget);
  }
  Rng rng(sha256(seed_text).leading_u64());
  const Agreement agreement =
      compare_at_points(reference, answer, contents.variables, is_real, false, rng, budget);
  if (agreement != Agreement::kUndecided) return agreement;
  return compare_at_points(reference, answer, contents.variables, is_real, true, rng, budget);
}

bool rounds_to(const Node& constant, const ExactNumber& decimal, int decimals, WorkBudget& budget) {
  Contents contents;
  look_into(constant, contents);
  if (!contents.is_number || !contents.variables.empty() || contents.has_imaginary_unit) {
    return false;
  }
  const Point nowhere;
  const Evaluator evaluator(nowhere, kPrecisions[1], true, budget);
  const auto value = evaluator.value(constant);
  return value && evaluator.field().rounds_to(*value, decimal, decimals);
}

}  // namespace assay::verifiers
