// Whether two parsed answers are the same mathematical object.
#pragma once

#include <string>

#include "verifiers/math/exact_number.h"
#include "verifiers/math/expression.h"

namespace assay::verifiers {

enum class Agreement {
  kEqual,      // proved
  kDifferent,  // proved, or never equal by rule (other kind of object, undefined)
  kUndecided,  // no proof either way within the limits
};

struct EquivalenceOptions {
  int float_digits = 0;  // see make_math_verifier()
  bool compares_sets_with_relations = false;
};

// Compares an answer with the reference. Not symmetric: a decimal answer may stand for a fraction
// of the reference (float_digits), a bare number for a reference with a unit or percent sign.
Agreement compare_answers(const Node& reference, const Node& answer,
                          const EquivalenceOptions& options, WorkBudget& budget);

// True for NaN, a division by zero and the like anywhere inside.
bool is_undefined(const Node& node, WorkBudget& budget);

}  // namespace assay::verifiers
