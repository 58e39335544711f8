#include "verifiers/math/equivalence.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace assay::verifiers {

namespace {

enum class ValueKind { kExact, kUndefined, kTooLarge, kSymbolic };

struct Evaluation {
  ValueKind kind = ValueKind::kSymbolic;
  ExactNumber number = {};
};

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

Evaluation evaluate(const Node& node, WorkBudget& budget);

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
  const Evaluation divisor = evaluate(node.children[1], budget);
  if (divisor.kind == ValueKind::kExact && divisor.number.is_zero()) {
    return {ValueKind::kUndefined};
  }
  return fold(node.children, divide, budget);
}

// The exact value of a node that is a number; percent and units are not evaluated here.
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
    case NodeKind::kFunction: {
      const Evaluation value = evaluate(node.children[0], budget);
      if (value.kind == ValueKind::kUndefined) return value;
      if (node.name != "abs" || value.kind != ValueKind::kExact) return {ValueKind::kSymbolic};
      return {ValueKind::kExact, value.number.is_negative() ? negate(value.number) : value.number};
    }
    case NodeKind::kQuantity: {
      const Evaluation value = evaluate(node.children[0], budget);
      return {value.kind == ValueKind::kUndefined ? value.kind : ValueKind::kSymbolic};
    }
    default:
      return {ValueKind::kSymbolic};
  }
}

void collect(const Node& node, NodeKind kind, std::vector<std::string>& terms, WorkBudget& budget);

// A text that equal forms share: numbers evaluated, sums and products in one order. Equal texts
// prove equality; different ones prove nothing.
std::string canonical(const Node& node, WorkBudget& budget) {
  const Evaluation value = evaluate(node, budget);
  if (value.kind == ValueKind::kExact) return value.number.text();
  if (node.kind == NodeKind::kSymbol) return node.name;
  if (node.kind == NodeKind::kText) return "\"" + node.name + "\"";
  std::vector<std::string> parts;
  const bool is_commutative = node.kind == NodeKind::kSum || node.kind == NodeKind::kProduct;
  if (is_commutative) {
    collect(node, node.kind, parts, budget);
    std::sort(parts.begin(), parts.end());
  } else {
    for (const Node& child : node.children) parts.push_back(canonical(child, budget));
  }
  std::string text = std::to_string(static_cast<int>(node.kind)) + node.name + "(";
  for (const std::string& part : parts) text += part + ",";
  return text + ")";
}

void collect(const Node& node, NodeKind kind, std::vector<std::string>& terms, WorkBudget& budget) {
  if (node.kind != kind) {
    terms.push_back(canonical(node, budget));
    return;
  }
  for (const Node& child : node.children) collect(child, kind, terms, budget);
}

bool is_name(const Node& node) {
  if (node.kind == NodeKind::kSymbol || node.kind == NodeKind::kText) return true;
  // f(x), AB, W(n), V_1 : V_2: letters only.
  const bool is_applied = node.kind == NodeKind::kProduct || node.kind == NodeKind::kFunction;
  return is_applied && std::all_of(node.children.begin(), node.children.end(), is_name);
}

// The value that a chain of relations settles on: x = 5+5+1 = 1/3 \approx 0.33 is 1/3. An equation
// between two expressions stays an equation.
const Node& settled(const Node& node) {
  if (node.kind != NodeKind::kRelation) return node;
  std::size_t last = node.name.find(kRoughly);
  if (last == std::string::npos) last = node.name.size();
  if (last == 0) return node.children[0];
  const bool is_chain = node.name.substr(0, last).find_first_not_of(kEquals) == std::string::npos;
  if (node.name[0] == kElementOf && last == 1 && is_name(node.children[0])) return node.children[1];
  if (!is_chain) return node;
  WorkBudget budget;
  const bool has_value_first = evaluate(node.children[0], budget).kind == ValueKind::kExact &&
                               evaluate(node.children[last], budget).kind == ValueKind::kExact;
  if (is_name(node.children[0]) || last >= 2 || has_value_first) return node.children[last];
  return node;
}

