// Names of tables, columns and functions.
#pragma once

#include <string>
#include <string_view>

namespace assay::verifiers::sql {

// ASCII letters in lower case: names are compared so.
std::string lower_case(std::string_view text);

}  // namespace assay::verifiers::sql
