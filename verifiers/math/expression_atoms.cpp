// What stands between operators: numbers, words, commands and everything in brackets.
#include "verifiers/math/expression_parser.h"

#include <array>
#include <utility>

#include "verifiers/math/math_text.h"

namespace assay::verifiers {

std::optional<Node> ExpressionParser::parse_atom() {
  const Nesting nesting(*this);
  if (!count_node()) return {};
  const Token token = peek();
  switch (token.kind) {
    case TokenKind::kNumber:
      ++place_;
      return parse_number(token);
    case TokenKind::kWord:
      ++place_;
      return parse_word(token.text);
    case TokenKind::kCommand:
      ++place_;
      return parse_command(token.text);
    case TokenKind::kMark:
      return parse_brackets();
    case TokenKind::kEnd:
      return {};
  }
  return {};
}

std::optional<Node> ExpressionParser::parse_number(const Token& token) {
  const auto result = ExactNumber::from_decimal(token.text, budget_);
  if (!result) return {};
  if (std::holds_alternative<NumberFailure>(*result)) {
    is_too_large_ = true;
    return {};
  }
  Node node = make_number(0);
  node.number = std::get<ExactNumber>(*result);
  const std::size_t point = token.text.find('.');
  const std::size_t end = std::min(token.text.find_first_of("eE"), token.text.size());
  if (point != std::string::npos) node.decimals = static_cast<int>(end - point - 1);
  bool is_leading = true;
  for (const char character : token.text.substr(0, end)) {
    is_leading = is_leading && (character == '0' || character == '.');
    node.digits += !is_leading && character != '.';
  }
  return node;
}

std::optional<Node> ExpressionParser::parse_word(const std::string& word) {
  const std::string small = lower_case(word);
  if (is_function_name(word)) return parse_function(word);
  if (word == "sqrt") return parse_root();
  if (is_undefined_word(small)) return make_node(NodeKind::kUndefined, {});
  if (word == "pi" || word == "infty") return make_named(NodeKind::kSymbol, word);
  if (small == "infinity" || small == "inf") return make_named(NodeKind::kSymbol, "infty");
  if (word.size() == 1) return parse_symbol(word);
  const bool is_product_of_letters = word.size() == 2 && is_ascii_letter(word[0]) &&
                                     is_ascii_letter(word[1]) && !is_short_english(small);
  if (is_product_of_letters) {
    return make_node(NodeKind::kProduct,
                     nodes_of(make_named(NodeKind::kSymbol, word.substr(0, 1)),
                              make_named(NodeKind::kSymbol, word.substr(1, 1))));
  }
  return make_named(NodeKind::kText, small);
}

std::optional<Node> ExpressionParser::parse_symbol(const std::string& letter) {
  std::string name = letter;
  if (is("_")) {
    ++place_;
    const bool is_braced = accept("{");
    if (peek().kind == TokenKind::kEnd) return {};
    name += "_" + peek().text;
    ++place_;
    if (is_braced && !accept("}")) return {};
  }
  while (is("'")) {
    name += "'";
    ++place_;
  }
  return make_named(NodeKind::kSymbol, std::move(name));
}

std::optional<Node> ExpressionParser::parse_function(const std::string& name) {
  std::optional<Node> power;
  std::string full_name = name;
  if (is("_")) {
    ++place_;
    auto base = parse_atom();
    if (!base || base->kind != NodeKind::kNumber) return {};
    full_name += "_" + base->number.text();
  }
  if (is("^")) {
    ++place_;
    power = parse_exponent();
    if (!power) return {};
  }
  auto argument = is("(") || is("{") ? parse_atom() : parse_argument();
  if (!argument) return {};
  Node call = make_node(NodeKind::kFunction, nodes_of(std::move(*argument)), std::move(full_name));
  if (!power) return call;
  return make_node(NodeKind::kPower, nodes_of(std::move(call), std::move(*power)));
}

// An argument without brackets takes the factors that follow: sin 2x.
std::optional<Node> ExpressionParser::parse_argument() {
  auto argument = parse_power();
  while (argument && peek().kind == TokenKind::kWord && peek().text.size() == 1 &&
         argument->kind == NodeKind::kNumber) {
    auto next = parse_power();
    if (!next) return {};
    argument = make_node(NodeKind::kProduct, nodes_of(std::move(*argument), std::move(*next)));
  }
  return argument;
}

// \sqrt{a}, \sqrt[n]{a}, \sqrt2
std::optional<Node> ExpressionParser::parse_root() {
  Node degree = make_number(2);
  if (accept("[")) {
    auto given = parse_sum();
    if (!given || !accept("]")) return {};
    degree = std::move(*given);
  }
  auto argument = parse_single();
  if (!argument) return {};
  Node exponent = make_node(NodeKind::kQuotient, nodes_of(make_number(1), std::move(degree)));
  return make_node(NodeKind::kPower, nodes_of(std::move(*argument), std::move(exponent)));
}

// An argument of a command: a group, or without braces a single digit or letter.
std::optional<Node> ExpressionParser::parse_single() {
  if (peek().kind == TokenKind::kNumber && peek().text.size() > 1 &&
      is_ascii_digit(peek().text[0])) {
    Token first = peek();
    const std::string rest = first.text.substr(1);
    if (rest.find_first_not_of("0123456789") == std::string::npos) {
      first.text.resize(1);
      tokens_[place_].text = rest;
      return parse_number(first);
    }
  }
  return parse_atom();
}

std::optional<Node> ExpressionParser::parse_command(const std::string& name) {
  if (name == "frac" || name == "dfrac" || name == "tfrac" || name == "cfrac") {
    auto top = parse_single();
    if (!top) return {};
    auto bottom = parse_single();
    if (!bottom) return {};
    return make_node(NodeKind::kQuotient, nodes_of(std::move(*top), std::move(*bottom)));
  }
  if (name == "sqrt") return parse_root();
  if (name == "begin") return parse_matrix();
  if (name == "{") return parse_bracketed('{', "}");
  if (name == "lfloor") return {};
  if (is_function_name(name)) return parse_function(name);
  if (name == "infty" || name == "pi") return make_named(NodeKind::kSymbol, name);
  if (name == "emptyset" || name == "varnothing") {
    return make_node(NodeKind::kList, {}, "{}");
  }
  if (is_greek_letter_name(name)) return parse_symbol(name);
  return make_named(NodeKind::kSymbol, "\\" + name);
}

std::optional<Node> ExpressionParser::parse_brackets() {
  if (is("(")) {
    ++place_;
    return parse_bracketed('(', ")]");
  }
  if (is("[")) {
    ++place_;
    return parse_bracketed('[', ")]");
  }
  if (is("{")) {
    ++place_;
    // Braces only group, but a braced list is how a set loses its backslashes.
    auto inner = parse_list("");
    if (!inner || !accept("}")) return {};
    if (inner->kind == NodeKind::kList && inner->name.empty()) inner->name = "{}";
    return inner;
  }
  if (is("|")) {
    ++place_;
    auto inner = parse_sum();
    if (!inner || !accept("|")) return {};
    return make_node(NodeKind::kFunction, nodes_of(std::move(*inner)), "abs");
  }
  return {};
}

// One element in round brackets is a group; anything else keeps its brackets.
std::optional<Node> ExpressionParser::parse_bracketed(char open, std::string_view closers) {
  const auto at_close = [&]() -> bool {
    if (open == '{') return is_command("}") || is("}");
    return is_mark(peek()) && peek().text.size() == 1 &&
           closers.find(peek().text[0]) != std::string_view::npos;
  };
  if (at_close()) {
    const std::string brackets = {open, peek().text[0]};
    ++place_;
    return make_node(NodeKind::kList, {}, brackets);
  }
  auto inner = parse_list("");
  if (!inner || !at_close()) return {};
  const char close = peek().text[0];
  ++place_;
  if (inner->kind == NodeKind::kList && inner->name.empty()) {
    inner->name = {open, close};
    return inner;
  }
  if (open == '(' && close == ')') return inner;
  if (open == '{') return make_node(NodeKind::kList, nodes_of(std::move(*inner)), "{}");
  if (open == '[' && close == ']') return inner;
  return {};
}

// \begin{pmatrix} a & b \\ c & d \end{pmatrix}; the kind of brackets does not matter.
std::optional<Node> ExpressionParser::parse_matrix() {
  constexpr std::array<std::string_view, 6> kEnvironments = {"matrix",  "pmatrix", "bmatrix",
                                                             "vmatrix", "Bmatrix", "array"};
  if (!accept("{") || peek().kind != TokenKind::kWord ||
      std::find(kEnvironments.begin(), kEnvironments.end(), peek().text) == kEnvironments.end()) {
    return {};
  }
  ++place_;
  if (!accept("}")) return {};
  Node matrix = make_node(NodeKind::kMatrix, {});
  std::vector<Node> row;
  for (;;) {
    auto cell = parse_sum();
    if (!cell) return {};
    row.push_back(std::move(*cell));
    if (accept("&")) continue;
    const bool is_row_end = is_command("\\");
    if (is_row_end) ++place_;
    if (!is_row_end && !is_command("end")) return {};
    matrix.children.push_back(make_node(NodeKind::kList, std::exchange(row, {})));
    if (!is_command("end")) continue;
    ++place_;
    if (!accept("{")) return {};
    ++place_;
    if (!accept("}")) return {};
    return matrix;
  }
}

}  // namespace assay::verifiers
