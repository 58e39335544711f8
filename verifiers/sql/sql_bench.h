// How fast the SQL verifier judges, beside the time that SQLite itself takes for the query.
#pragma once

#include <vector>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"
#include "verifiers/verifier_bench.h"

namespace assay::verifiers::sql {

// The figures of verifier_bench() with the name "sql", on queries of a shop of some hundred rows,
// right and wrong, joins and windows; and
//   sql_beyond_query_p50_us, sql_beyond_query_p99_us   a verdict's time less what SQLite took for
//   the
//       completion's query, both measured in the same pass; beside fork_us. Goals: 500, 10,000 us.
// Errors: those of verifier_bench(); kNotFound E420 without the companion.
Result<std::vector<Figure>> sql_bench(const VerifierBenchOptions& options);

}  // namespace assay::verifiers::sql
