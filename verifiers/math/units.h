// Units of measurement: their spellings, and how they convert.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "verifiers/math/exact_number.h"

namespace assay::verifiers {

struct Unit {
  std::string dimension;  // e.g. "length^2"; the unit's own name where it measures nothing known
  ExactNumber scale{1};   // how many of the dimension's base unit it is
};

// The unit of a lower-case text such as "cm", "square feet", "meter per second". Words that no
// table knows ("apple") are a dimension of their own.
Unit unit_of(std::string_view text, WorkBudget& budget);

}  // namespace assay::verifiers
