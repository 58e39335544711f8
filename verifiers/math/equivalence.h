// Whether two parsed answers are the same mathematical object.
#pragma once

#include <string>
#include <string_view>

#include "verifiers/math/agreement.h"
#include "verifiers/math/exact_number.h"
#include "verifiers/math/expression.h"

namespace assay::verifiers {

struct EquivalenceOptions {
  int float_digits = 0;  // see make_math_verifier()
  bool compares_sets_with_relations = false;
  bool is_strict = true;
};

struct AnswerComparison {
  Agreement agreement = Agreement::kUndecided;
  bool is_numeric = false;  // some part was compared by its values at sample points
};

// Compares an answer with the reference: exact numbers first, then rational functions exactly, then
// balls at points drawn from the hash of `seed_text` (the reference as written). Not symmetric: a
// decimal answer may stand for a fraction of the reference (float_digits), a bare number for a
// reference with a unit, values without names for named ones.
AnswerComparison compare_answers(const Node& reference, const Node& answer,
                                 std::string_view seed_text, const EquivalenceOptions& options,
                                 WorkBudget& budget);

}  // namespace assay::verifiers
