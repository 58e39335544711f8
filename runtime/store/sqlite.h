// SQLite for the store room: connections and statements that close themselves and speak Result.
//
// Internal: included by the .cpp files of this room only.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/digest.h"
#include "runtime/core/result.h"

namespace assay::store {

// What SQLite said last, as an Error: "<attempt> <path>: <message>".
Error sqlite_error(sqlite3* connection, std::string_view attempt, const std::string& path);

// A prepared statement. Bind by position from 1, then step(); reset() to use it again.
class Statement {
 public:
  Statement() = default;
  static Result<Statement> prepare(sqlite3* connection, const std::string& path,
                                   std::string_view sql);

  void bind(int position, std::int64_t value);
  void bind(int position, std::uint64_t value);  // stored as the same 64 bits
  void bind(int position, std::string_view text);
  void bind(int position, const Digest& digest);  // zero is stored as NULL
  void bind_blob(int position, std::string_view bytes);
  void bind_null(int position);

  // True when there is a row, false at the end.
  Result<bool> step();
  // Runs to the end and makes it ready again, for statements without rows.
  Result<void> run();
  void reset();

  std::int64_t integer(int column) const;
  std::uint64_t u64(int column) const;
  std::string_view bytes(int column) const;  // text or blob; valid until the next step
  Digest digest(int column) const;           // zero for NULL and for anything not 32 bytes long
  bool is_null(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string path_;
};

// An open database.
class Connection {
 public:
  // `flags` as for sqlite3_open_v2.
  static Result<Connection> open(const std::string& path, int flags);

  Result<void> run(const char* sql);
  Result<Statement> prepare(std::string_view sql) const {
    return Statement::prepare(handle_.get(), path_, sql);
  }
  // The first column of the first row.
  Result<std::int64_t> read_integer(std::string_view sql) const;

  sqlite3* get() const { return handle_.get(); }
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

}  // namespace assay::store
