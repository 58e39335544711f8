// PostgresConnection: one connection to a PostgreSQL server, with a deadline on everything.
//
// Not thread-safe. libpq is used without blocking, so that a server that hangs keeps nobody longer
// than the deadline.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/core/clock.h"
#include "runtime/core/result.h"
#include "verifiers/sql/query_answer.h"

namespace assay::verifiers::sql {

// How a statement ended: rows, or the server's refusal.
struct PostgresOutcome {
  std::string sqlstate;  // five characters where the server refused it, else empty
  std::string message;   // the server's words
  ResultTable table;
  std::vector<std::string> column_names;
  bool is_over_limit = false;  // more rows or bytes than allowed; the connection is of no more use
};

class PostgresConnection {
 public:
  // `connection` is libpq's connection text or URI.
  // Errors: kUnavailable, kTimedOut, in words without the text, which may hold a password.
  static Result<std::unique_ptr<PostgresConnection>> open(const std::string& connection,
                                                          SteadyTime deadline);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Our own statements, several in one text; no rows are kept.
  Result<PostgresOutcome> command(const std::string& statements, SteadyTime deadline);
  // One statement by the extended protocol, which refuses a second one, row by row.
  // Errors of both: kUnavailable when the server is gone, kTimedOut. After an error the connection
  // is of no more use.
  Result<PostgresOutcome> query(const std::string& statement, const QueryLimits& limits,
                                SteadyTime deadline);

 private:
  struct State;
  explicit PostgresConnection(std::unique_ptr<State> state);

  Result<PostgresOutcome> collect(const QueryLimits& limits, SteadyTime deadline);
  Result<void> wait(short events, SteadyTime deadline);

  std::unique_ptr<State> state_;
};

}  // namespace assay::verifiers::sql
