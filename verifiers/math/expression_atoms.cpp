// What stands between operators: numbers, words, commands and everything in brackets.
#include "verifiers/math/expression_parser.h"

#include <array>
#include <utility>

#include "verifiers/math/math_text.h"
#include "verifiers/math/number_sets.h"

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
  if (token.text.find(kRepeats) != std::string::npos) return parse_repeating(token.text);
  if (is("_")) return parse_in_base(token.text);
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
  node.is_padded = token.text.size() == 2 && token.text[0] == '0';
  bool is_leading = true;
  for (const char character : token.text.substr(0, end)) {
    is_leading = is_leading && (character == '0' || character == '.');
    node.digits += !is_leading && character != '.';
  }
  return node;
}

// 0.1r6 from 0.1\overline{6}: the repeating digits over as many nines.
std::optional<Node> ExpressionParser::parse_repeating(const std::string& text) {
  const std::size_t mark = text.find(kRepeats);
  const std::string head = text.substr(0, mark), period = text.substr(mark + 1);
  const std::size_t decimals = head.size() - head.find('.') - 1;
  auto start = parse_number({TokenKind::kNumber, head});
  auto top = parse_number({TokenKind::kNumber, period});
  auto bottom = parse_number(
      {TokenKind::kNumber, std::string(period.size(), '9') + std::string(decimals, '0')});
  if (!start || !top || !bottom) return {};
  auto tail = make_node(NodeKind::kQuotient, nodes_of(std::move(*top), std::move(*bottom)));
  return make_node(NodeKind::kSum, nodes_of(std::move(*start), std::move(tail)));
}

