// The exact value of an expression that is a rational number, and a form that equal ones share.
#pragma once

#include <cstdint>
#include <string>

#include "verifiers/math/exact_number.h"
#include "verifiers/math/expression.h"

namespace assay::verifiers {

enum class ValueKind {
  kExact,      // a rational number
  kUndefined,  // no value: NaN, a division by zero, (-1)!
  kTooLarge,   // a number, but its size or the work exceeds the bounds
  kSymbolic,   // irrational, with variables, or no number at all
};

struct Evaluation {
  ValueKind kind = ValueKind::kSymbolic;
  ExactNumber number = {};
};

// Percent signs and units are not evaluated: a quantity is symbolic.
Evaluation evaluate(const Node& node, WorkBudget& budget);

// A text that equal forms share: numbers evaluated, sums and products in one order. Equal texts
// prove equality; different ones prove nothing.
std::string canonical_form(const Node& node, WorkBudget& budget);

// True for NaN, a division by zero and the like anywhere inside.
bool is_undefined(const Node& node, WorkBudget& budget);

}  // namespace assay::verifiers