// a +- b as the two values it means.
Node spread(const Node& node) {
  Node list;
  list.kind = NodeKind::kList;
  for (const bool is_minus : {false, true}) {
    Node sum;
    sum.kind = NodeKind::kSum;
    sum.children.push_back(node.children[0]);
    if (is_minus) {
      Node negation;
      negation.kind = NodeKind::kNegation;
      negation.children.push_back(node.children[1]);
      sum.children.push_back(std::move(negation));
    } else {
      sum.children.push_back(node.children[1]);
    }
    list.children.push_back(std::move(sum));
  }
  return list;
}

class Comparison {
 public:
  Comparison(const EquivalenceOptions& options, WorkBudget& budget)
      : options_(options), budget_(budget) {}

  Agreement compare(const Node& given_reference, const Node& given_answer) {
    const Node& reference = settled(given_reference);
    const Node& answer = settled(given_answer);
    if (reference.kind == NodeKind::kPlusMinus) return compare(spread(reference), answer);
    if (answer.kind == NodeKind::kPlusMinus) return compare(reference, spread(answer));
    if (reference.kind == NodeKind::kQuantity || answer.kind == NodeKind::kQuantity) {
      return compare_quantities(reference, answer);
    }
    if (reference.kind == NodeKind::kList || answer.kind == NodeKind::kList) {
      return compare_lists(reference, answer);
    }
    if (reference.kind == NodeKind::kMatrix && answer.kind == NodeKind::kMatrix) {
      return compare_in_order(reference.children, answer.children);
    }
    if (reference.kind == NodeKind::kRelation && answer.kind == NodeKind::kRelation) {
      return compare_relations(reference, answer);
    }
    return compare_values(reference, answer);
  }

 private:
  Agreement compare_values(const Node& reference, const Node& answer) {
    const Evaluation expected = evaluate(reference, budget_);
    const Evaluation given = evaluate(answer, budget_);
    if (expected.kind == ValueKind::kUndefined || given.kind == ValueKind::kUndefined) {
      return Agreement::kDifferent;
    }
    if (expected.kind == ValueKind::kExact && given.kind == ValueKind::kExact) {
      if (expected.number == given.number) return Agreement::kEqual;
      return is_rounding(answer, given.number, expected.number) ? Agreement::kEqual
                                                                : Agreement::kDifferent;
    }
    if (canonical(reference, budget_) == canonical(answer, budget_)) return Agreement::kEqual;
    if (without_letter_unit(answer) && expected.kind == ValueKind::kExact) {
      return compare_values(reference, *without_letter_unit(answer));
    }
    if (is_plain(reference) && is_plain(answer)) return Agreement::kDifferent;
    if (reference.kind == NodeKind::kRelation || answer.kind == NodeKind::kRelation) {
      return Agreement::kDifferent;  // an equation is not a value
    }
    return Agreement::kUndecided;
  }

  // A number, a symbol or words: two of them that differ in form differ.
  bool is_plain(const Node& node) {
    return node.kind == NodeKind::kSymbol || node.kind == NodeKind::kText ||
           evaluate(node, budget_).kind == ValueKind::kExact;
  }

  // 1,000.99 m^2 reads as a product; with a number as reference the letter can only be a unit.
  static const Node* without_letter_unit(const Node& node) {
    constexpr std::string_view kLetters = "mgslLNJWVAKC";
    if (node.kind != NodeKind::kProduct || node.children.size() != 2) return nullptr;
    const Node& last = node.children[1];
    const Node& letter = last.kind == NodeKind::kPower ? last.children[0] : last;
    const bool is_unit = letter.kind == NodeKind::kSymbol && letter.name.size() == 1 &&
                         kLetters.find(letter.name[0]) != std::string_view::npos;
    return is_unit && node.children[0].kind == NodeKind::kNumber ? &node.children[0] : nullptr;
  }

