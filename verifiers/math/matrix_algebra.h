// Sums, products and multiples of matrices, worked out cell by cell.
#pragma once

#include <optional>

#include "verifiers/math/exact_number.h"
#include "verifiers/math/expression.h"

namespace assay::verifiers {

// The matrix that an expression of matrices is worth, its cells expressions; nothing where the
// expression has no matrix in it, the sizes do not fit, or the work exceeds the budget. Knows sums,
// differences, products, multiples by a number, whole powers up to 8 and the transpose ^T.
std::optional<Node> folded_matrix(const Node& node, WorkBudget& budget);

}  // namespace assay::verifiers