// 1011_2 and 2516_{8}: a whole number in another base.
std::optional<Node> ExpressionParser::parse_in_base(const std::string& digits) {
  ++place_;
  const bool is_braced = accept("{");
  if (peek().kind != TokenKind::kNumber || peek().text.size() > 2) return {};
  const std::int64_t base = std::stoll("0" + peek().text);
  ++place_;
  if ((is_braced && !accept("}")) || base < 2 || base > 10) return {};
  ExactNumber total;
  for (const char digit : digits) {
    if (digit < '0' || digit - '0' >= base) return {};
    const ExactResult shifted = multiply(total, ExactNumber(base), budget_);
    if (std::holds_alternative<NumberFailure>(shifted)) return {};
    const ExactResult next = add(std::get<ExactNumber>(shifted), ExactNumber(digit - '0'), budget_);
    if (std::holds_alternative<NumberFailure>(next)) return {};
    total = std::get<ExactNumber>(next);
  }
  Node node = make_number(0);
  node.number = total;
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
  if (--place_; is_product_of_letters(0)) {
    ++place_;
    std::vector<Node> letters;
    for (const char letter : word) {
      letters.push_back(make_named(NodeKind::kSymbol, std::string(1, letter)));
    }
    // A power belongs to the last letter: abc^2.
    if (is("^")) {
      Node last = std::move(letters.back());
      letters.pop_back();
      ++place_;
      auto exponent = parse_exponent();
      if (!exponent) return {};
      letters.push_back(
          make_node(NodeKind::kPower, nodes_of(std::move(last), std::move(*exponent))));
    }
    return make_node(NodeKind::kProduct, std::move(letters));
  }
  ++place_;
  const bool is_pair_of_letters = word.size() == 2 && is_ascii_letter(word[0]) &&
                                  is_ascii_letter(word[1]) && !is_short_english(small);
  if (is_pair_of_letters) {
    Node second = make_named(NodeKind::kSymbol, word.substr(1, 1));
    if (is("^") && peek(1).text != "circ") {
      ++place_;
      auto exponent = parse_exponent();
      if (!exponent) return {};
      second = make_node(NodeKind::kPower, nodes_of(std::move(second), std::move(*exponent)));
    }
    return make_node(NodeKind::kProduct,
                     nodes_of(make_named(NodeKind::kSymbol, word.substr(0, 1)), std::move(second)));
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

std::optional<Node> ExpressionParser::parse_function(std::string name) {
  std::optional<Node> power, base;
  if (is("_")) {
    ++place_;
    base = parse_single();
    if (!base) return {};
  }
  if (is("^")) {
    ++place_;
    power = parse_exponent();
    if (!power) return {};
    // \sin^{-1} x is the inverse, not the reciprocal.
    const bool is_inverse = power->kind == NodeKind::kNegation &&
                            power->children[0].kind == NodeKind::kNumber &&
                            power->children[0].number == ExactNumber(1);
    if (is_inverse && is_function_name("arc" + name)) {
      name = "arc" + name;
      power.reset();
    }
  }
  auto argument = is("(") || is("{") ? parse_atom() : parse_argument();
  if (!argument) return {};
  // gcd(12, 18): the list is the arguments.
  const bool is_several =
      argument->kind == NodeKind::kList && (argument->name == "()" || argument->name == "{}");
  std::vector<Node> arguments =
      is_several ? std::move(argument->children) : nodes_of(std::move(*argument));
  if (name == "lg") base = make_number(10);
  if (name == "lg" ||
      (name == "log" && base && base->kind == NodeKind::kSymbol && base->name == "e")) {
    name = name == "lg" ? "log" : "ln";
    if (name == "ln") base.reset();
  }
  if (base) arguments.push_back(std::move(*base));
  Node call = make_node(NodeKind::kFunction, std::move(arguments), std::move(name));
  if (!power) return call;
  return make_node(NodeKind::kPower, nodes_of(std::move(call), std::move(*power)));
}

// sin 2x, sin 2 pi x, sin n pi: after numbers and pi a letter, after a letter only pi.
bool ExpressionParser::takes_next_factor(const Node& argument, const Token& next) {
  const bool is_pi = next.text == "pi" && next.kind != TokenKind::kMark;
  const bool is_letter = next.kind == TokenKind::kWord && next.text.size() == 1;
  if (!is_pi && !is_letter &&
      !(next.kind == TokenKind::kCommand && is_greek_letter_name(next.text))) {
    return false;
  }
  const Node& last = argument.kind == NodeKind::kProduct ? argument.children.back() : argument;
  const bool is_plain =
      last.kind == NodeKind::kNumber || (last.kind == NodeKind::kSymbol && last.name == "pi") ||
      (last.kind == NodeKind::kQuotient && last.children[0].kind == NodeKind::kNumber);
  return is_plain || (is_pi && last.kind == NodeKind::kSymbol);
}

// An argument without brackets takes the factors that follow: sin 2x.
std::optional<Node> ExpressionParser::parse_argument() {
  const bool is_negative = accept("-");
  auto argument = parse_power();
  if (argument && is("^") && peek(1).text == "circ") {
    // sin 30^\circ
    if (const auto unit = parse_unit(*argument)) {
      argument = make_node(NodeKind::kQuantity, nodes_of(std::move(*argument)), *unit);
    }
  }
  if (argument && is_negative) {
    return make_node(NodeKind::kNegation, nodes_of(std::move(*argument)));
  }
  while (argument && takes_next_factor(*argument, peek())) {
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
  split_letters();
  return parse_atom();
}

// \frac ba and e^xe^y: without braces a command or a caret takes one letter of a word that is a
// product.
void ExpressionParser::split_letters() {
  const Token& token = peek();
  if (token.kind != TokenKind::kWord || token.text.size() < 2 || token.text.size() > 4 ||
      is_function_name(token.text) || is_known_word(token.text) || token.text == "pi") {
    return;
  }
  if (!std::all_of(token.text.begin(), token.text.end(), is_ascii_letter)) return;
  const Token rest{TokenKind::kWord, token.text.substr(1)};
  tokens_[place_].text.resize(1);
  tokens_.insert(tokens_.begin() + static_cast<std::ptrdiff_t>(place_) + 1, rest);
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
  if (name == "binom" || name == "dbinom" || name == "tbinom") return parse_binomial();
  if (name == "lfloor" || name == "lceil" || name == "lvert" || name == "langle") {
    return parse_delimited(name);
  }
  if (is_function_name(name)) return parse_function(name);
  if (name == "infty" || name == "pi") return make_named(NodeKind::kSymbol, name);
  if (name == "emptyset" || name == "varnothing") {
    return make_node(NodeKind::kList, {}, "{}");
  }
  if (is_greek_letter_name(name)) return parse_symbol(name);
  if (name == "dots" || name == "cdots") return make_named(NodeKind::kSymbol, "\\ldots");
  return make_named(NodeKind::kSymbol, "\\" + name);
}

bool ExpressionParser::ends_group(const std::string& command) {
  constexpr std::array<std::string_view, 12> kEnds = {"\\",     "end",   "and",    "rangle",
                                                      "rfloor", "rceil", "rvert",  "to",
                                                      "}",      "mid",   "choose", "colon"};
  return std::find(kEnds.begin(), kEnds.end(), command) != kEnds.end();
}

// \lfloor x \rfloor and its kin.
std::optional<Node> ExpressionParser::parse_delimited(const std::string& open) {
  const bool is_tuple = open == "langle";
  auto inner = is_tuple ? parse_list("") : parse_sum();
  if (!inner || !is_command("r" + open.substr(1))) return {};
  ++place_;
  if (is_tuple) {
    if (inner->kind == NodeKind::kList && inner->name.empty()) inner->name = "()";
    return inner;
  }
  return make_node(NodeKind::kFunction, nodes_of(std::move(*inner)),
                   open == "lfloor" ? "floor" : (open == "lceil" ? "ceil" : "abs"));
}

std::optional<Node> ExpressionParser::parse_binomial() {
  auto above = parse_single();
  if (!above) return {};
  auto below = parse_single();
  if (!below) return {};
  return make_node(NodeKind::kFunction, nodes_of(std::move(*above), std::move(*below)), "binom");
}

// x \mid x > 2, after the opening brace: the set of what follows.
std::optional<Node> ExpressionParser::parse_set_builder() {
  const std::size_t start = place_;
  const auto at_bar = [&] {
    return is("|") || is(":") || is_command("mid") || is_command("colon");
  };
  if (peek().kind == TokenKind::kWord && peek().text.size() == 1) {
    auto variable = parse_symbol(tokens_[place_++].text);
    if (variable && is_command("in")) {
      ++place_;
      parse_sum();
    }
    if (variable && at_bar()) {
      ++place_;
      auto condition = parse_list("");
      auto set = condition ? solution_set(*condition) : std::nullopt;
      if (set) return set;
    }
  }
  place_ = start;
  return {};
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
    if (inner && is_command("choose")) {
      ++place_;
      auto below = parse_sum();
      if (!below) return {};
      inner =
          make_node(NodeKind::kFunction, nodes_of(std::move(*inner), std::move(*below)), "binom");
    }
    if (!inner || !accept("}")) return {};
    if (inner->kind == NodeKind::kList && inner->name.empty()) inner->name = "{}";
    return inner;
  }
  if (is("|")) {
    ++place_;
    ++bar_depth_;
    auto inner = parse_sum();
    --bar_depth_;
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
  auto inner = open == '{' ? parse_set_builder() : std::nullopt;
  if (inner && at_close()) {
    ++place_;
    return inner;
  }
  inner = parse_list("");
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
  const bool is_determinant = peek().text == "vmatrix";
  const bool is_array = peek().text == "array";
  ++place_;
  if (!accept("}")) return {};
  if (is_array && accept("{")) {
    // The columns' alignment: {ccc}, {c|c}.
    while (peek().kind != TokenKind::kEnd && !is("}")) ++place_;
    if (!accept("}")) return {};
  }
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
    if (!count_node()) return {};
    matrix.children.push_back(make_node(NodeKind::kList, std::exchange(row, {})));
    if (!is_command("end")) continue;
    ++place_;
    if (!accept("{")) return {};
    ++place_;
    if (!accept("}")) return {};
    if (is_determinant) return make_node(NodeKind::kFunction, nodes_of(std::move(matrix)), "det");
    return matrix;
  }
}

}  // namespace assay::verifiers
