#include "runtime/store/sqlite.h"

#include <cstring>

#include "runtime/core/check.h"

namespace assay::store {

namespace {

ErrorCode code_of(int number) {
  switch (number & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorCode::kExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
      return ErrorCode::kCorrupt;
    default:
      return ErrorCode::kUnavailable;
  }
}

std::string remedy_of(int number) {
  switch (number & 0xff) {
    case SQLITE_FULL:
      return "free space on that disk, then resume the run";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return "check the owner and mode of that file and its folder";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "restore the file, or start the run again with --clean";
    default:
      return {};
  }
}

}  // namespace

Error sqlite_error(sqlite3* connection, std::string_view attempt, const std::string& path) {
  const int number = sqlite3_extended_errcode(connection);
  Error error;
  error.code = code_of(number);
  error.message = std::string(attempt) + " " + path + ": " + sqlite3_errmsg(connection);
  error.remedy = remedy_of(number);
  return error;
}

Result<Statement> Statement::prepare(sqlite3* connection, const std::string& path,
                                     std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return sqlite_error(connection, "read the tables of", path);
  Statement statement;
  statement.statement_.reset(raw);
  statement.path_ = path;
  return statement;
}

void Statement::bind(int position, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), position, value);
  ASSAY_CHECK(code == SQLITE_OK, "a statement has the parameter that is bound");
}

void Statement::bind(int position, std::uint64_t value) {
  bind(position, static_cast<std::int64_t>(value));
}

void Statement::bind(int position, std::string_view text) {
  // A null pointer would bind NULL instead of empty text.
  const char* data = text.empty() ? "" : text.data();
  const int code = sqlite3_bind_text64(statement_.get(), position, data, text.size(), SQLITE_STATIC,
                                       SQLITE_UTF8);
  ASSAY_CHECK(code == SQLITE_OK, "a statement has the parameter that is bound");
}

void Statement::bind(int position, const Digest& digest) {
  if (digest.is_zero()) return bind_null(position);
  const int code = sqlite3_bind_blob64(statement_.get(), position, digest.bytes.data(),
                                       digest.bytes.size(), SQLITE_STATIC);
  ASSAY_CHECK(code == SQLITE_OK, "a statement has the parameter that is bound");
}

void Statement::bind_blob(int position, std::string_view bytes) {
  const int code =
      sqlite3_bind_blob64(statement_.get(), position, bytes.data(), bytes.size(), SQLITE_STATIC);
  ASSAY_CHECK(code == SQLITE_OK, "a statement has the parameter that is bound");
}

void Statement::bind_null(int position) {
  const int code = sqlite3_bind_null(statement_.get(), position);
  ASSAY_CHECK(code == SQLITE_OK, "a statement has the parameter that is bound");
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(sqlite3_db_handle(statement_.get()), "use", path_);
}

Result<void> Statement::run() {
  Result<bool> row = step();
  // The error is read before reset() overwrites it.
  reset();
  if (!row) return row.error();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::uint64_t Statement::u64(int column) const {
  return static_cast<std::uint64_t>(integer(column));
}

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Digest Statement::digest(int column) const {
  Digest digest;
  const std::string_view raw = bytes(column);
  if (raw.size() == digest.bytes.size()) std::memcpy(digest.bytes.data(), raw.data(), raw.size());
  return digest;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Connection> Connection::open(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Connection connection;
  connection.handle_.reset(raw);
  connection.path_ = path;
  if (raw == nullptr)
    return Error{ErrorCode::kExhausted, "open " + path + ": no memory", {}, {}, {}};
  if (code != SQLITE_OK) return sqlite_error(raw, "open", path);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, 5000);
  // Files are foreign: no schema trick of theirs may do anything but hold tables.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return connection;
}

Result<void> Connection::run(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return sqlite_error(handle_.get(), "write", path_);
  return {};
}

Result<std::int64_t> Connection::read_integer(std::string_view sql) const {
  Result<Statement> statement = prepare(sql);
  if (!statement) return statement.error();
  Result<bool> row = statement->step();
  if (!row) return row.error();
  return *row ? statement->integer(0) : 0;
}

}  // namespace assay::store
