#include "verifiers/sql/sql_options.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "runtime/core/file.h"
#include "verifiers/option_reader.h"
#include "verifiers/sql/postgres_engine.h"
#include "verifiers/sql/sqlite_engine.h"

namespace assay::verifiers::sql {

namespace {

constexpr int kScriptsMax = 8;
constexpr std::size_t kScriptBytesMax = 64u << 20;
constexpr std::size_t kDatabasesMax = 64;

// Empty where the file is a SQLite database that can be read, else what is wrong.
std::string mistake_in(const std::string& file) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.is_open()) return "cannot be read";
  std::array<char, kMagic.size()> head{};
  const ssize_t size = ::read(opened.get(), head.data(), head.size());
  const std::string_view read(head.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return read == kMagic ? "" : "is not a SQLite database";
}

void read_sqlite(OptionReader& reader, const VerifierContext& context, SqlOptions& options) {
  for (int i = 1; i <= kScriptsMax; ++i) {
    const std::string name = i == 1 ? "schema" : "schema" + std::to_string(i);
    std::string script = reader.read_text(name, "", kScriptBytesMax);
    if (!script.empty()) options.scripts.push_back(std::move(script));
  }
  std::vector<std::string> names = reader.read_texts("databases", kDatabasesMax);
  if (std::string one = reader.read_text("database", ""); !one.empty()) names.push_back(one);
  for (const std::string& name : names) {
    const std::string file = name.starts_with('/') ? name : context.folder + "/" + name;
    if (const std::string mistake = mistake_in(file); !mistake.empty()) {
      reader.refuse("the database " + file + " " + mistake,
                    "name a SQLite file, relative to " + context.folder);
    }
    options.files.push_back(file);
  }
  options.allows_double_quoted_text = reader.read_bool("double_quoted_text", false);
}

void read_postgresql(OptionReader& reader, SqlOptions& options) {
  options.connections = reader.read_texts("connections", kDatabasesMax);
  if (std::string one = reader.read_text("connection", ""); !one.empty()) {
    options.connections.push_back(std::move(one));
  }
}

// Absent means all. An empty list means none, which a name that no table has says.
std::vector<std::string> read_allowed_tables(OptionReader& reader) {
  std::vector<std::string> tables = reader.read_texts("allowed_tables");
  if (tables.empty() && !reader.read_json("allowed_tables").empty()) tables.emplace_back();
  return tables;
}

void read_limits(OptionReader& reader, const VerifierContext& context, SqlOptions& options) {
  const double told_s = static_cast<double>(context.time_limit.count()) / 1000;
  const double limit_s = reader.read_number("timeout_s", told_s > 0 ? told_s : 2.0, 0.01, 600);
  options.limits.time = std::chrono::milliseconds(static_cast<std::int64_t>(limit_s * 1000));
  options.limits.steps_max = static_cast<std::uint64_t>(
      reader.read_integer("steps_max", 500'000'000, 1000, 1'000'000'000'000));
  options.limits.rows_max =
      static_cast<std::uint64_t>(reader.read_integer("row_cap", 100'000, 1, 1'000'000));
  options.limits.bytes_max =
      static_cast<std::uint64_t>(reader.read_integer("bytes_cap", 16 << 20, 1024, 64 << 20));
}

}  // namespace

Result<SqlOptions> read_sql_options(const VerifierContext& context, std::string_view options_json) {
  OptionReader reader("sql", options_json);
  SqlOptions options;
  if (reader.read_word("engine", "sqlite", {"sqlite", "postgresql"}) == "postgresql") {
    options.dialect = Dialect::kPostgresql;
  }
  read_sqlite(reader, context, options);
  read_postgresql(reader, options);
  read_limits(reader, context, options);
  options.allowed_tables = read_allowed_tables(reader);
  options.is_order_sensitive = reader.read_bool("order_sensitive", true);
  options.compare.rel_tol = reader.read_number("float_rel_tol", 1e-6, 0, 1);
  options.compare.abs_tol = reader.read_number("float_abs_tol", 1e-9, 0, 1e9);
  options.has_schema_check = reader.read_bool("schema_check", false);
  options.names_results = reader.read_bool("result_name", false);
  const bool has_sqlite = !options.scripts.empty() || !options.files.empty();
  if (options.dialect == Dialect::kPostgresql && has_sqlite) {
    reader.refuse("\"schema\" and \"database\" are for SQLite",
                  "load the tables into PostgreSQL and set \"connection\"");
  } else if (options.dialect == Dialect::kPostgresql && options.connections.empty()) {
    reader.refuse("\"engine\" is postgresql, and no \"connection\" is given",
                  "set it, e.g. to \"host=/run/postgresql dbname=shop user=reader\"");
  } else if (options.dialect == Dialect::kSqlite && !options.connections.empty()) {
    reader.refuse("\"connection\" is for PostgreSQL", "set \"engine\" to \"postgresql\"");
  }
  if (auto finished = reader.finish(); !finished) return finished.error();
  return options;
}

std::unique_ptr<QueryEngine> make_engine(const SqlOptions& options) {
  if (options.dialect == Dialect::kPostgresql) {
    return std::make_unique<PostgresEngine>(
        PostgresOptions{options.connections, options.allowed_tables, options.has_schema_check});
  }
  std::vector<DatabaseSource> sources;
  const auto add = [&](std::string file, std::string script) {
    sources.push_back({std::move(file), std::move(script), options.allowed_tables,
                       options.allows_double_quoted_text});
  };
  for (const std::string& script : options.scripts) add("", script);
  for (const std::string& file : options.files) add(file, "");
  if (sources.empty()) add("", "");  // questions that need no tables
  return std::make_unique<SqliteEngine>(std::move(sources));
}

}  // namespace assay::verifiers::sql
