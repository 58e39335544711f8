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
  return '\0';
}

std::optional<Node> ExpressionParser::parse_relation() {
  accept("&");
  auto first = parse_union();
  if (!first) return {};
  std::vector<Node> sides;
  std::string operators;
  sides.push_back(std::move(*first));
  while (const char letter = relation_letter()) {
    ++place_;
    accept("&");
    auto next = parse_union();
    if (!next || !count_node()) return {};
    operators += letter;
    sides.push_back(std::move(*next));
  }
  if (operators.empty()) return std::move(sides.front());
  return make_node(NodeKind::kRelation, std::move(sides), std::move(operators));
}

std::optional<Node> ExpressionParser::parse_union() {
  auto first = parse_sum();
  if (!first || !is_command("cup")) return first;
  std::vector<Node> parts;
  parts.push_back(std::move(*first));
  while (is_command("cup")) {
    ++place_;
    auto next = parse_sum();
    if (!next) return {};
    parts.push_back(std::move(*next));
  }
  return make_node(NodeKind::kUnion, std::move(parts));
}

std::optional<Node> ExpressionParser::parse_sum() {
  const Nesting nesting(*this);
  if (!count_node()) return {};
  std::vector<Node> terms;
  if (is_command("pm")) {
    ++place_;
    auto spread = parse_product();
    if (!spread) return {};
    terms.push_back(make_node(NodeKind::kPlusMinus, nodes_of(make_number(0), std::move(*spread))));
  } else {
    auto first = parse_signed_product();
    if (!first) return {};
    terms.push_back(std::move(*first));
  }
  while (is("+") || is("-") || is_command("pm")) {
    if (!count_node()) return {};
    const bool is_spread = is_command("pm");
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
  return joined(NodeKind::kSum, std::move(terms));
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
  if (is("*") || is_command("times") || is_command("cdot") || is_command("ast")) return true;
  // "37 x 29": a letter between two numbers.
  const bool is_letter_x = peek().kind == TokenKind::kWord && peek().text == "x";
  return is_letter_x && place_ > 0 && tokens_[place_ - 1].kind == TokenKind::kNumber &&
         peek(1).kind == TokenKind::kNumber;
}

bool ExpressionParser::at_implicit_factor() const {
  const Token& token = peek();
  if (token.kind == TokenKind::kCommand) {
    return !relation_letter() && token.text != "cup" && token.text != "pm" && token.text != "\\" &&
           token.text != "end" && token.text != "and" && token.text != "rangle" &&
           token.text != "rfloor" && token.text != "to" && token.text != "}";
  }
  if (token.kind == TokenKind::kWord) return !at_separator();
  if (token.kind == TokenKind::kNumber) return false;
  return is("(") || is("{");
}

std::optional<Node> ExpressionParser::parse_product() {
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
    return "degree";
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
  return peek().kind == TokenKind::kWord && may_be_unit(peek().text, is_first);
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
  auto exponent = parse_power();
  if (!exponent || !is_negative) return exponent;
  return make_node(NodeKind::kNegation, nodes_of(std::move(*exponent)));
}

}  // namespace assay::verifiers
