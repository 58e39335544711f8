// SqlitePolicy: what a query may do on SQLite, decided from the parsed statement.
//
// SQLite asks while it compiles a statement (its authorizer), so no rule here reads the query's
// text. Everything that is not allowed is denied: only SELECT over allowed tables with functions
// that always give the same for the same input.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/sql/query_answer.h"

namespace assay::verifiers::sql {

class SqlitePolicy {
 public:
  // `present`: the tables, views and virtual tables of the database. `allowed`: those that a
  // completion may read; empty: all but SQLite's own.
  SqlitePolicy(const std::vector<std::string>& present, const std::vector<std::string>& allowed);

  // Forgets what the last query did.
  void begin(QueryAuthor author);

  // What sqlite3_set_authorizer asks, with its arguments; may be null. True: allowed. The first
  // denial is kept.
  bool allows(int action, const char* first, const char* second, const char* database);

  // The first thing that was denied, for people; empty where nothing was.
  const std::string& denial() const { return denial_; }
  // "table.column" for everything read so far; at most kTouchedMax.
  const std::set<std::string>& touched() const { return touched_; }

  static constexpr std::size_t kTouchedMax = 256;

 private:
  bool may_read(const std::string& table, std::string_view column, const char* database) const;
  bool deny(std::string what);

  std::set<std::string> present_;
  std::set<std::string> allowed_;
  QueryAuthor author_ = QueryAuthor::kCompletion;
  std::string denial_;
  std::set<std::string> touched_;
};

// Whether a function of SQLite is a pure function of its arguments and reads nothing else. The
// clock is guarded elsewhere: date('now') is only seen when it runs.
bool is_pure_sqlite_function(std::string_view name);

}  // namespace assay::verifiers::sql
