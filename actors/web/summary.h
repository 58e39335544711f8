// report/summary.json: the report's numbers for scripts, in the shape that the contracts fix.
#pragma once

#include <string>

#include "actors/web/report_input.h"

namespace assay::web {

// One JSON document. All rates are fractions; a value that cannot be computed is null with a reason
// beside it (`null_reason`).
std::string summary_json(const ReportInput& input);

}  // namespace assay::web
