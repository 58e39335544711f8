#include "verifiers/math/matrix_algebra.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "verifiers/math/evaluation.h"

namespace assay::verifiers {

namespace {

constexpr std::size_t kCellsMax = 144;

Node node_of(NodeKind kind, Node first, Node second) {
  Node node;
  node.kind = kind;
  node.children.push_back(std::move(first));
  node.children.push_back(std::move(second));
  return node;
}

Node negation_of(Node value) {
  Node node;
  node.kind = NodeKind::kNegation;
  node.children.push_back(std::move(value));
  return node;
}

std::size_t row_count(const Node& matrix) {
  return matrix.children.size();
}
// 0 where the rows differ in length or are too many.
std::size_t column_count(const Node& matrix) {
  if (matrix.children.empty()) return 0;
  const std::size_t columns = matrix.children[0].children.size();
  for (const Node& row : matrix.children) {
    if (row.children.size() != columns) return 0;
  }
  return columns * row_count(matrix) > kCellsMax ? 0 : columns;
}

std::size_t node_count(const Node& node) {
  std::size_t count = 1;
  for (const Node& child : node.children) count += node_count(child);
  return count;
}

template <class Change>
Node with_cells(Node matrix, Change change) {
  for (Node& row : matrix.children) {
    for (Node& cell : row.children) cell = change(std::move(cell));
  }
  return matrix;
}

std::optional<Node> sum_of(const Node& a, const Node& b) {
  if (row_count(a) != row_count(b) || column_count(a) != column_count(b)) return {};
  Node sum = a;
  for (std::size_t i = 0; i < sum.children.size(); ++i) {
    for (std::size_t j = 0; j < sum.children[i].children.size(); ++j) {
      Node& cell = sum.children[i].children[j];
      cell = node_of(NodeKind::kSum, std::move(cell), b.children[i].children[j]);
    }
  }
  return sum;
}

std::optional<Node> product_of(const Node& a, const Node& b, WorkBudget& budget) {
  const std::size_t inner = column_count(a), columns = column_count(b);
  if (inner == 0 || columns == 0 || inner != row_count(b) || row_count(a) * columns > kCellsMax ||
      !budget.take(200 * node_count(a) * node_count(b))) {
    return {};
  }
  Node product;
  product.kind = NodeKind::kMatrix;
  for (const Node& row : a.children) {
    Node cells;
    cells.kind = NodeKind::kList;
    for (std::size_t j = 0; j < columns; ++j) {
      Node cell;
      cell.kind = NodeKind::kSum;
      for (std::size_t k = 0; k < inner; ++k) {
        cell.children.push_back(
            node_of(NodeKind::kProduct, row.children[k], b.children[k].children[j]));
      }
      cells.children.push_back(std::move(cell));
    }
    product.children.push_back(std::move(cells));
  }
  return product;
}

Node transpose_of(const Node& matrix) {
  Node turned;
  turned.kind = NodeKind::kMatrix;
  for (std::size_t j = 0; j < column_count(matrix); ++j) {
    Node row;
    row.kind = NodeKind::kList;
    for (const Node& old : matrix.children) row.children.push_back(old.children[j]);
    turned.children.push_back(std::move(row));
  }
  return turned;
}

bool has_matrix(const Node& node) {
  return node.kind == NodeKind::kMatrix ||
         std::any_of(node.children.begin(), node.children.end(), has_matrix);
}

// One factor times the next, either of them a matrix or a number.
std::optional<Node> times(const Node& a, const Node& b, WorkBudget& budget) {
  const bool is_left = a.kind == NodeKind::kMatrix, is_right = b.kind == NodeKind::kMatrix;
  if (is_left && is_right) return product_of(a, b, budget);
  if (!is_left && !is_right) return node_of(NodeKind::kProduct, a, b);
  const Node& scalar = is_left ? b : a;
  if (!budget.take(200 * node_count(a) * (node_count(b) + 1))) return {};
  return with_cells(is_left ? a : b, [&](Node cell) {
    return node_of(NodeKind::kProduct, scalar, std::move(cell));
  });
}

std::optional<Node> power_of(const Node& base, const Node& exponent, WorkBudget& budget) {
  constexpr std::int64_t kPowerMax = 8;
  if (exponent.kind == NodeKind::kSymbol && (exponent.name == "T" || exponent.name == "\\top")) {
    return transpose_of(base);
  }
  const Evaluation value = evaluate(exponent, budget);
  const auto times_left = value.kind == ValueKind::kExact ? value.number.as_small() : std::nullopt;
  if (!times_left || *times_left < 1 || *times_left > kPowerMax) return {};
  std::optional<Node> result = base;
  for (std::int64_t i = 1; i < *times_left && result; ++i) {
    result = product_of(*result, base, budget);
  }
  return result;
}

// Like folded_matrix(), but a part without a matrix stands for itself.
std::optional<Node> fold(const Node& node, WorkBudget& budget) {
  if (!has_matrix(node)) return node;
  if (node.kind == NodeKind::kMatrix) {
    return column_count(node) == 0 ? std::nullopt : std::optional(node);
  }
  const bool is_known = node.kind == NodeKind::kSum || node.kind == NodeKind::kProduct ||
                        node.kind == NodeKind::kNegation || node.kind == NodeKind::kQuotient ||
                        node.kind == NodeKind::kPower;
  if (!is_known || !budget.take(1000)) return {};
  std::optional<Node> total = fold(node.children[0], budget);
  if (!total) return {};
  if (node.kind == NodeKind::kNegation) return with_cells(std::move(*total), negation_of);
  if (node.kind == NodeKind::kPower) {
    if (total->kind != NodeKind::kMatrix || has_matrix(node.children[1])) return {};
    return power_of(*total, node.children[1], budget);
  }
  for (std::size_t i = 1; i < node.children.size() && total; ++i) {
    const auto next = fold(node.children[i], budget);
    if (!next) return {};
    if (node.kind == NodeKind::kSum) {
      if (total->kind != NodeKind::kMatrix || next->kind != NodeKind::kMatrix) return {};
      total = sum_of(*total, *next);
    } else if (node.kind == NodeKind::kProduct) {
      total = times(*total, *next, budget);
    } else {
      if (total->kind != NodeKind::kMatrix || next->kind == NodeKind::kMatrix) return {};
      total = with_cells(std::move(*total), [&](Node cell) {
        return node_of(NodeKind::kQuotient, std::move(cell), *next);
      });
    }
  }
  return total;
}

}  // namespace

std::optional<Node> folded_matrix(const Node& node, WorkBudget& budget) {
  if (!has_matrix(node)) return {};
  auto folded = fold(node, budget);
  if (!folded || folded->kind != NodeKind::kMatrix) return {};
  return folded;
}

}  // namespace assay::verifiers
