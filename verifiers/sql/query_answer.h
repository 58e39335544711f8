// QueryAnswer: how one query on one database ended. The same for every engine.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/sql/result_table.h"

namespace assay::verifiers::sql {

enum class QueryStatus : std::uint8_t {
  kDone,
  kRejected,     // not a plain query of the allowed tables and functions; nothing of it counts
  kFailed,       // the engine refuses it: syntax, unknown names, an error while it ran
  kTimedOut,     // over its time or its steps
  kMemoryLimit,  // over the engine's memory or disk for temporary rows
  kOutputLimit,  // more rows or bytes than a result may have
  kUnavailable,  // the engine or the database is at fault, not the query
};

struct QueryLimits {
  std::chrono::milliseconds time{2000};     // of the query alone, by the wall clock
  std::uint64_t steps_max = 2'000'000'000;  // instructions of SQLite's machine; others ignore it
  std::uint64_t rows_max = 100'000;
  std::uint64_t bytes_max = 16u << 20;  // of all values together
};

struct QueryAnswer {
  QueryStatus status = QueryStatus::kUnavailable;
  std::string reason;  // where not kDone: why, without times or addresses; foreign text inside
  ResultTable table;
  std::vector<std::string> column_names;
  std::vector<std::string> touched;  // "table.column" that the query reads, sorted, each once
  std::uint64_t query_us = 0;        // the engine's own time for it
  std::string isolation = "none";    // how the query was contained; "none" where it was not run

  static QueryAnswer ended(QueryStatus status, std::string reason) {
    QueryAnswer answer;
    answer.status = status;
    answer.reason = std::move(reason);
    return answer;
  }
};

// The words of a query that ran out of time: the same whoever noticed it.
std::string time_limit_reason(const QueryLimits& limits);

// Whose query it is. A reference may read every table of its database; a completion only those
// that are allowed.
enum class QueryAuthor : std::uint8_t { kCompletion, kReference };

// Runs queries on the databases that a question is asked of. Thread-safe.
class QueryEngine {
 public:
  virtual ~QueryEngine() = default;
  virtual std::size_t database_count() const = 0;
  // `database` is below database_count(). Never throws; returns within the time limit and 0.2 s,
  // plus what opening the database takes where it is not open yet.
  virtual QueryAnswer run(std::size_t database, std::string_view query, QueryAuthor author,
                          const QueryLimits& limits) = 0;
};

}  // namespace assay::verifiers::sql
