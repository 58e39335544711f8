#include "verifiers/math/equivalence.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "verifiers/math/answer_names.h"
#include "verifiers/math/evaluation.h"
#include "verifiers/math/exact_algebra.h"
#include "verifiers/math/expression_parser.h"
#include "verifiers/math/matrix_algebra.h"
#include "verifiers/math/number_sets.h"
#include "verifiers/math/numeric_algebra.h"
#include "verifiers/math/units.h"

namespace assay::verifiers {

namespace {

bool has_spread(const Node& node) {
  return node.kind == NodeKind::kPlusMinus ||
         std::any_of(node.children.begin(), node.children.end(), has_spread);
}

// The node with every a +- b, wherever it stands, as a + b or as a - b.
Node with_sign(const Node& node, bool is_minus) {
  Node copy = node;
  for (Node& child : copy.children) child = with_sign(child, is_minus);
  if (copy.kind != NodeKind::kPlusMinus) return copy;
  Node second = std::move(copy.children[1]);
  if (is_minus) second = make_node(NodeKind::kNegation, nodes_of(std::move(second)));
  return make_node(NodeKind::kSum, nodes_of(std::move(copy.children[0]), std::move(second)));
}

// The two values that a +- b means. Inside a list each element is spread by itself.
Node spread(const Node& node) {
  if (node.kind == NodeKind::kList && (node.name.empty() || node.name == "{}")) {
    Node list = make_node(NodeKind::kList, {}, node.name);
    for (const Node& element : node.children) {
      list.children.push_back(with_sign(element, false));
      if (has_spread(element)) list.children.push_back(with_sign(element, true));
    }
    return list;
  }
  return make_node(NodeKind::kList, nodes_of(with_sign(node, false), with_sign(node, true)));
}

// Words that say the same: no solution and the empty set; undefined and does not exist.
std::string meaning_of(const Node& text) {
  constexpr std::array<std::string_view, 9> kNothing = {
      "none",          "no solution",       "no solutions",         "no real solution", "empty set",
      "the empty set", "no real solutions", "there is no solution", "no such number"};
  constexpr std::array<std::string_view, 4> kNoValue = {"undefined", "dne", "does not exist",
                                                        "not defined"};
  if (std::find(kNothing.begin(), kNothing.end(), text.name) != kNothing.end()) return "none";
  if (std::find(kNoValue.begin(), kNoValue.end(), text.name) != kNoValue.end()) return "undefined";
  return text.name;
}

bool says_all_reals(const Node& node) {
  return node.kind == NodeKind::kText &&
         (node.name == "all real numbers" || node.name == "all reals" ||
          node.name == "all real number" || node.name == "any real number");
}

bool is_unordered(const Node& list) {
  return list.name.empty() || list.name == "{}";
}

class Comparison {
 public:
  Comparison(const EquivalenceOptions& options, std::string_view seed_text, WorkBudget& budget)
      : options_(options), seed_text_(seed_text), budget_(budget) {}

  Agreement compare(const Node& given_reference, const Node& given_answer) {
    if (names_conflict(given_reference, given_answer, is_in_list_, budget_))
      return Agreement::kDifferent;
    const Node& reference = settled(given_reference, budget_);
    const Node& answer = settled(given_answer, budget_);
    // y = 2x + 3 against 2x - y + 3 = 0: only one of them is about y alone.
    if (is_equation(given_reference) && is_equation(given_answer) &&
        (&reference == &given_reference || &answer == &given_answer)) {
      return compare_relations(given_reference, given_answer);
    }
    if (says_all_reals(reference)) return compare(make_named(NodeKind::kSymbol, "R"), answer);
    if (says_all_reals(answer)) return compare(reference, make_named(NodeKind::kSymbol, "R"));
    if (has_spread(reference)) return compare(spread(reference), answer);
    if (has_spread(answer)) return compare(reference, spread(answer));
    if (reference.kind == NodeKind::kQuantity || answer.kind == NodeKind::kQuantity) {
      return compare_quantities(reference, answer);
    }
    if (reference.kind == NodeKind::kRatio || answer.kind == NodeKind::kRatio) {
      return compare_ratios(reference, answer);
    }
    if (may_be_number_set(reference) && may_be_number_set(answer)) {
      return compare_number_sets(reference, answer);
    }
    if (reference.kind == NodeKind::kList || answer.kind == NodeKind::kList) {
      return compare_lists(reference, answer);
    }
    if (const auto matrices = compare_matrices(reference, answer)) return *matrices;
    if (reference.kind == NodeKind::kRelation && answer.kind == NodeKind::kRelation) {
      return compare_relations(reference, answer);
    }
    return compare_values(reference, answer);
  }

