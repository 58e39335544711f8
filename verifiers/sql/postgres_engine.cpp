#include "verifiers/sql/postgres_engine.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "runtime/core/json.h"
#include "verifiers/sql/postgres_policy.h"
#include "verifiers/sql/sql_names.h"
#include "verifiers/sql/sql_text.h"

namespace assay::verifiers::sql {

namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kConnectLimit{3};
constexpr milliseconds kCommandLimit{2000};
// The server stops a query itself at the limit; a connection that stays silent is dropped after.
constexpr milliseconds kGrace{100};
constexpr std::size_t kIdleMax = 16;

// Everything a role may do beyond reading tables, as words; empty is right.
constexpr const char* kRightsQuery = R"(
SELECT concat_ws(', ',
  CASE WHEN r.rolsuper THEN 'is a superuser' END,
  CASE WHEN r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
    THEN 'may create roles or databases, replicate or pass row security' END,
  CASE WHEN EXISTS (SELECT FROM pg_roles g WHERE g.rolname IN ('pg_read_server_files',
      'pg_write_server_files', 'pg_execute_server_program', 'pg_write_all_data',
      'pg_signal_backend') AND pg_has_role(g.oid, 'MEMBER'))
    THEN 'is a member of a role of the server' END,
  CASE WHEN has_database_privilege(current_database(), 'CREATE')
      OR has_database_privilege(current_database(), 'TEMP')
    THEN 'may create schemas or temporary tables' END,
  CASE WHEN EXISTS (SELECT FROM pg_namespace n WHERE has_schema_privilege(n.oid, 'CREATE')
      AND n.nspname NOT LIKE 'pg\_temp%') THEN 'may create tables' END,
  CASE WHEN EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT IN ('pg_catalog',
      'information_schema') AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
    THEN 'may write tables' END)
FROM pg_roles r WHERE r.rolname = current_user)";

QueryAnswer unavailable(std::string reason) {
  return QueryAnswer::ended(QueryStatus::kUnavailable, std::move(reason));
}

std::string begin_statements(const QueryLimits& limits) {
  return "BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = " +
         std::to_string(limits.time.count()) +
         "; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL jit = off; "
         "SET LOCAL bytea_output = 'hex'; SET LOCAL synchronize_seqscans = off; "
         "SET LOCAL cursor_tuple_fraction = 1";
}

// The server's refusal of a query as a status.
QueryAnswer refused(const PostgresOutcome& outcome, const QueryLimits& limits) {
  const std::string& state = outcome.sqlstate;
  const std::string_view kind = std::string_view(state).substr(0, 2);
  if (state == "57014") {
    return QueryAnswer::ended(QueryStatus::kTimedOut, time_limit_reason(limits));
  }
  if (state == "42501" || state == "25006") {  // no privilege, a write
    return QueryAnswer::ended(QueryStatus::kRejected, outcome.message);
  }
  if (state == "53400" || state == "53200" || state == "54000") {
    return QueryAnswer::ended(QueryStatus::kMemoryLimit, "the query needs too much memory or disk");
  }
  // The server ends, lacks resources, or is damaged.
  if (kind == "57" || kind == "08" || kind == "53" || kind == "58" || kind == "XX") {
    return unavailable("the PostgreSQL server: " + outcome.message);
  }
  return QueryAnswer::ended(QueryStatus::kFailed, outcome.message);
}

// Every table in a plan of EXPLAIN (FORMAT JSON).
void collect_tables(const Json& node, std::set<std::string>& tables) {
  if (node.is_object()) {
    const auto name = node.find("Relation Name");
    if (name != node.end() && name->is_string())
      tables.insert(lower_case(name->get<std::string>()));
  }
  if (node.is_structured()) {
    for (const Json& child : node) collect_tables(child, tables);
  }
}

// One query on one connection. After an answer that is_lost() the connection is of no more use.
class Session {
 public:
  Session(PostgresConnection& connection, const PostgresOptions& options, const QueryLimits& limits)
      : connection_(connection), options_(options), limits_(limits) {}

  bool is_lost() const { return is_lost_; }
  // Nothing of the query has been sent yet: another connection may be tried.
  bool is_unsent() const { return is_unsent_; }

  QueryAnswer run(const std::string& query, QueryAuthor author) {
    const SystemClock clock;
    const auto begun = connection_.command(begin_statements(limits_), clock.now() + kCommandLimit);
    if (!begun || !begun->sqlstate.empty()) return lost("the PostgreSQL server is away");
    is_unsent_ = false;
    const SteadyTime start = clock.now();
    deadline_ = start + limits_.time + kGrace;
    QueryAnswer answer = run_in_transaction(query, author);
    answer.query_us = static_cast<std::uint64_t>((clock.now() - start).count());
    if (!is_lost_) clean_up();
    return answer;
  }

 private:
  QueryAnswer lost(const std::string& reason) {
    is_lost_ = true;
    return unavailable(reason);
  }

  // The outcome of a statement, or how the query ended with it.
  std::optional<PostgresOutcome> ask(const std::string& statement, QueryAnswer& ended) {
    auto outcome = connection_.query(statement, limits_, deadline_);
    if (!outcome) {
      ended = lost("the PostgreSQL server went away");
      if (outcome.error().code == ErrorCode::kTimedOut) {
        ended = QueryAnswer::ended(QueryStatus::kTimedOut, time_limit_reason(limits_));
      }
      return {};
    }
    if (outcome->is_over_limit) {
      is_lost_ = true;
      ended = QueryAnswer::ended(QueryStatus::kOutputLimit,
                                 "the query returns more than " + std::to_string(limits_.rows_max) +
                                     " rows or " + std::to_string(limits_.bytes_max) + " bytes");
      return {};
    }
    if (!outcome->sqlstate.empty()) {
      ended = refused(*outcome, limits_);
      return {};
    }
    return std::move(*outcome);
  }

