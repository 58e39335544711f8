// ReportInput as JSON and back: report/report_input.json.
#pragma once

#include <string>
#include <string_view>

#include "actors/web/report_input.h"
#include "runtime/core/result.h"

namespace assay::web {

// One JSON document; every double is written so that it reads back bit-equal. Text that is not
// UTF-8 has its invalid bytes replaced.
std::string report_input_to_json(const ReportInput& input);

// Errors: kCorrupt naming the field when the text is not such a document, a field is missing or has
// another type, or an enumerator is out of range.
Result<ReportInput> report_input_from_json(std::string_view text);

}  // namespace assay::web
