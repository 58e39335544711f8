#include "verifiers/math/answer_names.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "verifiers/math/evaluation.h"

namespace assay::verifiers {

namespace {

// The name as text. f(x) and W(n) read as products of two letters, the second a lower-case one.
std::string text_of_name(const Node& name, WorkBudget& budget) {
  const bool is_applied = name.kind == NodeKind::kProduct && name.children.size() == 2 &&
                          name.children[0].kind == NodeKind::kSymbol &&
                          name.children[1].kind == NodeKind::kSymbol &&
                          name.children[1].name.size() == 1 && name.children[1].name[0] >= 'a';
  return canonical_form(is_applied ? name.children[0] : name, budget);
}

std::string without_subscript(const std::string& name) {
  return name.substr(0, name.find('_'));
}

bool is_coordinate(const std::string& name) {
  return name == "x" || name == "y" || name == "z";
}

}  // namespace

bool is_name(const Node& node) {
  if (node.kind == NodeKind::kSymbol || node.kind == NodeKind::kText) return true;
  // xy = 1 is an equation between coordinates.
  const bool is_of_coordinates =
      node.kind == NodeKind::kProduct &&
      std::all_of(node.children.begin(), node.children.end(),
                  [](const Node& factor) { return is_coordinate(factor.name); });
  if (is_of_coordinates) return false;
  const bool is_applied = node.kind == NodeKind::kProduct || node.kind == NodeKind::kFunction ||
                          node.kind == NodeKind::kRatio ||
                          (node.kind == NodeKind::kList && node.name == "()");
  return is_applied && std::all_of(node.children.begin(), node.children.end(), is_name);
}

const Node& settled(const Node& node, WorkBudget& budget) {
  if (node.kind != NodeKind::kRelation) return node;
  std::size_t last = node.name.find(kRoughly);
  if (last == std::string::npos) last = node.name.size();
  if (last == 0) return is_name(node.children[0]) ? node.children[1] : node.children[0];
  const bool is_chain = node.name.substr(0, last).find_first_not_of(kEquals) == std::string::npos;
  if (node.name[0] == kElementOf && last == 1 && is_name(node.children[0])) return node.children[1];
  if (!is_chain) return node;
  if (is_name(node.children[0]) || last >= 2) return node.children[last];
  const bool has_value_first = evaluate(node.children[0], budget).kind == ValueKind::kExact;
  if (has_value_first && evaluate(node.children[last], budget).kind == ValueKind::kExact) {
    return node.children[last];
  }
  // 5 = x
  const bool is_turned = has_value_first && node.children[last].kind == NodeKind::kSymbol;
  return is_turned ? node.children[0] : node;
}

std::string name_of(const Node& node, WorkBudget& budget) {
  if (node.kind != NodeKind::kRelation || &settled(node, budget) == &node) return "";
  const Node& name = is_name(node.children.front()) ? node.children.front() : node.children.back();
  return is_name(name) ? text_of_name(name, budget) : "";
}

bool names_conflict(const Node& a, const Node& b, bool is_in_list, WorkBudget& budget) {
  const std::string first = name_of(a, budget), second = name_of(b, budget);
  if (first.empty() || second.empty() || first == second) return false;
  if (is_in_list) {
    const bool have_subscripts =
        first != without_subscript(first) && second != without_subscript(second);
    return !have_subscripts || without_subscript(first) != without_subscript(second);
  }
  return is_coordinate(first) && is_coordinate(second);
}

bool are_named_apart(const std::vector<Node>& elements, WorkBudget& budget) {
  std::set<std::string> names;
  for (const Node& element : elements) {
    const std::string name = name_of(element, budget);
    if (name.empty()) return false;
    const std::string base = without_subscript(name);
    if (!names.insert(base).second) return false;
  }
  return elements.size() > 1;
}

std::vector<Node> in_name_order(const std::vector<Node>& elements, WorkBudget& budget) {
  std::vector<Node> sorted = elements;
  if (!are_named_apart(elements, budget)) return sorted;
  const bool are_letters = std::all_of(elements.begin(), elements.end(), [&](const Node& element) {
    return name_of(element, budget).size() == 1;
  });
  if (!are_letters) return sorted;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Node& a, const Node& b) {
    return name_of(a, budget) < name_of(b, budget);
  });
  return sorted;
}

}  // namespace assay::verifiers
