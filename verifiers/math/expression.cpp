#include "verifiers/math/expression.h"

#include <algorithm>
#include <array>
#include <utility>

#include "verifiers/math/math_lexer.h"
#include "verifiers/math/math_text.h"

namespace assay::verifiers {

namespace {

template <std::size_t kCount>
bool contains(const std::array<std::string_view, kCount>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 20> kFunctions = {
    "sin",  "cos",  "tan", "sec", "csc", "cot", "arcsin", "arccos", "arctan", "sinh",
    "cosh", "tanh", "ln",  "log", "exp", "lg",  "abs",    "Gamma",  "gcd",    "lcm"};

constexpr std::array<std::string_view, 6> kUndefinedWords = {"nan",  "undefined", "none",
                                                             "null", "dne",       "indeterminate"};

// A unit that contains one of these is a sentence or a hedge, not a unit.
constexpr std::array<std::string_view, 26> kNoUnitWords = {
    "not",   "no",    "maybe",  "perhaps", "possibly", "probably", "or",   "and",     "but",
    "is",    "are",   "was",    "it",      "if",       "then",     "so",   "because", "either",
    "could", "might", "should", "wait",    "actually", "instead",  "than", "equals"};

constexpr std::array<std::string_view, 24> kShortEnglish = {
    "is", "it", "of", "in", "to", "at", "as", "by", "be", "we", "if", "so",
    "no", "on", "an", "or", "he", "me", "my", "us", "do", "go", "up", "am"};

constexpr std::array<std::string_view, 24> kShortUnits = {
    "cm", "mm", "km", "kg", "mg", "ml", "mL", "dm", "ft", "in", "yd", "mi",
    "oz", "lb", "hr", "ms", "ns", "Hz", "Pa", "kJ", "kW", "mA", "pm", "um"};

std::string lower(std::string_view word) {
  std::string text(word);
  for (char& character : text) character = ascii_lower(character);
  return text;
}

Node make(NodeKind kind, std::vector<Node> children, std::string name = "") {
  Node node;
  node.kind = kind;
  node.children = std::move(children);
  node.name = std::move(name);
  return node;
}

Node make_named(NodeKind kind, std::string name) {
  return make(kind, {}, std::move(name));
}

Node make_number(std::int64_t value) {
  Node node;
  node.kind = NodeKind::kNumber;
  node.number = ExactNumber(value);
  return node;
}

// A recursive-descent parser; every entry into a nested form passes through Nesting.
class Parser {
 public:
  Parser(std::vector<Token> tokens, WorkBudget& budget)
      : tokens_(std::move(tokens)), budget_(budget) {}

  ParseOutcome parse() {
    std::optional<Node> node = parse_list("");
    if (node && peek().kind == TokenKind::kEnd) return {std::move(node), {}};
    return {std::nullopt, is_too_large_ ? ParseFailure::kTooLarge : ParseFailure::kSyntax};
  }

 private:
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Nesting() { --parser_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(place_ + ahead, tokens_.size() - 1)];
  }
  bool is(std::string_view text) const { return peek().text == text && is_mark(peek()); }
  bool is_command(std::string_view name) const {
    return peek().kind == TokenKind::kCommand && peek().text == name;
  }
  bool is_word(std::string_view word) const {
    return peek().kind == TokenKind::kWord && lower(peek().text) == word;
  }
  static bool is_mark(const Token& token) { return token.kind == TokenKind::kMark; }
  bool accept(std::string_view text) {
    if (!is(text)) return false;
    ++place_;
    return true;
  }

  // Every node is counted, so that no text makes more of them than allowed.
  bool count_node() {
    if (++nodes_ <= kExpressionNodesMax && depth_ <= kExpressionDepthMax) return true;
    is_too_large_ = true;
    return false;
  }

  bool at_separator() const {
    return is(",") || is(";") || is_word("and") || is_word("or") || is_command("and");
  }

  // Elements between separators; a single element stands for itself. "a, and b" is one border.
  std::optional<Node> parse_list(std::string_view brackets) {
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
    return make(NodeKind::kList, std::move(elements), std::string(brackets));
  }

  char relation_letter() const {
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

  std::optional<Node> parse_relation() {
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
    return make(NodeKind::kRelation, std::move(sides), std::move(operators));
  }

  std::optional<Node> parse_union() {
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
    return make(NodeKind::kUnion, std::move(parts));
  }

  std::optional<Node> parse_sum() {
    const Nesting nesting(*this);
    if (!count_node()) return {};
    std::vector<Node> terms;
    if (is_command("pm")) {
      ++place_;
      auto spread = parse_product();
      if (!spread) return {};
      terms.push_back(make(NodeKind::kPlusMinus, with(make_number(0), std::move(*spread))));
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
        Node before = join(NodeKind::kSum, std::exchange(terms, {}));
        terms.push_back(make(NodeKind::kPlusMinus, with(std::move(before), std::move(*term))));
      } else {
        terms.push_back(is_minus ? make(NodeKind::kNegation, with(std::move(*term)))
                                 : std::move(*term));
      }
    }
    return join(NodeKind::kSum, std::move(terms));
  }

  std::optional<Node> parse_signed_product() {
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
      product->children[0] = make(NodeKind::kNegation, with(std::move(inner)));
      return product;
    }
    return make(NodeKind::kNegation, with(std::move(*product)));
  }

