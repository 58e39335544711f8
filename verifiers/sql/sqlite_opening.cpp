// How a database is opened and hardened.
#include <utility>
#include <vector>

#include "verifiers/sql/sqlite_database.h"

namespace assay::verifiers::sql {

namespace {

constexpr std::chrono::seconds kScriptLimit{30};

Error sqlite_error(ErrorCode code, const std::string& attempt, sqlite3* connection) {
  return {code,
          attempt + ": " + (connection == nullptr ? "no memory" : ::sqlite3_errmsg(connection)), "",
          "", ""};
}

// The first column of all rows, as text.
std::vector<std::string> texts_of(sqlite3* connection, const char* query) {
  std::vector<std::string> texts;
  sqlite3_stmt* statement = nullptr;
  if (::sqlite3_prepare_v2(connection, query, -1, &statement, nullptr) != SQLITE_OK) return texts;
  while (::sqlite3_step(statement) == SQLITE_ROW) {
    const auto* text = ::sqlite3_column_text(statement, 0);
    if (text != nullptr) texts.emplace_back(reinterpret_cast<const char*>(text));
  }
  ::sqlite3_finalize(statement);
  return texts;
}

void set_limits(sqlite3* connection) {
  ::sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, 1'000'000);
  ::sqlite3_limit(connection, SQLITE_LIMIT_SQL_LENGTH, 1'000'000);
  ::sqlite3_limit(connection, SQLITE_LIMIT_EXPR_DEPTH, 1000);
  ::sqlite3_limit(connection, SQLITE_LIMIT_COMPOUND_SELECT, 50);
  ::sqlite3_limit(connection, SQLITE_LIMIT_COLUMN, 500);
  ::sqlite3_limit(connection, SQLITE_LIMIT_VDBE_OP, 1'000'000);
  ::sqlite3_limit(connection, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50);
  ::sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
  ::sqlite3_limit(connection, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
  ::sqlite3_limit(connection, SQLITE_LIMIT_WORKER_THREADS, 0);
}

// Deadline of a script: a plain pointer to the end is all its progress callback needs.
int stop_script(void* end) {
  return SystemClock().now() > *static_cast<const SteadyTime*>(end) ? 1 : 0;
}

}  // namespace

Result<SqliteDatabase::Connection> SqliteDatabase::connect(const std::string& name, int flags) {
  sqlite3* opened = nullptr;
  const int code =
      ::sqlite3_open_v2(name.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, kWatchedVfs);
  Connection connection(opened);
  if (code != SQLITE_OK) return sqlite_error(ErrorCode::kNotFound, "open a database", opened);
  ::sqlite3_extended_result_codes(opened, 0);
  return connection;
}

Result<void> SqliteDatabase::open_file(const FileDescriptor& file) {
  const std::string uri = std::string("file:") + kHandedFile + "?mode=ro&immutable=1";
  hand_to_sqlite(file.get());
  auto connection = connect(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  hand_to_sqlite(-1);
  if (!connection) return connection.error();
  connection_ = std::move(*connection);
  return {};
}

Result<void> SqliteDatabase::open_script(const std::string& script) {
  const int memory = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
  auto built = connect(":memory:", memory);
  if (!built) return built.error();
  ::sqlite3_limit(built->get(), SQLITE_LIMIT_ATTACHED, 0);
  SteadyTime end = SystemClock().now() + kScriptLimit;
  ::sqlite3_progress_handler(built->get(), kStepsBetweenLooks, stop_script, &end);
  const int code = ::sqlite3_exec(built->get(), script.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    return sqlite_error(code == SQLITE_INTERRUPT ? ErrorCode::kTimedOut : ErrorCode::kInvalidInput,
                        "run the schema's script", built->get());
  }
  sqlite3_int64 size = 0;
  image_.reset(::sqlite3_serialize(built->get(), "main", &size, 0));
  auto opened = connect(":memory:", memory);
  if (!opened) return opened.error();
  connection_ = std::move(*opened);
  if (size == 0) return {};  // a script that made nothing
  if (image_ == nullptr || ::sqlite3_deserialize(connection_.get(), "main", image_.get(), size,
                                                 size, SQLITE_DESERIALIZE_READONLY) != SQLITE_OK) {
    return sqlite_error(ErrorCode::kExhausted, "keep the schema's database", connection_.get());
  }
  return {};
}

Result<void> SqliteDatabase::harden(const DatabaseSource& source) {
  sqlite3* const raw = connection_.get();
  set_limits(raw);
  const int allows_quotes = source.allows_double_quoted_text ? 1 : 0;
  const std::pair<int, int> switches[] = {
      {SQLITE_DBCONFIG_DEFENSIVE, 1},           {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
      {SQLITE_DBCONFIG_DQS_DML, allows_quotes}, {SQLITE_DBCONFIG_DQS_DDL, allows_quotes},
      {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},      {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
      {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},     {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
  };
  for (const auto& [name, value] : switches) {
    if (::sqlite3_db_config(raw, name, value, nullptr) != SQLITE_OK) {
      return sqlite_error(ErrorCode::kUnavailable, "harden a database", raw);
    }
  }
  // Temporary rows stay in memory, where the heap's limit holds them.
  constexpr const char* kPragmas =
      "PRAGMA query_only=1; PRAGMA temp_store=2; PRAGMA cell_size_check=1; PRAGMA mmap_size=0;"
      "SELECT count(*) FROM sqlite_schema;"
      // Table-valued functions are declared when first used, which a policy would refuse.
      "SELECT count(*) FROM json_each('[]'), json_tree('[]')";
  if (::sqlite3_exec(raw, kPragmas, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return sqlite_error(ErrorCode::kCorrupt, "read a database's schema", raw);
  }
  policy_ = std::make_unique<SqlitePolicy>(
      texts_of(raw,
               "SELECT name FROM sqlite_schema WHERE type IN ('table','view') UNION "
               "SELECT name FROM pragma_module_list"),
      source.allowed_tables.empty()
          ? texts_of(raw,
                     "SELECT name FROM sqlite_schema WHERE type IN ('table','view') AND "
                     "name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
          : source.allowed_tables);
  ::sqlite3_set_authorizer(raw, authorize, this);
  ::sqlite3_progress_handler(raw, kStepsBetweenLooks, progress, this);
  return {};
}

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const DatabaseSource& source,
                                                             const FileDescriptor& file) {
  auto database = std::make_unique<SqliteDatabase>();
  auto opened =
      source.file.empty() ? database->open_script(source.script) : database->open_file(file);
  if (!opened) return opened.error();
  if (auto hardened = database->harden(source); !hardened) return hardened.error();
  return database;
}

}  // namespace assay::verifiers::sql