  QueryAnswer run_in_transaction(const std::string& query, QueryAuthor author) {
    QueryAnswer answer;
    if (!options_.allowed_tables.empty() || options_.lists_tables) {
      const auto plan = ask("EXPLAIN (FORMAT JSON) " + query, answer);
      if (!plan) return answer;
      if (auto refusal = check_tables(*plan, author, answer)) return std::move(*refusal);
    }
    if (!ask("DECLARE answer NO SCROLL CURSOR FOR " + query, answer)) return answer;
    auto rows =
        ask("FETCH FORWARD " + std::to_string(limits_.rows_max + 1) + " FROM answer", answer);
    if (!rows) return answer;
    answer.status = QueryStatus::kDone;
    answer.table = std::move(rows->table);
    answer.column_names = std::move(rows->column_names);
    return answer;
  }

  std::optional<QueryAnswer> check_tables(const PostgresOutcome& plan, QueryAuthor author,
                                          QueryAnswer& answer) const {
    std::set<std::string> tables;
    for (const Value& cell : plan.table.cells) {
      if (const auto* text = std::get_if<std::string>(&cell))
        collect_tables(parse_json(*text), tables);
    }
    answer.touched.assign(tables.begin(), tables.end());
    if (author == QueryAuthor::kReference || options_.allowed_tables.empty()) return {};
    for (const std::string& table : tables) {
      const bool is_allowed = std::ranges::any_of(
          options_.allowed_tables, [&](const auto& one) { return lower_case(one) == table; });
      if (!is_allowed) {
        return QueryAnswer::ended(QueryStatus::kRejected, "it reads the table " + table);
      }
    }
    return {};
  }

  void clean_up() {
    for (const char* statement : {"ROLLBACK", "DISCARD ALL"}) {
      const auto done = connection_.command(statement, SystemClock().now() + kCommandLimit);
      is_lost_ = is_lost_ || !done || !done->sqlstate.empty();
    }
  }

  PostgresConnection& connection_;
  const PostgresOptions& options_;
  const QueryLimits& limits_;
  SteadyTime deadline_{};
  bool is_lost_ = false;
  bool is_unsent_ = true;
};

}  // namespace

PostgresEngine::PostgresEngine(PostgresOptions options)
    : options_(std::move(options)), idle_(options_.connections.size()) {}

PostgresEngine::~PostgresEngine() = default;

Result<std::unique_ptr<PostgresConnection>> PostgresEngine::borrow(std::size_t database,
                                                                   bool is_fresh) {
  {
    const std::lock_guard lock(idle_[database].mutex);
    auto& idle = idle_[database].connections;
    if (is_fresh) idle.clear();  // the server was restarted: none of them is alive
    if (!idle.empty()) {
      auto connection = std::move(idle.back());
      idle.pop_back();
      return connection;
    }
  }
  const SteadyTime deadline = SystemClock().now() + kConnectLimit;
  auto opened = PostgresConnection::open(options_.connections[database], deadline);
  if (!opened) return opened;
  const auto rights = (*opened)->query(kRightsQuery, {}, deadline);
  if (!rights) return rights.error();
  const auto* words =
      rights->table.cells.size() == 1 ? std::get_if<std::string>(&rights->table.cells[0]) : nullptr;
  if (words == nullptr || !words->empty()) {
    return Error{ErrorCode::kInvalidInput,
                 "the role of \"connection\" must only be able to SELECT, but it " +
                     (words == nullptr ? "is not known" : *words),
                 "", "", ""};
  }
  return opened;
}

void PostgresEngine::give_back(std::size_t database,
                               std::unique_ptr<PostgresConnection> connection) {
  const std::lock_guard lock(idle_[database].mutex);
  if (idle_[database].connections.size() < kIdleMax) {
    idle_[database].connections.push_back(std::move(connection));
  }
}

QueryAnswer PostgresEngine::run(std::size_t database, std::string_view query, QueryAuthor author,
                                const QueryLimits& limits) {
  QueryAnswer answer = ask(database, query, author, limits);
  answer.isolation = "server";
  return answer;
}

QueryAnswer PostgresEngine::ask(std::size_t database, std::string_view query, QueryAuthor author,
                                const QueryLimits& limits) {
  const std::string plain(without_semicolons(query, Dialect::kPostgresql));
  if (query.find('\0') != std::string_view::npos) {
    return QueryAnswer::ended(QueryStatus::kRejected, "the query holds a NUL character");
  }
  if (author == QueryAuthor::kCompletion) {
    if (std::string refusal = postgres_refusal(plain); !refusal.empty()) {
      return QueryAnswer::ended(QueryStatus::kRejected, std::move(refusal));
    }
  }
  // An idle connection may have died with its server; then a fresh one is tried.
  QueryAnswer answer;
  for (const bool is_fresh : {false, true}) {
    auto connection = borrow(database, is_fresh);
    if (!connection) return unavailable(connection.error().message);
    Session session(**connection, options_, limits);
    answer = session.run(plain, author);
    if (!session.is_lost()) give_back(database, std::move(*connection));
    if (!session.is_unsent()) break;
  }
  return answer;
}

}  // namespace assay::verifiers::sql
