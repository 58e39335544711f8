// Sets of real numbers: unions of intervals and points in one normal form.
#pragma once

#include <optional>
#include <string>

#include "verifiers/math/exact_number.h"
#include "verifiers/math/expression.h"

namespace assay::verifiers {

// Whether the node is an interval, a union, R, or a difference or intersection of such; a pair in
// round brackets counts, for it may be an open interval.
bool may_be_number_set(const Node& node);

// A text that equal sets of real numbers share, e.g. for (0,1) u [1,2) and (0,2): "(0,2)". Nothing
// where an end is not a rational number or infinity. Equal texts are equal sets; different texts
// different ones.
std::optional<std::string> set_form(const Node& node, WorkBudget& budget);

// The set of the values of one variable that a relation allows: x > 2 is (2, infinity), -2 <= x < 7
// is [-2, 7), x != 3 is everything else. A list of relations is their union. Nothing where the
// relation is not about one name alone.
std::optional<Node> solution_set(const Node& relation);

}  // namespace assay::verifiers
