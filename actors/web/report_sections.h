// The sections of the report page, each a piece of HTML made from its part of the input.
#pragma once

#include <string>

#include "actors/web/report_input.h"

namespace assay::web {

// What the evaluations say: evaluation_sections.cpp.
std::string key_figures(const ReportInput& input);      // the few numbers that carry the verdict
std::string pass_section(const ReportInput& input);     // pass@k before and after, by source
std::string gain_section(const ReportInput& input);     // compression against capability
std::string reading_section(const ReportInput& input);  // the table, with the row that applies
std::string control_section(const ReportInput& input);  // the same steps, other rewards
std::string shift_section(const ReportInput& input);    // what became of each prompt

// What was written and how it was judged: rollout_sections.cpp.
std::string compared_section(const ReportInput& input);  // the same prompts, before and after
std::string verdict_section(const ReportInput& input);   // verdicts by code
std::string rollouts_section(const ReportInput& input);  // verdicts to check by hand

// What training did: training_sections.cpp.
std::string learning_section(const ReportInput& input);
std::string health_section(const ReportInput& input);
std::string staleness_section(const ReportInput& input);
std::string time_section(const ReportInput& input);
std::string accounting_section(const ReportInput& input);
std::string provenance_section(const ReportInput& input);

}  // namespace assay::web
