// The names that answers give their values: x = 5, f(x) = 1, AB = 4.
#pragma once

#include <string>
#include <vector>

#include "verifiers/math/expression.h"

namespace assay::verifiers {

// A symbol, words, or letters applied to letters: x, f(x), AB, V_1 : V_2.
bool is_name(const Node& node);

// The value that a chain of relations settles on: x = 5+5+1 = 1/3 \approx 0.33 is 1/3, and x \in S
// is S. An equation between two expressions stays an equation.
const Node& settled(const Node& node, WorkBudget& budget);

// What an equation or membership names: "x"; empty for anything else. The argument of a function is
// left out, so W(n) and W(x) are one name.
std::string name_of(const Node& node, WorkBudget& budget);

// Whether both are named, and differently, so that their values belong to different things. Alone
// only the coordinates x, y and z count as different; roots x_1 and x_2 never do.
bool names_conflict(const Node& a, const Node& b, bool is_in_list, WorkBudget& budget);

// The elements of a list in the order of their names, where all have names and these are different
// letters; else as they stand.
std::vector<Node> in_name_order(const std::vector<Node>& elements, WorkBudget& budget);

// Whether all elements have names that are all different, so that their order matters to a list
// without names.
bool are_named_apart(const std::vector<Node>& elements, WorkBudget& budget);

}  // namespace assay::verifiers
