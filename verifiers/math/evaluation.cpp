#include "verifiers/math/evaluation.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace assay::verifiers {

namespace {

Evaluation of_result(const ExactResult& result) {
  if (const auto* number = std::get_if<ExactNumber>(&result)) return {ValueKind::kExact, *number};
  switch (std::get<NumberFailure>(result)) {
    case NumberFailure::kUndefined:
      return {ValueKind::kUndefined};
    case NumberFailure::kTooLarge:
      return {ValueKind::kTooLarge};
    case NumberFailure::kIrrational:
      break;
  }
  return {ValueKind::kSymbolic};
}

using BinaryOperation = ExactResult (*)(const ExactNumber&, const ExactNumber&, WorkBudget&);

// Folds the children; a part without a value decides for the whole, the undefined before all.
Evaluation fold(const std::vector<Node>& children, BinaryOperation operation, WorkBudget& budget) {
  Evaluation total = evaluate(children.front(), budget);
  for (std::size_t i = 1; i < children.size(); ++i) {
    const Evaluation next = evaluate(children[i], budget);
    if (total.kind == ValueKind::kUndefined || next.kind == ValueKind::kUndefined) {
      return {ValueKind::kUndefined};
    }
    if (next.kind != ValueKind::kExact && total.kind == ValueKind::kExact) total = next;
    if (total.kind != ValueKind::kExact || next.kind != ValueKind::kExact) continue;
    total = of_result(operation(total.number, next.number, budget));
  }
  return total;
}

Evaluation evaluate_quotient(const Node& node, WorkBudget& budget) {
  const Evaluation top = evaluate(node.children[0], budget);
  const Evaluation bottom = evaluate(node.children[1], budget);
  const bool divides_by_zero = bottom.kind == ValueKind::kExact && bottom.number.is_zero();
  if (top.kind == ValueKind::kUndefined || bottom.kind == ValueKind::kUndefined ||
      divides_by_zero) {
    return {ValueKind::kUndefined};
  }
  if (top.kind != ValueKind::kExact) return {top.kind};
  if (bottom.kind != ValueKind::kExact) return {bottom.kind};
  return of_result(divide(top.number, bottom.number, budget));
}

// Whole numbers that fit a word, none zero; empty where one is not.
std::vector<std::int64_t> small_integers(const std::vector<ExactNumber>& numbers) {
  std::vector<std::int64_t> integers;
  for (const ExactNumber& number : numbers) {
    const auto small = number.as_small();
    if (!small || *small == 0) return {};
    integers.push_back(*small);
  }
  return integers;
}

Evaluation divisor_function(const std::vector<ExactNumber>& numbers, bool is_multiple,
                            WorkBudget& budget) {
  const std::vector<std::int64_t> integers = small_integers(numbers);
  if (integers.empty()) return {};
  ExactNumber total(std::abs(integers.front()));
  for (const std::int64_t integer : integers) {
    const auto so_far = total.as_small();
    if (!so_far) return {ValueKind::kTooLarge};
    const std::int64_t shared = std::gcd(*so_far, integer);
    if (!is_multiple) {
      total = ExactNumber(shared);
      continue;
    }
    const Evaluation next =
        of_result(multiply(total, ExactNumber(std::abs(integer / shared)), budget));
    if (next.kind != ValueKind::kExact) return next;
    total = next.number;
  }
  return {ValueKind::kExact, total};
}

// n over k for whole numbers 0 <= k <= n.
Evaluation binomial(const ExactNumber& n, const ExactNumber& k, WorkBudget& budget) {
  constexpr std::int64_t kFactorsMax = 4'000;
  const auto count = n.as_small(), chosen = k.as_small();
  if (!count || !chosen || *count < 0) return {};
  if (*chosen < 0 || *chosen > *count) return {ValueKind::kExact, ExactNumber(0)};
  const std::int64_t factors = std::min(*chosen, *count - *chosen);
  if (factors > kFactorsMax) return {ValueKind::kTooLarge};
  Evaluation total{ValueKind::kExact, ExactNumber(1)};
  for (std::int64_t i = 1; i <= factors && total.kind == ValueKind::kExact; ++i) {
    total = of_result(multiply(total.number, ExactNumber(*count - factors + i), budget));
    if (total.kind != ValueKind::kExact) break;
    total = of_result(divide(total.number, ExactNumber(i), budget));
  }
  return total;
}

// The whole number k with base^k = argument, where there is one of moderate size.
Evaluation logarithm(const ExactNumber& argument, const ExactNumber& base, WorkBudget& budget) {
  constexpr std::int64_t kExponentMax = 512;
  const ExactNumber one(1);
  if (argument.is_zero() || argument.is_negative() || base.is_zero() || base.is_negative() ||
      base == one) {
    return {ValueKind::kUndefined};
  }
  const bool is_inverse = argument < one;
  const ExactResult flipped = is_inverse ? divide(one, argument, budget) : ExactResult(argument);
  const auto* goal = std::get_if<ExactNumber>(&flipped);
  if (goal == nullptr || base < one) return {};
  ExactNumber reached = one;
  for (std::int64_t k = 0; k <= kExponentMax; ++k) {
    if (reached == *goal) return {ValueKind::kExact, ExactNumber(is_inverse ? -k : k)};
    if (*goal < reached) return {};
    const ExactResult next = multiply(reached, base, budget);
    if (std::holds_alternative<NumberFailure>(next)) return {};
    reached = std::get<ExactNumber>(next);
  }
  return {};
}

Evaluation evaluate_function(const Node& node, WorkBudget& budget) {
  std::vector<ExactNumber> numbers;
  for (const Node& child : node.children) {
    const Evaluation value = evaluate(child, budget);
    if (value.kind == ValueKind::kUndefined) return value;
    if (value.kind == ValueKind::kExact) numbers.push_back(value.number);
  }
  if (numbers.empty() || numbers.size() != node.children.size()) return {};
  const ExactNumber& first = numbers.front();
  if (node.name == "gcd" || node.name == "lcm") {
    return divisor_function(numbers, node.name == "lcm", budget);
  }
  if (node.name == "max") {
    return {ValueKind::kExact, *std::max_element(numbers.begin(), numbers.end())};
  }
  if (node.name == "min") {
    return {ValueKind::kExact, *std::min_element(numbers.begin(), numbers.end())};
  }
  if (numbers.size() == 2 && node.name == "binom") return binomial(first, numbers[1], budget);
  if (numbers.size() == 2 && node.name == "log") return logarithm(first, numbers[1], budget);
  if (numbers.size() != 1) return {};
  if (node.name == "abs") {
    return {ValueKind::kExact, first.is_negative() ? negate(first) : first};
  }
  if (node.name == "floor") return of_result(floor_of(first, budget));
  if (node.name == "ceil") {
    const Evaluation below = of_result(floor_of(negate(first), budget));
    if (below.kind != ValueKind::kExact) return below;
    return {ValueKind::kExact, negate(below.number)};
  }
  const bool is_logarithm = node.name == "ln" || node.name == "log";
  if (is_logarithm && first.is_zero()) return {ValueKind::kUndefined};
  if (is_logarithm && first == ExactNumber(1)) return {ValueKind::kExact, ExactNumber(0)};
  return {};
}

void collect(const Node& node, NodeKind kind, std::vector<std::string>& terms, WorkBudget& budget) {
  if (node.kind != kind) {
    terms.push_back(canonical_form(node, budget));
    return;
  }
  for (const Node& child : node.children) collect(child, kind, terms, budget);
}

}  // namespace