  static std::vector<Node> with(Node node) {
    std::vector<Node> nodes;
    nodes.push_back(std::move(node));
    return nodes;
  }
  static std::vector<Node> with(Node first, Node second) {
    std::vector<Node> nodes = with(std::move(first));
    nodes.push_back(std::move(second));
    return nodes;
  }
  static Node join(NodeKind kind, std::vector<Node> nodes) {
    if (nodes.size() == 1) return std::move(nodes.front());
    return make(kind, std::move(nodes));
  }

  bool at_times() const {
    if (is("*") || is_command("times") || is_command("cdot") || is_command("ast")) return true;
    // "37 x 29": a letter between two numbers.
    const bool is_letter_x = peek().kind == TokenKind::kWord && peek().text == "x";
    return is_letter_x && place_ > 0 && tokens_[place_ - 1].kind == TokenKind::kNumber &&
           peek(1).kind == TokenKind::kNumber;
  }

  bool at_implicit_factor() const {
    const Token& token = peek();
    if (token.kind == TokenKind::kCommand) {
      return !relation_letter() && token.text != "cup" && token.text != "pm" &&
             token.text != "\\" && token.text != "end" && token.text != "and" &&
             token.text != "rangle" && token.text != "rfloor" && token.text != "to" &&
             token.text != "}";
    }
    if (token.kind == TokenKind::kWord) return !at_separator();
    if (token.kind == TokenKind::kNumber) return false;
    return is("(") || is("{");
  }