  // Whether a decimal answer is the reference rounded to the decimals it has.
  bool is_rounding(const Node& answer, const ExactNumber& given, const ExactNumber& expected) {
    const Node& written = answer.kind == NodeKind::kNegation ? answer.children[0] : answer;
    constexpr int kLeastDigits = 4;
    if (options_.float_digits <= 0 || written.kind != NodeKind::kNumber || written.decimals < 1 ||
        written.digits < kLeastDigits || expected.is_terminating()) {
      return false;
    }
    const int decimals = std::min(options_.float_digits, written.decimals);
    const ExactResult rounded_answer = rounded(given, decimals, budget_);
    const ExactResult rounded_reference = rounded(expected, decimals, budget_);
    const auto* first = std::get_if<ExactNumber>(&rounded_answer);
    const auto* second = std::get_if<ExactNumber>(&rounded_reference);
    return first != nullptr && second != nullptr && *first == *second;
  }

  Agreement compare_quantities(const Node& reference, const Node& answer) {
    const bool has_unit = reference.kind == NodeKind::kQuantity;
    const bool has_given_unit = answer.kind == NodeKind::kQuantity;
    const Node& expected = has_unit ? reference.children[0] : reference;
    const Node& given = has_given_unit ? answer.children[0] : answer;
    const Agreement bare = compare(expected, given);
    if (has_unit && has_given_unit) {
      if (reference.name == answer.name) return bare;
      const bool is_one_percent = (reference.name == "%") != (answer.name == "%");
      return bare == Agreement::kEqual && !is_one_percent ? Agreement::kUndecided
                                                          : Agreement::kDifferent;
    }
    if (bare == Agreement::kEqual) return bare;
    const std::string& unit = has_unit ? reference.name : answer.name;
    if (unit != "%") return bare;
    // 50% is also the number 0.5.
    return compare(has_unit ? hundredth(expected) : expected,
                   has_given_unit ? hundredth(given) : given);
  }

  static Node hundredth(const Node& node) {
    Node hundred;
    hundred.kind = NodeKind::kNumber;
    hundred.number = ExactNumber(100);
    Node quotient;
    quotient.kind = NodeKind::kQuotient;
    quotient.children.push_back(node);
    quotient.children.push_back(std::move(hundred));
    return quotient;
  }

  static bool is_unordered(const Node& list) { return list.name.empty() || list.name == "{}"; }

  Agreement compare_lists(const Node& reference, const Node& answer) {
    if (reference.kind != NodeKind::kList || answer.kind != NodeKind::kList) {
      const Node& list = reference.kind == NodeKind::kList ? reference : answer;
      const Node& other = reference.kind == NodeKind::kList ? answer : reference;
      if (options_.compares_sets_with_relations && other.kind == NodeKind::kRelation) {
        return compare_interval(list, other);
      }
      if (list.name == "{}" && list.children.size() == 1) {
        return reference.kind == NodeKind::kList ? compare(reference.children[0], answer)
                                                 : compare(reference, answer.children[0]);
      }
      const bool is_settled = is_plain(other) || other.kind == NodeKind::kRelation;
      return is_settled ? Agreement::kDifferent : Agreement::kUndecided;
    }
    if (is_unordered(reference) && is_unordered(answer)) {
      return compare_as_sets(reference.children, answer.children);
    }
    const bool has_one_bare = reference.name.empty() || answer.name.empty();
    if (reference.name != answer.name && !has_one_bare) return Agreement::kDifferent;
    return compare_in_order(reference.children, answer.children);
  }

