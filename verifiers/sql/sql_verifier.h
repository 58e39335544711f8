// SQL: the completion's query returns what the reference query returns, on every database given.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/registry.h"

namespace assay::verifiers {

// Options (contracts: unknown ones are refused, E403):
//   "engine" ("sqlite"): or "postgresql".
//   SQLite: "schema", "schema2" to "schema8": scripts that make a database in memory; "database",
//   "databases": files, relative to the context's folder, which nobody may write meanwhile;
//   "double_quoted_text" (false): "Bob" is text where no column has that name.
//   PostgreSQL: "connection", "connections": libpq's connection texts, a password from
//   PGPASSWORD or a password file; the roles must not be able to write.
//   "allowed_tables" (all; an empty list: none): what a completion may read. The tables below an
//   allowed view have to be named too. "order_sensitive" (true): compare the order of rows where
//   the reference's outermost SELECT has an ORDER BY; rows with equal keys may come in any order.
//   Where a LIMIT cuts rows with equal keys, they have to be the reference's. "float_rel_tol"
//   (1e-6), "float_abs_tol" (1e-9); "timeout_s" (2, or the context's); "steps_max" (500 million) of
//   SQLite's machine; "row_cap" (100,000); "bytes_cap" (16 MiB); "schema_check" (false): adds a
//   check that names what the query reads. "result_name" (false): adds a check "result" whose
//   reason names what the query returned on the first database, the same for the same rows, and is
//   empty where it returned nothing; evaluation counts maj@k by it.
//
// Codes. incorrect: wrong_answer; rejected (not one plain query of what is allowed, or none at
// all); runtime_error (the engine refuses it); timeout; memory_limit; output_limit. unscored:
// internal_error where the reference or the database is at fault, judge_unavailable where the
// engine is away, undecided where rows cannot be paired within bounds. `isolation` of the verdict:
// the level that the companion of SQLite has secluded itself at (sandbox/seclusion.h), "process"
// where that is none; "server" on PostgreSQL; "none" where there is no query to run.
Result<std::unique_ptr<Verifier>> make_sql_verifier(const VerifierContext& context,
                                                    std::string_view options_json);

}  // namespace assay::verifiers