  bool is_numeric() const { return is_numeric_; }

 private:
  static bool is_equation(const Node& node) {
    return node.kind == NodeKind::kRelation && node.name == std::string(1, kEquals);
  }

  Agreement compare_values(const Node& reference, const Node& answer) {
    const Evaluation expected = evaluate(reference, budget_);
    const Evaluation given = evaluate(answer, budget_);
    if (expected.kind == ValueKind::kUndefined || given.kind == ValueKind::kUndefined) {
      return Agreement::kDifferent;
    }
    if (expected.kind == ValueKind::kExact && given.kind == ValueKind::kExact) {
      if (expected.number == given.number) return Agreement::kEqual;
      return is_rounding(reference, answer) ? Agreement::kEqual : Agreement::kDifferent;
    }
    if (reference.kind == NodeKind::kText || answer.kind == NodeKind::kText) {
      if (const auto product = letters_of(reference, answer)) return compare(reference, *product);
      if (const auto product = letters_of(answer, reference)) return compare(*product, answer);
      const bool is_same =
          reference.kind == answer.kind && meaning_of(reference) == meaning_of(answer);
      return is_same ? Agreement::kEqual : Agreement::kDifferent;
    }
    if (canonical_form(reference, budget_) == canonical_form(answer, budget_)) {
      return Agreement::kEqual;
    }
    if (without_letter_unit(answer) && expected.kind == ValueKind::kExact) {
      return compare_values(reference, *without_letter_unit(answer));
    }
    if (reference.kind == NodeKind::kRelation || answer.kind == NodeKind::kRelation) {
      return Agreement::kDifferent;  // an equation is not a value
    }
    if (is_plain(reference) && is_plain(answer) && !is_decimal(answer) && !is_decimal(reference)) {
      return Agreement::kDifferent;
    }
    return compare_expressions(reference, answer);
  }

  // The ladder beyond exact numbers: algebra, then balls.
  Agreement compare_expressions(const Node& reference, const Node& answer) {
    const Agreement exact = compare_exactly(reference, answer, budget_);
    if (exact == Agreement::kEqual) return exact;
    if (is_rounding(reference, answer)) return Agreement::kEqual;
    if (exact == Agreement::kDifferent) return exact;
    const Agreement numeric = compare_numerically(reference, answer, seed_text_, budget_);
    is_numeric_ = is_numeric_ || numeric == Agreement::kEqual;
    return numeric;
  }

  // A number or a symbol: two of them that differ in form differ.
  bool is_plain(const Node& node) {
    return node.kind == NodeKind::kSymbol || evaluate(node, budget_).kind == ValueKind::kExact;
  }

  // "abc" by itself reads as a word; against a product of letters it is one too.
  static std::optional<Node> letters_of(const Node& product, const Node& text) {
    constexpr std::size_t kLettersMax = 4;
    if (product.kind != NodeKind::kProduct || text.kind != NodeKind::kText ||
        text.name.size() > kLettersMax || text.name.find(' ') != std::string::npos) {
      return {};
    }
    std::vector<Node> letters;
    for (const char letter : text.name) {
      letters.push_back(make_named(NodeKind::kSymbol, std::string(1, letter)));
    }
    return make_node(NodeKind::kProduct, std::move(letters));
  }

