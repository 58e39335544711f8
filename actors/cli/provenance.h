// Where the numbers of a run come from: program, machine, data, weights.
#pragma once

#include <string>
#include <vector>

#include "actors/cli/run_setup.h"
#include "actors/web/report_input.h"

namespace assay::cli {

// Program, compiler, engine, processor, memory, system, training data and the digest of each
// evaluation set, in the order in which they are shown. What cannot be read is left empty.
std::vector<web::ProvenanceFact> provenance_of(const RunSetup& setup);

// "2026-01-31 17:05:09 UTC".
std::string utc_time(std::int64_t wall_ms);

// The words of a command line, quoted where a shell would split or change them.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace assay::cli