  std::optional<Node> parse_product() {
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
        Node factor =
            is_negative ? make(NodeKind::kNegation, with(std::move(*next))) : std::move(*next);
        product = make(is_division ? NodeKind::kQuotient : NodeKind::kProduct,
                       with(std::move(product), std::move(factor)));
        continue;
      }
      if (auto unit = parse_unit(product)) {
        product = make(NodeKind::kQuantity, with(std::move(product)), std::move(*unit));
        continue;
      }
      if (mixes_with(product)) {
        auto fraction = parse_mixed_fraction();
        if (fraction) {
          product = make(NodeKind::kSum, with(std::move(product), std::move(*fraction)));
          continue;
        }
      }
      if (product.kind == NodeKind::kQuantity || !at_implicit_factor()) return product;
      if (product.kind == NodeKind::kText) {
        // Words after words are one text.
        if (peek().kind != TokenKind::kWord) return {};
        product.name += " " + lower(peek().text);
        ++place_;
        continue;
      }
      auto next = parse_power();
      if (!next || next->kind == NodeKind::kText) return {};
      product = make(NodeKind::kProduct, with(std::move(product), std::move(*next)));
    }
  }

  // An integer directly before a proper fraction is a mixed number: 1 1/2, 1\frac{1}{2}.
  bool mixes_with(const Node& before) const {
    return before.kind == NodeKind::kNumber && before.decimals < 0 && place_ > 0 &&
           tokens_[place_ - 1].kind == TokenKind::kNumber;
  }

  std::optional<Node> parse_mixed_fraction() {
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
        fraction = make(NodeKind::kQuotient, with(std::move(*top), std::move(*bottom)));
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

  static bool is_measurable(const Node& node) {
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

  // The unit after a value: a percent or degree sign, or words, each perhaps with a power.
  std::optional<std::string> parse_unit(const Node& before) {
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
      unit += (unit.empty() ? "" : " ") + singular(lower(peek().text));
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

  bool is_unit_word(bool is_first) const {
    if (peek().kind != TokenKind::kWord) return false;
    const std::string_view word = peek().text;
    if (word.size() == 1) return !is_first;
    if (word.size() == 2)
      return std::find(kShortUnits.begin(), kShortUnits.end(), word) != kShortUnits.end() ||
             (!is_first && !contains(kNoUnitWords, lower(word)));
    return !contains(kFunctions, word) && !contains(kNoUnitWords, lower(word)) && word != "pi" &&
           !contains(kUndefinedWords, lower(word)) && word != "sqrt" && word != "infinity";
  }

  static std::string singular(std::string word) {
    if (word.size() > 3 && word.ends_with("s") && !word.ends_with("ss")) word.pop_back();
    return word;
  }

  std::optional<Node> parse_power() {
    const Nesting nesting(*this);
    if (!count_node()) return {};
    auto base = parse_atom();
    if (!base) return {};
    Node value = std::move(*base);
    for (;;) {
      if (!count_node()) return {};
      if (is("!")) {
        ++place_;
        value = make(NodeKind::kFactorial, with(std::move(value)));
      } else if (is("^") && peek(1).text != "circ" &&
                 !(peek(1).text == "{" && peek(2).text == "circ")) {
        ++place_;
        auto exponent = parse_exponent();
        if (!exponent) return {};
        value = make(NodeKind::kPower, with(std::move(value), std::move(*exponent)));
      } else {
        return value;
      }
    }
  }

  // Right-associative: a^b^c is a^(b^c).
  std::optional<Node> parse_exponent() {
    const bool is_negative = accept("-");
    auto exponent = parse_power();
    if (!exponent || !is_negative) return exponent;
    return make(NodeKind::kNegation, with(std::move(*exponent)));
  }

  std::optional<Node> parse_atom() {
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

  std::optional<Node> parse_number(const Token& token) {
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

  std::optional<Node> parse_word(const std::string& word) {
    const std::string small = lower(word);
    if (contains(kFunctions, word)) return parse_function(word);
    if (word == "sqrt") return parse_root();
    if (contains(kUndefinedWords, small)) return make(NodeKind::kUndefined, {});
    if (word == "pi" || word == "infty") return make_named(NodeKind::kSymbol, word);
    if (small == "infinity" || small == "inf") return make_named(NodeKind::kSymbol, "infty");
    if (word.size() == 1) return parse_symbol(word);
    const bool is_product_of_letters = word.size() == 2 && is_ascii_letter(word[0]) &&
                                       is_ascii_letter(word[1]) && !contains(kShortEnglish, small);
    if (is_product_of_letters) {
      return make(NodeKind::kProduct, with(make_named(NodeKind::kSymbol, word.substr(0, 1)),
                                           make_named(NodeKind::kSymbol, word.substr(1, 1))));
    }
    return make_named(NodeKind::kText, small);
  }

  std::optional<Node> parse_symbol(const std::string& letter) {
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

  std::optional<Node> parse_function(const std::string& name) {
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
    Node call = make(NodeKind::kFunction, with(std::move(*argument)), std::move(full_name));
    if (!power) return call;
    return make(NodeKind::kPower, with(std::move(call), std::move(*power)));
  }

  // An argument without brackets takes the factors that follow: sin 2x.
  std::optional<Node> parse_argument() {
    auto argument = parse_power();
    while (argument && peek().kind == TokenKind::kWord && peek().text.size() == 1 &&
           argument->kind == NodeKind::kNumber) {
      auto next = parse_power();
      if (!next) return {};
      argument = make(NodeKind::kProduct, with(std::move(*argument), std::move(*next)));
    }
    return argument;
  }

  // \sqrt{a}, \sqrt[n]{a}, \sqrt2
  std::optional<Node> parse_root() {
    Node degree = make_number(2);
    if (accept("[")) {
      auto given = parse_sum();
      if (!given || !accept("]")) return {};
      degree = std::move(*given);
    }
    auto argument = parse_single();
    if (!argument) return {};
    Node exponent = make(NodeKind::kQuotient, with(make_number(1), std::move(degree)));
    return make(NodeKind::kPower, with(std::move(*argument), std::move(exponent)));
  }

  // An argument of a command: a group, or without braces a single digit or letter.
  std::optional<Node> parse_single() {
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

  std::optional<Node> parse_command(const std::string& name) {
    if (name == "frac" || name == "dfrac" || name == "tfrac" || name == "cfrac") {
      auto top = parse_single();
      if (!top) return {};
      auto bottom = parse_single();
      if (!bottom) return {};
      return make(NodeKind::kQuotient, with(std::move(*top), std::move(*bottom)));
    }
    if (name == "sqrt") return parse_root();
    if (name == "begin") return parse_matrix();
    if (name == "{") return parse_bracketed('{', "}");
    if (name == "lfloor") return {};
    if (contains(kFunctions, name)) return parse_function(name);
    if (name == "infty" || name == "pi") return make_named(NodeKind::kSymbol, name);
    if (name == "emptyset" || name == "varnothing") {
      return make(NodeKind::kList, {}, "{}");
    }
    constexpr std::array<std::string_view, 30> kLetters = {
        "alpha",  "beta",  "gamma", "delta",  "epsilon", "zeta",  "eta", "theta", "iota", "kappa",
        "lambda", "mu",    "nu",    "xi",     "rho",     "sigma", "tau", "phi",   "chi",  "psi",
        "omega",  "Delta", "Theta", "Lambda", "Sigma",   "Phi",   "Psi", "Omega", "ell",  "varphi"};
    if (contains(kLetters, name)) return parse_symbol(name);
    return make_named(NodeKind::kSymbol, "\\" + name);
  }

  std::optional<Node> parse_brackets() {
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
      return make(NodeKind::kFunction, with(std::move(*inner)), "abs");
    }
    return {};
  }

  // One element in round brackets is a group; anything else keeps its brackets.
  std::optional<Node> parse_bracketed(char open, std::string_view closers) {
    const auto at_close = [&]() -> bool {
      if (open == '{') return is_command("}") || is("}");
      return is_mark(peek()) && peek().text.size() == 1 &&
             closers.find(peek().text[0]) != std::string_view::npos;
    };
    if (at_close()) {
      const std::string brackets = {open, peek().text[0]};
      ++place_;
      return make(NodeKind::kList, {}, brackets);
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
    if (open == '{') return make(NodeKind::kList, with(std::move(*inner)), "{}");
    if (open == '[' && close == ']') return inner;
    return {};
  }

  // \begin{pmatrix} a & b \\ c & d \end{pmatrix}; the kind of brackets does not matter.
  std::optional<Node> parse_matrix() {
    constexpr std::array<std::string_view, 6> kEnvironments = {"matrix",  "pmatrix", "bmatrix",
                                                               "vmatrix", "Bmatrix", "array"};
    if (!accept("{") || peek().kind != TokenKind::kWord || !contains(kEnvironments, peek().text)) {
      return {};
    }
    ++place_;
    if (!accept("}")) return {};
    Node matrix = make(NodeKind::kMatrix, {});
    std::vector<Node> row;
    for (;;) {
      auto cell = parse_sum();
      if (!cell) return {};
      row.push_back(std::move(*cell));
      if (accept("&")) continue;
      const bool is_row_end = is_command("\\");
      if (is_row_end) ++place_;
      if (!is_row_end && !is_command("end")) return {};
      matrix.children.push_back(make(NodeKind::kList, std::exchange(row, {})));
      if (!is_command("end")) continue;
      ++place_;
      if (!accept("{")) return {};
      ++place_;
      if (!accept("}")) return {};
      return matrix;
    }
  }

  std::vector<Token> tokens_;
  WorkBudget& budget_;
  std::size_t place_ = 0;
  int depth_ = 0;
  int nodes_ = 0;
  bool is_too_large_ = false;
};

}  // namespace

ParseOutcome parse_answer(std::string_view plain, CommaMeaning comma, WorkBudget& budget) {
  if (plain.size() > kAnswerBytesMax) return {std::nullopt, ParseFailure::kTooLarge};
  return Parser(lex_math(plain, comma), budget).parse();
}

}  // namespace assay::verifiers