  // 12 m, which reads as a product, as the quantity that it is beside a unit of the reference.
  static std::optional<Node> as_quantity(const Node& node) {
    const Node* amount = without_letter_unit(node);
    if (amount == nullptr) return {};
    const Node& last = node.children[1];
    const bool is_power = last.kind == NodeKind::kPower;
    std::string unit = is_power ? last.children[0].name : last.name;
    if (unit == "L") unit = "l";
    if (is_power && last.children[1].kind == NodeKind::kNumber) {
      unit += "^" + last.children[1].number.text();
    }
    return make_node(NodeKind::kQuantity, nodes_of(*amount), std::move(unit));
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

  static const Node& without_sign(const Node& node) {
    return node.kind == NodeKind::kNegation ? node.children[0] : node;
  }

  static bool is_decimal(const Node& node) {
    constexpr int kLeastDigits = 4;
    const Node& written = without_sign(node);
    return written.kind == NodeKind::kNumber && written.decimals >= 1 &&
           written.digits >= kLeastDigits;
  }

  // Whether a decimal answer is the reference rounded to the decimals it has, or an exact answer
  // rounds to a decimal reference at float_digits.
  bool is_rounding(const Node& reference, const Node& answer) {
    if (options_.float_digits <= 0 || is_decimal(reference) == is_decimal(answer)) return false;
    const bool is_answer = is_decimal(answer);
    const Node& decimal = is_answer ? answer : reference;
    const Node& value = is_answer ? reference : answer;
    const int decimals = is_answer ? std::min(options_.float_digits, without_sign(decimal).decimals)
                                   : options_.float_digits;
    const ExactNumber number = evaluate(decimal, budget_).number;
    const Evaluation exact = evaluate(value, budget_);
    if (exact.kind == ValueKind::kSymbolic) {
      const ExactResult rounded_decimal = rounded(number, decimals, budget_);
      const auto* goal = std::get_if<ExactNumber>(&rounded_decimal);
      return goal != nullptr && rounds_to(value, *goal, decimals, budget_);
    }
    if (exact.kind != ValueKind::kExact || exact.number.is_terminating()) return false;
    const ExactResult rounded_decimal = rounded(number, decimals, budget_);
    const ExactResult rounded_value = rounded(exact.number, decimals, budget_);
    const auto* first = std::get_if<ExactNumber>(&rounded_decimal);
    const auto* second = std::get_if<ExactNumber>(&rounded_value);
    return first != nullptr && second != nullptr && *first == *second;
  }

  Agreement compare_quantities(const Node& reference, const Node& answer) {
    const bool has_unit = reference.kind == NodeKind::kQuantity;
    const bool has_given_unit = answer.kind == NodeKind::kQuantity;
    const Node& expected = has_unit ? reference.children[0] : reference;
    const Node& given = has_given_unit ? answer.children[0] : answer;
    if (has_unit && has_given_unit) return compare_units(reference, answer);
    if (has_unit && as_quantity(answer)) return compare_units(reference, *as_quantity(answer));
    if (!has_unit && as_quantity(reference)) {
      return compare_units(*as_quantity(reference), answer);
    }
    // 0.25% is a quarter of a hundredth, never a quarter; but 25% may stand for 25.
    const bool is_fraction_of_percent = !has_unit && answer.name == "%" && is_below_one(expected);
    if (is_fraction_of_percent) return compare(expected, over(given, 100));
    const Agreement bare = compare(expected, given);
    if (bare == Agreement::kEqual) return bare;
    const std::string& unit = has_unit ? reference.name : answer.name;
    if (unit == "degree") return compare_angles(reference, answer, bare);
    if (unit != "%") return bare;
    // 50% is also the number 0.5.
    return compare(has_unit ? over(expected, 100) : expected,
                   has_given_unit ? over(given, 100) : given);
  }

  bool is_below_one(const Node& node) {
    const Evaluation value = evaluate(node, budget_);
    return value.kind == ValueKind::kExact && value.number < ExactNumber(1) &&
           ExactNumber(-1) < value.number;
  }

  // 180 degrees is also pi; a bare number was compared with the degrees.
  Agreement compare_angles(const Node& reference, const Node& answer, Agreement bare) {
    const Agreement turned = compare_numerically(reference, answer, seed_text_, budget_);
    is_numeric_ = is_numeric_ || turned == Agreement::kEqual;
    return turned == Agreement::kEqual ? turned : bare;
  }

  // 1 m is 100 cm; 5 apples are not 5 pears, and 5 cm are not 5 cm^2.
  Agreement compare_units(const Node& reference, const Node& answer) {
    const Node& expected = reference.children[0];
    const Node& given = answer.children[0];
    if (reference.name == answer.name) return compare(expected, given);
    if (reference.name == "%" || answer.name == "%") return Agreement::kDifferent;
    const Unit unit = unit_of(reference.name, budget_), given_unit = unit_of(answer.name, budget_);
    if (unit.dimension != given_unit.dimension) {
      const Agreement bare = compare(expected, given);
      return bare == Agreement::kEqual ? Agreement::kUndecided : Agreement::kDifferent;
    }
    return compare(scaled(expected, unit.scale), scaled(given, given_unit.scale));
  }

  static Node scaled(const Node& node, const ExactNumber& scale) {
    Node factor = make_number(0);
    factor.number = scale;
    return make_node(NodeKind::kProduct, nodes_of(node, std::move(factor)));
  }

  static Node over(const Node& node, std::int64_t divisor) {
    return make_node(NodeKind::kQuotient, nodes_of(node, make_number(divisor)));
  }

  // 2:4 is 1:2 and 1/2, but 12:05 is a time.
  Agreement compare_ratios(const Node& reference, const Node& answer) {
    if (reference.kind != NodeKind::kRatio || answer.kind != NodeKind::kRatio) {
      const Node& ratio = reference.kind == NodeKind::kRatio ? reference : answer;
      if (ratio.children.size() != 2) return Agreement::kUndecided;
      const Node quotient = make_node(NodeKind::kQuotient, ratio.children);
      return &ratio == &reference ? compare(quotient, answer) : compare(reference, quotient);
    }
    const std::vector<Node>&expected = reference.children, &given = answer.children;
    if (expected.size() != given.size()) return Agreement::kDifferent;
    if (is_time(reference) || is_time(answer)) return compare_in_order(expected, given);
    Agreement worst = Agreement::kEqual;
    for (std::size_t i = 1; i < expected.size(); ++i) {
      const Agreement part =
          compare(make_node(NodeKind::kProduct, nodes_of(expected[0], given[i])),
                  make_node(NodeKind::kProduct, nodes_of(expected[i], given[0])));
      if (part == Agreement::kDifferent) return part;
      if (part == Agreement::kUndecided) worst = part;
    }
    return worst;
  }

  // 12:05 and 7:00: digits with a zero in front, or nothing but zeros.
  static bool is_time(const Node& ratio) {
    return std::any_of(ratio.children.begin() + 1, ratio.children.end(), [](const Node& part) {
      return part.kind == NodeKind::kNumber && part.decimals < 0 && part.digits < 2 &&
             part.is_padded;
    });
  }

  Agreement compare_number_sets(const Node& reference, const Node& answer) {
    const auto expected = set_form(reference, budget_), given = set_form(answer, budget_);
    const bool are_pairs = reference.kind == NodeKind::kList && answer.kind == NodeKind::kList;
    if (are_pairs) {
      // (1,2) may be a point as well: only equal brackets and ends are equal pairs.
      if (reference.name != answer.name) return Agreement::kDifferent;
      return compare_in_order(reference.children, answer.children);
    }
    if (expected && given) {
      return *expected == *given ? Agreement::kEqual : Agreement::kDifferent;
    }
    if (reference.kind == NodeKind::kUnion && answer.kind == NodeKind::kUnion) {
      return compare_as_sets(reference.children, answer.children);
    }
    return Agreement::kUndecided;
  }

  Agreement compare_lists(const Node& reference, const Node& answer) {
    if (options_.compares_sets_with_relations) {
      if (const auto sets = compare_as_solutions(reference, answer)) return *sets;
    }
    if (reference.kind != NodeKind::kList || answer.kind != NodeKind::kList) {
      return compare_list_with_other(reference, answer);
    }
    if (is_unordered(reference) && is_unordered(answer)) {
      const bool is_order_given =
          are_named_apart(reference.children, budget_) &&
          std::none_of(answer.children.begin(), answer.children.end(),
                       [&](const Node& e) { return !name_of(e, budget_).empty(); });
      if (is_order_given && reference.name.empty() && answer.name.empty()) {
        return compare_in_order(reference.children, answer.children);
      }
      return compare_as_sets(reference.children, answer.children);
    }
    if (!options_.is_strict && reference.children.size() == answer.children.size()) {
      if (is_unordered(reference) || is_unordered(answer)) {
        return compare_as_sets(reference.children, answer.children);
      }
    }
    // Values without brackets may stand for a point, never for an interval with closed ends.
    const bool has_bare_point = (reference.name.empty() && answer.name == "()") ||
                                (reference.name == "()" && answer.name.empty());
    if (reference.name != answer.name && !has_bare_point) return Agreement::kDifferent;
    return compare_in_order(in_name_order(reference.children, budget_),
                            in_name_order(answer.children, budget_));
  }

  Agreement compare_list_with_other(const Node& reference, const Node& answer) {
    const bool is_reference = reference.kind == NodeKind::kList;
    const Node& list = is_reference ? reference : answer;
    const Node& other = is_reference ? answer : reference;
    if (list.name == "{}" && list.children.size() == 1) {
      return is_reference ? compare(list.children[0], other) : compare(other, list.children[0]);
    }
    // \boxed{5}, \boxed{5}: one answer given twice.
    if (list.name.empty() && !is_reference) {
      const bool are_same = std::all_of(
          list.children.begin(), list.children.end(),
          [&](const Node& element) { return compare(other, element) == Agreement::kEqual; });
      return are_same ? Agreement::kEqual : Agreement::kDifferent;
    }
    if (list.children.empty() && other.kind == NodeKind::kText) {
      return meaning_of(other) == "none" ? Agreement::kEqual : Agreement::kDifferent;
    }
    if (other.kind == NodeKind::kMatrix && list.name == "()") {
      return is_reference ? compare_in_order(list.children, as_vector(other))
                          : compare_in_order(as_vector(other), list.children);
    }
    const bool is_settled = is_plain(other) || other.kind == NodeKind::kRelation ||
                            other.kind == NodeKind::kText || other.kind == NodeKind::kMatrix;
    return is_settled ? Agreement::kDifferent : Agreement::kUndecided;
  }

  // The entries of a matrix that is one column; empty for any other.
  static std::vector<Node> as_vector(const Node& matrix) {
    std::vector<Node> entries;
    for (const Node& row : matrix.children) {
      if (row.children.size() != 1) return {};
      entries.push_back(row.children[0]);
    }
    return entries;
  }

  Agreement compare_in_order(const std::vector<Node>& expected, const std::vector<Node>& given) {
    if (expected.size() != given.size()) return Agreement::kDifferent;
    const bool was_in_list = std::exchange(is_in_list_, true);
    Agreement worst = Agreement::kEqual;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const Agreement agreement = compare(expected[i], given[i]);
      if (agreement != Agreement::kEqual) worst = agreement;
      if (agreement == Agreement::kDifferent) break;
    }
    is_in_list_ = was_in_list;
    return worst;
  }

