// SqlOptions: what the SQL verifier was told, and the engine made from it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"
#include "verifiers/registry.h"
#include "verifiers/sql/query_answer.h"
#include "verifiers/sql/result_compare.h"
#include "verifiers/sql/sql_text.h"

namespace assay::verifiers::sql {

struct SqlOptions {
  Dialect dialect = Dialect::kSqlite;
  std::vector<std::string> scripts;      // SQLite
  std::vector<std::string> files;        // SQLite, absolute or relative to this process
  std::vector<std::string> connections;  // PostgreSQL
  std::vector<std::string> allowed_tables;
  bool allows_double_quoted_text = false;
  bool is_order_sensitive = true;
  bool has_schema_check = false;
  bool names_results = false;
  QueryLimits limits;
  CompareOptions compare;
};

// Errors: kInvalidInput E403.
Result<SqlOptions> read_sql_options(const VerifierContext& context, std::string_view options_json);

std::unique_ptr<QueryEngine> make_engine(const SqlOptions& options);

}  // namespace assay::verifiers::sql