  Agreement compare_in_order(const std::vector<Node>& expected, const std::vector<Node>& given) {
    if (expected.size() != given.size()) return Agreement::kDifferent;
    Agreement worst = Agreement::kEqual;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const Agreement agreement = compare(expected[i], given[i]);
      if (agreement == Agreement::kDifferent) return agreement;
      if (agreement == Agreement::kUndecided) worst = agreement;
    }
    return worst;
  }

  // Each element of one side must equal some element of the other; repeats do not count.
  Agreement compare_as_sets(const std::vector<Node>& expected, const std::vector<Node>& given) {
    constexpr std::size_t kPairsMax = 10'000;
    if (expected.size() * given.size() > kPairsMax) return Agreement::kUndecided;
    std::vector<bool> is_matched(given.size(), false);
    bool is_decided = true;
    for (const Node& element : expected) {
      bool is_found = false;
      for (std::size_t i = 0; i < given.size(); ++i) {
        const Agreement agreement = compare(element, given[i]);
        is_found = is_found || agreement == Agreement::kEqual;
        is_matched[i] = is_matched[i] || agreement == Agreement::kEqual;
        is_decided = is_decided && agreement != Agreement::kUndecided;
      }
      if (!is_found) return is_decided ? Agreement::kDifferent : Agreement::kUndecided;
    }
    const bool is_covered =
        std::find(is_matched.begin(), is_matched.end(), false) == is_matched.end();
    if (is_covered) return Agreement::kEqual;
    return is_decided ? Agreement::kDifferent : Agreement::kUndecided;
  }

  // Relations point the same way: 5 > x is x < 5.
  static std::pair<std::string, std::vector<Node>> oriented(const Node& relation) {
    std::string operators = relation.name;
    std::vector<Node> sides = relation.children;
    if (operators.find_first_not_of(std::string{kGreater, kAtLeast}) == std::string::npos) {
      std::reverse(operators.begin(), operators.end());
      std::reverse(sides.begin(), sides.end());
      for (char& letter : operators) letter = letter == kGreater ? kLess : kAtMost;
    }
    return {operators, sides};
  }

  Agreement compare_relations(const Node& reference, const Node& answer) {
    const auto [operators, sides] = oriented(reference);
    const auto [given_operators, given_sides] = oriented(answer);
    const bool is_symmetric = operators == "=" || operators == "n";
    if (operators == given_operators) {
      const Agreement straight = compare_in_order(sides, given_sides);
      if (straight == Agreement::kEqual) return straight;
      if (is_symmetric &&
          compare_in_order({sides[1], sides[0]}, given_sides) == Agreement::kEqual) {
        return Agreement::kEqual;
      }
      // Both about the same name: then the bounds decide.
      return is_name(sides[0]) && is_name(given_sides[0]) ? straight : Agreement::kUndecided;
    }
    return Agreement::kUndecided;
  }

  // [-2,7] against -2 <= x <= 7.
  Agreement compare_interval(const Node& interval, const Node& relation) {
    const auto [operators, sides] = oriented(relation);
    if (operators.size() != 2 || interval.children.size() != 2 || interval.name.size() != 2) {
      return Agreement::kUndecided;
    }
    const std::string brackets = {operators[0] == kLess ? '(' : '[',
                                  operators[1] == kLess ? ')' : ']'};
    if (brackets != interval.name || !is_name(sides[1])) return Agreement::kDifferent;
    return compare_in_order(interval.children, {sides[0], sides[2]});
  }

  const EquivalenceOptions& options_;
  WorkBudget& budget_;
};

}  // namespace

Agreement compare_answers(const Node& reference, const Node& answer,
                          const EquivalenceOptions& options, WorkBudget& budget) {
  return Comparison(options, budget).compare(reference, answer);
}

bool is_undefined(const Node& node, WorkBudget& budget) {
  if (node.kind == NodeKind::kUndefined) return true;
  if (evaluate(node, budget).kind == ValueKind::kUndefined) return true;
  return std::any_of(node.children.begin(), node.children.end(),
                     [&](const Node& child) { return child.kind == NodeKind::kUndefined; });
}

}  // namespace assay::verifiers