  // Each element of one side must equal some element of the other; repeats do not count.
  Agreement compare_as_sets(const std::vector<Node>& expected, const std::vector<Node>& given) {
    constexpr std::size_t kPairsMax = 10'000;
    if (expected.size() * given.size() > kPairsMax) return Agreement::kUndecided;
    const bool was_in_list = std::exchange(is_in_list_, true);
    std::vector<bool> is_matched(given.size(), false);
    bool is_decided = true;
    bool are_all_found = true;
    for (const Node& element : expected) {
      bool is_found = false;
      for (std::size_t i = 0; i < given.size(); ++i) {
        const Agreement agreement = compare(element, given[i]);
        is_found = is_found || agreement == Agreement::kEqual;
        is_matched[i] = is_matched[i] || agreement == Agreement::kEqual;
        is_decided = is_decided && agreement != Agreement::kUndecided;
      }
      are_all_found = are_all_found && is_found;
      if (!is_found) break;
    }
    is_in_list_ = was_in_list;
    const bool is_covered =
        std::find(is_matched.begin(), is_matched.end(), false) == is_matched.end();
    if (are_all_found && is_covered) return Agreement::kEqual;
    return is_decided ? Agreement::kDifferent : Agreement::kUndecided;
  }

  std::optional<Agreement> compare_matrices(const Node& reference, const Node& answer) {
    const auto expected = folded_matrix(reference, budget_), given = folded_matrix(answer, budget_);
    if (!expected && !given) return {};
    if (!expected || !given) return Agreement::kDifferent;
    if (expected->children.size() != given->children.size()) return Agreement::kDifferent;
    Agreement worst = Agreement::kEqual;
    for (std::size_t i = 0; i < expected->children.size(); ++i) {
      const Agreement row =
          compare_in_order(expected->children[i].children, given->children[i].children);
      if (row == Agreement::kDifferent) return row;
      if (row == Agreement::kUndecided) worst = row;
    }
    return worst;
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
    if (operators != given_operators) return Agreement::kUndecided;
    const Agreement straight = compare_in_order(sides, given_sides);
    if (straight == Agreement::kEqual) return straight;
    if (is_symmetric && compare_in_order({sides[1], sides[0]}, given_sides) == Agreement::kEqual) {
      return Agreement::kEqual;
    }
    if (sides.size() == 2 && operators[0] != kElementOf && operators[0] != kCongruent) {
      // The same once everything stands on one side, up to a factor: positive, unless the relation
      // has no direction.
      const auto sign = proportion_of(sides[0], sides[1], given_sides[0], given_sides[1], budget_);
      if (sign && (*sign > 0 || (*sign < 0 && is_symmetric))) return Agreement::kEqual;
      if (sign) return Agreement::kDifferent;
    }
    // Both about the same name: then the bounds decide.
    return is_name(sides[0]) && is_name(given_sides[0]) ? straight : Agreement::kUndecided;
  }

  // [-2,7] against -2 <= x <= 7, as sets of real numbers; nothing where none of them is a relation.
  std::optional<Agreement> compare_as_solutions(const Node& reference, const Node& answer) {
    const auto expected = solution_set(reference), given = solution_set(answer);
    if (!expected && !given) return {};
    const auto form = set_form(expected ? *expected : reference, budget_);
    const auto given_form = set_form(given ? *given : answer, budget_);
    if (!form || !given_form) return {};
    return *form == *given_form ? Agreement::kEqual : Agreement::kDifferent;
  }

  const EquivalenceOptions& options_;
  std::string_view seed_text_;
  WorkBudget& budget_;
  bool is_in_list_ = false;
  bool is_numeric_ = false;
};

}  // namespace

AnswerComparison compare_answers(const Node& reference, const Node& answer,
                                 std::string_view seed_text, const EquivalenceOptions& options,
                                 WorkBudget& budget) {
  Comparison comparison(options, seed_text, budget);
  const Agreement agreement = comparison.compare(reference, answer);
  return {agreement, agreement == Agreement::kEqual && comparison.is_numeric()};
}

}  // namespace assay::verifiers
