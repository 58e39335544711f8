#include "verifiers/sql/sqlite_database.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

namespace assay::verifiers::sql {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr sqlite3_int64 kHeapBytesMax = 256 << 20;

bool was_clock_read = false;  // by the query that runs; the companion has one thread

// What date('now') asks. The answer is no time, and the query is rejected.
int refuse_clock(sqlite3_vfs*, sqlite3_int64*) {
  was_clock_read = true;
  return SQLITE_ERROR;
}
int refuse_old_clock(sqlite3_vfs*, double*) {
  was_clock_read = true;
  return SQLITE_ERROR;
}

int handed_file = -1;

// SQLite's open(): the file that was handed over, and nothing else. The copy is above the standard
// descriptors, which SQLite would not use.
int open_handed(const char* path, int, int) {
  constexpr int kAboveStandard = 4;
  if (handed_file < 0 || std::string_view(path) != kHandedFile) {
    errno = EACCES;
    return -1;
  }
  return ::fcntl(handed_file, F_DUPFD_CLOEXEC, kAboveStandard);
}

// There is no file system to look names up in.
int keep_name(sqlite3_vfs*, const char* name, int size, char* full) {
  return std::snprintf(full, static_cast<std::size_t>(size), "%s", name) < size ? SQLITE_OK
                                                                                : SQLITE_CANTOPEN;
}
int find_nothing(sqlite3_vfs*, const char*, int, int* is_there) {
  *is_there = 0;
  return SQLITE_OK;
}

std::string bytes_of(sqlite3_stmt* statement, int column) {
  const void* bytes = ::sqlite3_column_blob(statement, column);
  const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(statement, column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

Value value_of(sqlite3_stmt* statement, int column) {
  switch (::sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return std::int64_t{::sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return ::sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return bytes_of(statement, column);
    case SQLITE_BLOB:
      return Blob{bytes_of(statement, column)};
    default:
      return {};
  }
}

std::uint64_t size_of(const Value& value) {
  constexpr std::uint64_t kCellBytes = 16;
  if (const auto* text = std::get_if<std::string>(&value)) return kCellBytes + text->size();
  if (const auto* blob = std::get_if<Blob>(&value)) return kCellBytes + blob->bytes.size();
  return kCellBytes;
}

}  // namespace

Result<void> prepare_sqlite() {
  ::sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
  if (::sqlite3_initialize() != SQLITE_OK) {
    return Error{ErrorCode::kUnavailable, "SQLite cannot be initialised", "", "", ""};
  }
  ::sqlite3_hard_heap_limit64(kHeapBytesMax);
  sqlite3_vfs& own = *::sqlite3_vfs_find(nullptr);
  const auto opener = reinterpret_cast<sqlite3_syscall_ptr>(open_handed);
  if (own.iVersion < 3 || own.xSetSystemCall(&own, "open", opener) != SQLITE_OK) {
    return Error{ErrorCode::kUnavailable, "this SQLite opens files itself", "", "", ""};
  }
  static sqlite3_vfs watched = own;
  watched.xFullPathname = keep_name;
  watched.xAccess = find_nothing;
  watched.zName = kWatchedVfs;
  watched.xCurrentTime = refuse_old_clock;
  watched.xCurrentTimeInt64 = refuse_clock;
  ::sqlite3_vfs_register(&watched, 0);
  return {};
}

void hand_to_sqlite(int file) {
  handed_file = file;
}

int SqliteDatabase::authorize(void* self, int action, const char* first, const char* second,
                              const char* database, const char*) {
  auto& policy = *static_cast<SqliteDatabase*>(self)->policy_;
  return policy.allows(action, first, second, database) ? SQLITE_OK : SQLITE_DENY;
}

int SqliteDatabase::progress(void* self) {
  auto& database = *static_cast<SqliteDatabase*>(self);
  database.steps_left_ -= std::min<std::uint64_t>(database.steps_left_, kStepsBetweenLooks);
  return database.steps_left_ == 0 || SystemClock().now() >= database.deadline_ ? 1 : 0;
}

QueryAnswer SqliteDatabase::refusal(int code) const {
  const std::string message = ::sqlite3_errmsg(connection_.get());
  if (!policy_->denial().empty()) {
    return QueryAnswer::ended(QueryStatus::kRejected, policy_->denial());
  }
  switch (code & 0xff) {
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return QueryAnswer::ended(QueryStatus::kRejected, message);
    case SQLITE_INTERRUPT:
      return QueryAnswer::ended(QueryStatus::kTimedOut,
                                steps_left_ == 0 ? "the query needs more than " +
                                                       std::to_string(limits_.steps_max) + " steps"
                                                 : time_limit_reason(limits_));
    case SQLITE_NOMEM:
      return QueryAnswer::ended(QueryStatus::kMemoryLimit, "the query needs too much memory");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_FULL:
    case SQLITE_PROTOCOL:
      return QueryAnswer::ended(QueryStatus::kUnavailable, "the database: " + message);
    default:
      return QueryAnswer::ended(QueryStatus::kFailed, message);
  }
}

QueryAnswer SqliteDatabase::execute(sqlite3_stmt* statement, const QueryLimits& limits) {
  QueryAnswer answer;
  const int columns = ::sqlite3_column_count(statement);
  answer.table.column_count = static_cast<std::size_t>(columns);
  for (int i = 0; i < columns; ++i) {
    const char* name = ::sqlite3_column_name(statement, i);
    answer.column_names.emplace_back(name == nullptr ? "" : name);
  }
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  int code = SQLITE_ROW;
  while ((code = ::sqlite3_step(statement)) == SQLITE_ROW && !was_clock_read) {
    if (++rows > limits.rows_max) {
      return QueryAnswer::ended(
          QueryStatus::kOutputLimit,
          "the query returns more than " + std::to_string(limits.rows_max) + " rows");
    }
    for (int i = 0; i < columns; ++i) {
      bytes += size_of(answer.table.cells.emplace_back(value_of(statement, i)));
    }
    if (bytes > limits.bytes_max) {
      return QueryAnswer::ended(
          QueryStatus::kOutputLimit,
          "the query returns more than " + std::to_string(limits.bytes_max) + " bytes");
    }
  }
  if (was_clock_read) {
    return QueryAnswer::ended(QueryStatus::kRejected, "it reads the clock");
  }
  if (code != SQLITE_DONE) return refusal(code);
  answer.status = QueryStatus::kDone;
  answer.touched.assign(policy_->touched().begin(), policy_->touched().end());
  return answer;
}

QueryAnswer SqliteDatabase::judge(std::string_view query, const QueryLimits& limits) {
  if (query.find('\0') != std::string_view::npos) {
    return QueryAnswer::ended(QueryStatus::kRejected, "the query holds a NUL character");
  }
  const auto prepare = [&](std::string_view text, sqlite3_stmt** statement, const char** tail) {
    return ::sqlite3_prepare_v2(connection_.get(), text.data(), static_cast<int>(text.size()),
                                statement, tail);
  };
  const auto reject = [](const char* why) {
    return QueryAnswer::ended(QueryStatus::kRejected, why);
  };
  struct Finalizer {
    void operator()(sqlite3_stmt* prepared) const { ::sqlite3_finalize(prepared); }
  };
  sqlite3_stmt* prepared = nullptr;
  const char* tail = nullptr;
  const int code = prepare(query, &prepared, &tail);
  const std::unique_ptr<sqlite3_stmt, Finalizer> statement(prepared);
  if (code != SQLITE_OK) return refusal(code);
  if (statement == nullptr) return reject("there is no query");
  if (::sqlite3_stmt_isexplain(prepared) != 0) return reject("it is not a plain query but EXPLAIN");
  if (::sqlite3_stmt_readonly(prepared) == 0) return reject("it is not a plain query");
  if (::sqlite3_column_count(prepared) == 0) return reject("it returns no columns");
  // Comments and semicolons may follow, another statement may not.
  for (std::string_view rest = query.substr(static_cast<std::size_t>(tail - query.data()));
       !rest.empty(); rest.remove_prefix(static_cast<std::size_t>(tail - rest.data()))) {
    sqlite3_stmt* second = nullptr;
    const int rest_code = prepare(rest, &second, &tail);
    ::sqlite3_finalize(second);
    if (rest_code != SQLITE_OK || second != nullptr) return reject("it is several statements");
  }
  return execute(prepared, limits);
}

QueryAnswer SqliteDatabase::run(std::string_view query, QueryAuthor author,
                                const QueryLimits& limits) {
  const SteadyTime start = SystemClock().now();
  limits_ = limits;
  deadline_ = start + limits.time;
  steps_left_ = limits.steps_max;
  was_clock_read = false;
  policy_->begin(author);
  QueryAnswer answer = judge(query, limits);
  const auto spent = duration_cast<microseconds>(SystemClock().now() - start);
  // What is slow to compile is over the limit too, whatever it would have said in the end.
  if (spent > limits.time && answer.status != QueryStatus::kRejected) {
    answer = QueryAnswer::ended(QueryStatus::kTimedOut, time_limit_reason(limits));
  }
  answer.query_us = static_cast<std::uint64_t>(spent.count());
  return answer;
}

}  // namespace assay::verifiers::sql