Evaluation evaluate(const Node& node, WorkBudget& budget) {
  switch (node.kind) {
    case NodeKind::kNumber:
      return {ValueKind::kExact, node.number};
    case NodeKind::kUndefined:
      return {ValueKind::kUndefined};
    case NodeKind::kSum:
      return fold(node.children, add, budget);
    case NodeKind::kProduct:
      return fold(node.children, multiply, budget);
    case NodeKind::kQuotient:
      return evaluate_quotient(node, budget);
    case NodeKind::kPower:
      return fold(node.children, power, budget);
    case NodeKind::kNegation: {
      const Evaluation value = evaluate(node.children[0], budget);
      if (value.kind != ValueKind::kExact) return value;
      return {ValueKind::kExact, negate(value.number)};
    }
    case NodeKind::kFactorial: {
      const Evaluation value = evaluate(node.children[0], budget);
      if (value.kind != ValueKind::kExact) return value;
      return of_result(factorial(value.number, budget));
    }
    case NodeKind::kFunction:
      return evaluate_function(node, budget);
    case NodeKind::kQuantity: {
      const Evaluation value = evaluate(node.children[0], budget);
      return {value.kind == ValueKind::kUndefined ? value.kind : ValueKind::kSymbolic};
    }
    default:
      return {ValueKind::kSymbolic};
  }
}

std::string canonical_form(const Node& node, WorkBudget& budget) {
  const Evaluation value = evaluate(node, budget);
  if (value.kind == ValueKind::kExact) return value.number.text();
  if (node.kind == NodeKind::kSymbol) return node.name;
  if (node.kind == NodeKind::kText) return "\"" + node.name + "\"";
  std::vector<std::string> parts;
  const bool is_commutative = node.kind == NodeKind::kSum || node.kind == NodeKind::kProduct;
  const bool is_symmetric =
      node.kind == NodeKind::kFunction &&
      (node.name == "gcd" || node.name == "lcm" || node.name == "max" || node.name == "min");
  if (is_commutative) {
    collect(node, node.kind, parts, budget);
    std::sort(parts.begin(), parts.end());
  } else {
    for (const Node& child : node.children) parts.push_back(canonical_form(child, budget));
    if (is_symmetric) std::sort(parts.begin(), parts.end());
  }
  std::string text = std::to_string(static_cast<int>(node.kind)) + node.name + "(";
  for (const std::string& part : parts) text += part + ",";
  return text + ")";
}

bool is_undefined(const Node& node, WorkBudget& budget) {
  if (node.kind == NodeKind::kUndefined) return true;
  if (evaluate(node, budget).kind == ValueKind::kUndefined) return true;
  return std::any_of(node.children.begin(), node.children.end(),
                     [&](const Node& child) { return child.kind == NodeKind::kUndefined; });
}

}  // namespace assay::verifiers
