// The report of a run as one self-contained HTML page: no scripts, nothing loaded from elsewhere.
#pragma once

#include <string>

#include "actors/web/report_input.h"
#include "runtime/core/result.h"

namespace assay::web {

// The page. Pure: the same input gives the same bytes. Charts are inline SVG; light and dark follow
// the reader's system. Every text of the input is escaped, control characters are shown as visible
// symbols. Missing values show as a dash with their reason.
std::string report_page(const ReportInput& input);

// What the report opens with, in plain text and one paragraph: what was gained and how sure that is.
std::string verdict_sentence(const ReportInput& input);

// Writes index.html, summary.json and report_input.json into `folder`, durably.
// Errors: errno codes, naming the file.
Result<void> write_report(const ReportInput& input, const std::string& folder);

}  // namespace assay::web
