// The parser of answers: recursive descent over tokens, every entry into a nested form counted.
//
// Internal: structure in expression_structure.cpp, atoms in expression_atoms.cpp.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "verifiers/math/expression.h"
#include "verifiers/math/math_lexer.h"
#include "verifiers/math/math_words.h"

namespace assay::verifiers {

class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, WorkBudget& budget)
      : tokens_(std::move(tokens)), budget_(budget) {}

  // The whole text as one answer.
  ParseOutcome parse();

 private:
  class Nesting {
   public:
    explicit Nesting(ExpressionParser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Nesting() { --parser_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    ExpressionParser& parser_;
  };

  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(place_ + ahead, tokens_.size() - 1)];
  }
  bool is(std::string_view text) const { return peek().text == text && is_mark(peek()); }
  bool is_command(std::string_view name) const {
    return peek().kind == TokenKind::kCommand && peek().text == name;
  }
  bool is_word(std::string_view word) const {
    return peek().kind == TokenKind::kWord && lower_case(peek().text) == word;
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

  // Structure, from the loosest binding to the tightest.
  std::optional<Node> parse_list(std::string_view brackets);
  bool at_separator() const;
  char relation_letter() const;
  std::optional<Node> parse_relation();
  std::optional<Node> parse_ratio();
  std::optional<Node> parse_union();
  bool at_set_operator() const;
  bool at_spread() const;
  std::optional<Node> parse_sum();
  std::optional<Node> parse_signed_product();
  bool at_times() const;
  bool at_implicit_factor() const;
  std::optional<Node> parse_product();
  std::string currency_here() const;
  std::optional<Node> parse_factors();
  bool mixes_with(const Node& before) const;
  std::optional<Node> parse_mixed_fraction();
  std::optional<Node> parse_power();
  std::optional<Node> parse_exponent();
  std::optional<std::string> parse_unit(const Node& before);
  bool is_unit_word(bool is_first) const;
  bool is_product_of_letters(std::size_t ahead) const;

  // What stands between operators.
  std::optional<Node> parse_atom();
  std::optional<Node> parse_number(const Token& token);
  std::optional<Node> parse_repeating(const std::string& text);
  std::optional<Node> parse_in_base(const std::string& digits);
  std::optional<Node> parse_word(const std::string& word);
  std::optional<Node> parse_symbol(const std::string& letter);
  std::optional<Node> parse_function(std::string name);
  static bool takes_next_factor(const Node& argument, const Token& next);
  std::optional<Node> parse_argument();
  std::optional<Node> parse_root();
  std::optional<Node> parse_single();
  void split_letters();
  std::optional<Node> parse_command(const std::string& name);
  std::optional<Node> parse_delimited(const std::string& open);
  std::optional<Node> parse_binomial();
  std::optional<Node> parse_set_builder();
  static bool ends_group(const std::string& command);
  std::optional<Node> parse_brackets();
  std::optional<Node> parse_bracketed(char open, std::string_view closers);
  std::optional<Node> parse_matrix();

  std::vector<Token> tokens_;
  WorkBudget& budget_;
  std::size_t place_ = 0;
  int depth_ = 0;
  int nodes_ = 0;
  int bar_depth_ = 0;  // of |...| around this place
  bool is_too_large_ = false;
};

// Makers of nodes.
Node make_node(NodeKind kind, std::vector<Node> children, std::string name = "");
Node make_named(NodeKind kind, std::string name);
Node make_number(std::int64_t value);
std::vector<Node> nodes_of(Node node);
std::vector<Node> nodes_of(Node first, Node second);
Node joined(NodeKind kind, std::vector<Node> nodes);  // a single node stands for itself

}  // namespace assay::verifiers
