#include "verifiers/sql/sqlite_policy.h"

#include <sqlite3.h>

#include <algorithm>

#include "verifiers/sql/sql_names.h"

namespace assay::verifiers::sql {

namespace {

// Sorted. Not here on purpose: random, randomblob, changes, total_changes, last_insert_rowid,
// current_date, current_time, current_timestamp, load_extension, fts3_tokenizer and sqlite_*.
// clang-format off
constexpr std::string_view kPureFunctions[] = {
    "->", "->>", "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg", "ceil",
    "ceiling", "char", "coalesce", "cos", "cosh", "count", "cume_dist", "date", "datetime",
    "degrees", "dense_rank", "exp", "first_value", "floor", "format", "glob", "group_concat",
    "hex", "ifnull", "iif", "instr", "json", "json_array", "json_array_length", "json_extract",
    "json_group_array", "json_group_object", "json_insert", "json_object", "json_patch",
    "json_quote", "json_remove", "json_replace", "json_set", "json_type", "json_valid",
    "julianday", "lag", "last_value", "lead", "length", "like", "likelihood", "likely", "ln",
    "log", "log10", "log2", "lower", "ltrim", "max", "min", "mod", "nth_value", "ntile", "nullif",
    "percent_rank", "pi", "pow", "power", "printf", "quote", "radians", "rank", "replace",
    "round", "row_number", "rtrim", "sign", "sin", "sinh", "soundex", "sqrt", "strftime",
    "substr", "substring", "sum", "tan", "tanh", "time", "total", "trim", "trunc", "typeof",
    "unicode", "unixepoch", "unlikely", "upper", "zeroblob",
};
// clang-format on
static_assert(std::ranges::is_sorted(kPureFunctions));

// Table-valued functions that compute from their arguments alone.
bool is_pure_table_function(std::string_view table) {
  return table == "json_each" || table == "json_tree";
}

bool is_sqlites_own(std::string_view table) {
  return table.starts_with("sqlite_") || table.starts_with("pragma_");
}

const char* action_name(int action) {
  switch (action) {
    case SQLITE_INSERT:
      return "INSERT";
    case SQLITE_DELETE:
      return "DELETE";
    case SQLITE_UPDATE:
      return "UPDATE";
    case SQLITE_PRAGMA:
      return "PRAGMA";
    case SQLITE_ATTACH:
      return "ATTACH";
    case SQLITE_DETACH:
      return "DETACH";
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      return "a transaction";
    case SQLITE_REINDEX:
      return "REINDEX";
    case SQLITE_ANALYZE:
      return "ANALYZE";
    case SQLITE_ALTER_TABLE:
      return "ALTER TABLE";
    default:
      return "a change of the schema";
  }
}

// Statements that change the schema begin by writing to SQLite's own tables.
bool writes_schema(int action, std::string_view table) {
  return (action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE) &&
         (table == "sqlite_master" || table == "sqlite_temp_master");
}

std::string_view text_of(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

}  // namespace

SqlitePolicy::SqlitePolicy(const std::vector<std::string>& present,
                           const std::vector<std::string>& allowed) {
  for (const std::string& table : present) present_.insert(lower_case(table));
  for (const std::string& table : allowed) allowed_.insert(lower_case(table));
  if (!allowed.empty()) return;
  for (const std::string& table : present_) {
    if (!is_sqlites_own(table)) allowed_.insert(table);
  }
}

void SqlitePolicy::begin(QueryAuthor author) {
  author_ = author;
  denial_.clear();
  touched_.clear();
}

bool SqlitePolicy::deny(std::string what) {
  if (denial_.empty()) denial_ = std::move(what);
  return false;
}

bool SqlitePolicy::may_read(const std::string& table, std::string_view column,
                            const char* database) const {
  if (is_pure_table_function(table)) return true;
  if (is_sqlites_own(table)) return false;
  if (allowed_.contains(table)) return true;
  if (present_.contains(table)) return author_ == QueryAuthor::kReference;
  // A WITH table or a subquery that is named without any of its columns: what it reads itself is
  // asked for separately.
  return column.empty() && database == nullptr;
}

bool SqlitePolicy::allows(int action, const char* first, const char* second, const char* database) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return true;
    case SQLITE_READ: {
      const std::string table = lower_case(text_of(first));
      const std::string_view column = text_of(second);
      if (!may_read(table, column, database)) return deny("it reads the table " + table);
      if (present_.contains(table) && touched_.size() < kTouchedMax) {
        touched_.insert(column.empty() ? table : table + "." + lower_case(column));
      }
      return true;
    }
    case SQLITE_FUNCTION: {
      const std::string name = lower_case(text_of(second));
      return is_pure_sqlite_function(name) || deny("it calls the function " + name);
    }
    default:
      return deny(
          std::string("it is not a plain query but ") +
          (writes_schema(action, text_of(first)) ? "a change of the schema" : action_name(action)));
  }
}

bool is_pure_sqlite_function(std::string_view name) {
  return std::ranges::binary_search(kPureFunctions, name);
}

}  // namespace assay::verifiers::sql
