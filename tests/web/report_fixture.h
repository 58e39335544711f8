// A ReportInput as a finished run would fill it: two sources, a control, alerts and hostile text.
#pragma once

#include "actors/web/report_input.h"

namespace assay::web {

// The policy's first try improves in range while its reach stays; longer chains stay out of reach.
ReportInput finished_run();

// The least a run can say: one source measured once, nothing trained.
ReportInput bare_evaluation();

}  // namespace assay::web
