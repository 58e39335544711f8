#include "verifiers/math/expression.h"

#include <utility>

#include "verifiers/math/expression_parser.h"
#include "verifiers/math/math_lexer.h"

namespace assay::verifiers {

Node make_node(NodeKind kind, std::vector<Node> children, std::string name) {
  Node node;
  node.kind = kind;
  node.children = std::move(children);
  node.name = std::move(name);
  return node;
}

Node make_named(NodeKind kind, std::string name) {
  return make_node(kind, {}, std::move(name));
}

Node make_number(std::int64_t value) {
  Node node;
  node.kind = NodeKind::kNumber;
  node.number = ExactNumber(value);
  return node;
}

std::vector<Node> nodes_of(Node node) {
  std::vector<Node> nodes;
  nodes.push_back(std::move(node));
  return nodes;
}
std::vector<Node> nodes_of(Node first, Node second) {
  std::vector<Node> nodes = nodes_of(std::move(first));
  nodes.push_back(std::move(second));
  return nodes;
}
Node joined(NodeKind kind, std::vector<Node> nodes) {
  if (nodes.size() == 1) return std::move(nodes.front());
  return make_node(kind, std::move(nodes));
}

ParseOutcome parse_answer(std::string_view plain, CommaMeaning comma, WorkBudget& budget) {
  if (plain.size() > kAnswerBytesMax) return {std::nullopt, ParseFailure::kTooLarge};
  return ExpressionParser(lex_math(plain, comma), budget).parse();
}

}  // namespace assay::verifiers
