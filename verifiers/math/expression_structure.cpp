// How an answer is put together: lists, relations, sums, products, units and powers.
#include "verifiers/math/expression_parser.h"

#include <utility>

namespace assay::verifiers {

namespace {

// Whether a unit may follow.
bool is_measurable(const Node& node) {
  switch (node.kind) {
    case NodeKind::kNumber:
    case NodeKind::kQuotient:
    case NodeKind::kPower:
    case NodeKind::kProduct:
    case NodeKind::kSum:
    case NodeKind::kFunction:
    case NodeKind::kFactorial:
    case NodeKind::kNegation:
      return true;
    default:
      return false;
  }
}

}  // namespace

ParseOutcome ExpressionParser::parse() {
  // "= 5", "\\approx 5": what stood on the left was cut off.
  while (relation_letter() == kEquals || relation_letter() == kRoughly) ++place_;
  std::optional<Node> node = parse_list("");
  if (node && peek().kind == TokenKind::kEnd) return {std::move(node), {}};
  return {std::nullopt, is_too_large_ ? ParseFailure::kTooLarge : ParseFailure::kSyntax};
}

// Elements between separators; a single element stands for itself. "a, and b" is one border.
std::optional<Node> ExpressionParser::parse_list(std::string_view brackets) {
  const Nesting nesting(*this);
  if (!count_node()) return {};
  std::vector<Node> elements;
  do {
    auto element = parse_relation();
    if (!element) return {};
    elements.push_back(std::move(*element));
    if (!at_separator()) break;
    while (at_separator()) ++place_;
  } while (true);
  if (elements.size() == 1 && brackets.empty()) return std::move(elements.front());
  return make_node(NodeKind::kList, std::move(elements), std::string(brackets));
}

bool ExpressionParser::at_separator() const {
  return is(",") || is(";") || is_word("and") || is_word("or") || is_command("and");
}

char ExpressionParser::relation_letter() const {
  if (is("=")) return kEquals;
  if (is("<") || is_command("lt")) return kLess;
  if (is(">") || is_command("gt")) return kGreater;
  if (is_command("le") || is_command("leq") || is_command("leqslant")) return kAtMost;
  if (is_command("ge") || is_command("geq") || is_command("geqslant")) return kAtLeast;
  if (is_command("ne") || is_command("neq")) return kUnequal;
  if (is_command("approx") || is_command("simeq") || is_command("sim")) return kRoughly;
  if (is_command("in")) return kElementOf;
  if (is_command("equiv")) return kCongruent;
  return '\0';
}

std::optional<Node> ExpressionParser::parse_relation() {
  accept("&");
  auto first = parse_ratio();
  if (!first) return {};
  std::vector<Node> sides;
  std::string operators;
  sides.push_back(std::move(*first));
  while (const char letter = relation_letter()) {
    ++place_;
    accept("&");
    auto next = parse_ratio();
    if (!next || !count_node()) return {};
    operators += letter;
    sides.push_back(std::move(*next));
  }
  if (operators.empty()) return std::move(sides.front());
  return make_node(NodeKind::kRelation, std::move(sides), std::move(operators));
}

std::optional<Node> ExpressionParser::parse_ratio() {
  auto first = parse_union();
  if (!first || !(is(":") || is_command("colon"))) return first;
  std::vector<Node> parts = nodes_of(std::move(*first));
  while (is(":") || is_command("colon")) {
    ++place_;
    auto next = parse_union();
    if (!next || !count_node()) return {};
    parts.push_back(std::move(*next));
  }
  return make_node(NodeKind::kRatio, std::move(parts));
}

// Unions, intersections and differences of sets, from left to right.
std::optional<Node> ExpressionParser::parse_union() {
  auto total = parse_sum();
  while (total && at_set_operator()) {
    const std::string name = peek().text;
    ++place_;
    auto next = parse_sum();
    if (!next || !count_node()) return {};
    if (name == "cup") {
      if (total->kind == NodeKind::kUnion) {
        total->children.push_back(std::move(*next));
      } else {
        total = make_node(NodeKind::kUnion, nodes_of(std::move(*total), std::move(*next)));
      }
    } else {
      total = make_node(NodeKind::kFunction, nodes_of(std::move(*total), std::move(*next)),
                        name == "cap" ? "cap" : "setminus");
    }
  }
  return total;
}

bool ExpressionParser::at_set_operator() const {
  return is_command("cup") || is_command("cap") || is_command("setminus") ||
         is_command("backslash");
}

std::optional<Node> ExpressionParser::parse_sum() {
  const Nesting nesting(*this);
  if (!count_node()) return {};
  std::vector<Node> terms;
  if (at_spread()) {
    ++place_;
    auto spread = parse_product();
    if (!spread) return {};
    terms.push_back(make_node(NodeKind::kPlusMinus, nodes_of(make_number(0), std::move(*spread))));
  } else {
    auto first = parse_signed_product();
    if (!first) return {};
    terms.push_back(std::move(*first));
  }
  while (is("+") || is("-") || at_spread()) {
    if (!count_node()) return {};
    const bool is_spread = at_spread();
    const bool is_minus = is("-");
    ++place_;
    auto term = parse_signed_product();
    if (!term) return {};
    if (is_spread) {
      Node before = joined(NodeKind::kSum, std::exchange(terms, {}));
      terms.push_back(
          make_node(NodeKind::kPlusMinus, nodes_of(std::move(before), std::move(*term))));
    } else {
      terms.push_back(is_minus ? make_node(NodeKind::kNegation, nodes_of(std::move(*term)))
                               : std::move(*term));
    }
  }
  const bool has_words = std::any_of(terms.begin(), terms.end(),
                                     [](const Node& term) { return term.kind == NodeKind::kText; });
  if (has_words && terms.size() > 1) return {};  // "We get x + 2" is a sentence
  return joined(NodeKind::kSum, std::move(terms));
}

bool ExpressionParser::at_spread() const {
  return is_command("pm") || is_command("mp");
}

std::optional<Node> ExpressionParser::parse_signed_product() {
  bool is_negative = false;
  for (; is("+") || is("-"); ++place_) {
    if (!count_node()) return {};
    is_negative = is_negative != is("-");
  }
  auto product = parse_product();
  if (!product || !is_negative) return product;
  // A minus belongs to the number inside a quantity, so that -5% stays one.
  if (product->kind == NodeKind::kQuantity) {
    Node inner = std::move(product->children[0]);
    product->children[0] = make_node(NodeKind::kNegation, nodes_of(std::move(inner)));
    return product;
  }
  return make_node(NodeKind::kNegation, nodes_of(std::move(*product)));
}

bool ExpressionParser::at_times() const {
  if (is("*") || is_command("times") || is_command("cdot") || is_command("ast") ||
      is_command("bullet")) {
    return true;
  }
  // "37 x 29": a letter between two numbers.
  const bool is_letter_x = peek().kind == TokenKind::kWord && peek().text == "x";
  return is_letter_x && place_ > 0 && tokens_[place_ - 1].kind == TokenKind::kNumber &&
         peek(1).kind == TokenKind::kNumber;
}

bool ExpressionParser::at_implicit_factor() const {
  const Token& token = peek();
  if (token.kind == TokenKind::kCommand) {
    return currency_here().empty() && !relation_letter() && !at_set_operator() && !at_spread() &&
           !ends_group(token.text);
  }
  if (token.kind == TokenKind::kWord) return !at_separator();
  if (token.kind == TokenKind::kNumber) return false;
  return is("(") || is("{") || (is("|") && bar_depth_ == 0);
}

// The currency whose sign stands here: \$5, \euro 5. A bare $ only delimits formulas.
std::string ExpressionParser::currency_here() const {
  if (is_command("dollar")) return "dollar";
  if (is_command("euro") || is_command("pounds") || is_command("yen") || is_command("rupee")) {
    return peek().text;
  }
  return "";
}

std::optional<Node> ExpressionParser::parse_product() {
  const std::string currency = currency_here();
  if (!currency.empty()) ++place_;
  auto product = parse_factors();
  if (!product || currency.empty()) return product;
  // "\$5 dollars" names it twice, "\$5 million" counts by the million: the words decide.
  if (product->kind == NodeKind::kQuantity) return product;
  return make_node(NodeKind::kQuantity, nodes_of(std::move(*product)), currency);
}

std::optional<Node> ExpressionParser::parse_factors() {
  const Nesting nesting(*this);
  auto first = parse_power();
  if (!first) return {};
  Node product = std::move(*first);
  for (;;) {
    if (!count_node()) return {};
    const bool is_division = is("/") || is_command("div");
    if (is_division || at_times()) {
      ++place_;
      const bool is_negative = is("-") && accept("-");
      auto next = parse_power();
      if (!next) return {};
      Node factor = is_negative ? make_node(NodeKind::kNegation, nodes_of(std::move(*next)))
                                : std::move(*next);
      product = make_node(is_division ? NodeKind::kQuotient : NodeKind::kProduct,
                          nodes_of(std::move(product), std::move(factor)));
      continue;
    }
    if (is_command("pmod") || is_command("bmod") || is_command("mod")) {
      ++place_;
      auto modulus = parse_power();
      if (!modulus) return {};
      product =
          make_node(NodeKind::kFunction, nodes_of(std::move(product), std::move(*modulus)), "mod");
      continue;
    }
    if (auto unit = parse_unit(product)) {
      product = make_node(NodeKind::kQuantity, nodes_of(std::move(product)), std::move(*unit));
      continue;
    }
    if (mixes_with(product)) {
      auto fraction = parse_mixed_fraction();
      if (fraction) {
        product = make_node(NodeKind::kSum, nodes_of(std::move(product), std::move(*fraction)));
        continue;
      }
    }
    if (product.kind == NodeKind::kQuantity || !at_implicit_factor()) return product;
    if (product.kind == NodeKind::kText) {
      // Words after words are one text.
      if (peek().kind != TokenKind::kWord) return {};
      product.name += " " + lower_case(peek().text);
      ++place_;
      continue;
    }
    auto next = parse_power();
    if (!next || next->kind == NodeKind::kText) return {};
    product = make_node(NodeKind::kProduct, nodes_of(std::move(product), std::move(*next)));
  }
}

// An integer directly before a proper fraction is a mixed number: 1 1/2, 1\frac{1}{2}.
bool ExpressionParser::mixes_with(const Node& before) const {
  return before.kind == NodeKind::kNumber && before.decimals < 0 && place_ > 0 &&
         tokens_[place_ - 1].kind == TokenKind::kNumber;
}

std::optional<Node> ExpressionParser::parse_mixed_fraction() {
  const std::size_t start = place_;
  const auto is_integer = [](const Node& node) {
    return node.kind == NodeKind::kNumber && node.decimals < 0;
  };
  std::optional<Node> fraction;
  if (peek().kind == TokenKind::kNumber && peek(1).text == "/" &&
      peek(2).kind == TokenKind::kNumber) {
    auto top = parse_atom();
    ++place_;
    auto bottom = parse_atom();
    if (top && bottom) {
      fraction = make_node(NodeKind::kQuotient, nodes_of(std::move(*top), std::move(*bottom)));
    }
  } else if (is_command("frac") || is_command("dfrac") || is_command("tfrac")) {
    fraction = parse_atom();
  }
  if (fraction && fraction->kind == NodeKind::kQuotient && is_integer(fraction->children[0]) &&
      is_integer(fraction->children[1]) &&
      fraction->children[0].number < fraction->children[1].number) {
    return fraction;
  }
  place_ = start;
  return {};
}

// The unit after a value: a percent or degree sign, or words, each perhaps with a power.
std::optional<std::string> ExpressionParser::parse_unit(const Node& before) {
  if (is("%")) {
    ++place_;
    return "%";
  }
  if (is("^") && (peek(1).text == "circ" || (peek(1).text == "{" && peek(2).text == "circ"))) {
    place_ += peek(1).text == "{" ? 4 : 2;
    if (is_word("c") || is_word("f")) return "degree " + lower_case(tokens_[place_++].text);
    return "degree";
  }
  if (is_command("degree")) {
    ++place_;
    return "degree";
  }
  if (const std::string currency = currency_here(); !currency.empty()) {
    ++place_;
    return currency;
  }
  if (!is_measurable(before)) return {};
  const std::size_t start = place_;
  std::string unit;
  for (int words = 0; words < 8 && is_unit_word(unit.empty()); ++words) {
    unit += (unit.empty() ? "" : " ") + singular(lower_case(peek().text));
    ++place_;
    accept(".");
    if (is("^") && peek(1).kind == TokenKind::kNumber) {
      unit += "^" + peek(1).text;
      place_ += 2;
    }
    if (is("/") && peek(1).kind == TokenKind::kWord) {
      unit += " per";
      ++place_;
    }
  }
  if (unit.empty()) return {};
  if (peek().kind == TokenKind::kWord && !at_separator()) {
    place_ = start;  // a sentence went on: this was no unit
    return {};
  }
  if (unit == "pct" || unit == "percent" || unit == "percentage" || unit == "percentage point") {
    return "%";
  }
  return unit;
}

bool ExpressionParser::is_unit_word(bool is_first) const {
  if (peek().kind != TokenKind::kWord || is_product_of_letters(0)) return false;
  return may_be_unit(peek().text, is_first);
}

// xyz in "2xyz" and abc in "abc + 1" are products; apples and mph are not.
bool ExpressionParser::is_product_of_letters(std::size_t ahead) const {
  constexpr std::size_t kLettersMax = 4;
  const Token& token = peek(ahead);
  if (token.kind != TokenKind::kWord || token.text.size() < 3 || token.text.size() > kLettersMax) {
    return false;
  }
  for (const char letter : token.text) {
    if (letter < 'a' || letter > 'z') return false;
  }
  if (is_function_name(token.text) || is_known_word(token.text)) return false;
  const bool has_vowel = token.text.find_first_of("aeiou") != std::string::npos;
  if (!has_vowel) return true;
  const auto is_operator = [](const Token& other) {
    return is_mark(other) && other.text.find_first_of("+-*/^") != std::string::npos;
  };
  const std::size_t here = place_ + ahead;
  return is_operator(peek(ahead + 1)) || (here > 0 && is_operator(tokens_[here - 1]));
}

std::optional<Node> ExpressionParser::parse_power() {
  const Nesting nesting(*this);
  if (!count_node()) return {};
  auto base = parse_atom();
  if (!base) return {};
  Node value = std::move(*base);
  for (;;) {
    if (!count_node()) return {};
    if (is("!")) {
      ++place_;
      value = make_node(NodeKind::kFactorial, nodes_of(std::move(value)));
    } else if (is("^") && peek(1).text != "circ" &&
               !(peek(1).text == "{" && peek(2).text == "circ")) {
      ++place_;
      auto exponent = parse_exponent();
      if (!exponent) return {};
      value = make_node(NodeKind::kPower, nodes_of(std::move(value), std::move(*exponent)));
    } else {
      return value;
    }
  }
}

// Right-associative: a^b^c is a^(b^c).
std::optional<Node> ExpressionParser::parse_exponent() {
  const bool is_negative = accept("-");
  split_letters();
  auto exponent = parse_power();
  if (!exponent || !is_negative) return exponent;
  return make_node(NodeKind::kNegation, nodes_of(std::move(*exponent)));
}

}  // namespace assay::verifiers
