// PostgresEngine: runs queries on PostgreSQL servers as a role that can only read.
//
// Each query has its own read-only transaction, is declared as a cursor (which the server accepts
// for a SELECT alone, and a single one), and is followed by ROLLBACK and DISCARD ALL.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "verifiers/sql/postgres_connection.h"
#include "verifiers/sql/query_answer.h"

namespace assay::verifiers::sql {

struct PostgresOptions {
  std::vector<std::string> connections;     // one a database; not empty
  std::vector<std::string> allowed_tables;  // empty: whatever the role may read
  bool lists_tables = false;                // fill QueryAnswer::touched, with tables alone
};

class PostgresEngine final : public QueryEngine {
 public:
  // Connects with the first query.
  explicit PostgresEngine(PostgresOptions options);
  ~PostgresEngine() override;

  std::size_t database_count() const override { return options_.connections.size(); }
  // kUnavailable where the server is away, or the role may do more than read.
  QueryAnswer run(std::size_t database, std::string_view query, QueryAuthor author,
                  const QueryLimits& limits) override;

 private:
  struct Idle {
    std::mutex mutex;
    std::vector<std::unique_ptr<PostgresConnection>> connections;
  };

  QueryAnswer ask(std::size_t database, std::string_view query, QueryAuthor author,
                  const QueryLimits& limits);
  Result<std::unique_ptr<PostgresConnection>> borrow(std::size_t database, bool is_fresh);
  void give_back(std::size_t database, std::unique_ptr<PostgresConnection> connection);

  PostgresOptions options_;
  std::vector<Idle> idle_;
};

}  // namespace assay::verifiers::sql
