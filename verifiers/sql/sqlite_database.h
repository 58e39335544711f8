// SqliteDatabase: one database of the companion, opened so that a hostile query can neither change
// nor leave it.
//
// Not thread-safe. A query that never returns to SQLite's machine (a LIKE over megabytes) is not
// stopped from in here: whoever runs this in a process must be ready to kill it.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/clock.h"
#include "runtime/core/file.h"
#include "runtime/core/result.h"
#include "verifiers/sql/query_codec.h"
#include "verifiers/sql/sqlite_policy.h"

namespace assay::verifiers::sql {

inline constexpr const char* kWatchedVfs = "assay";     // SQLite's own files with the clock watched
inline constexpr const char* kHandedFile = "database";  // the one name that SQLite can open
inline constexpr int kStepsBetweenLooks = 1000;         // instructions between looks at the limits

// To be called once, before any database is opened and before the process is secluded: bounds the
// memory of SQLite, puts the clock under watch, and has SQLite open nothing but what it is handed.
Result<void> prepare_sqlite();
// What opens under kHandedFile from now on; stays the caller's. -1: nothing does.
void hand_to_sqlite(int file);

class SqliteDatabase {
 public:
  // A source with a file is read from `file`, open for reading, as immutable: nobody may write it
  // meanwhile. A script is run in memory, and its outcome opened anew, read-only.
  // Errors: kNotFound, kCorrupt, kInvalidInput for a script that fails; kTimedOut for one that
  // needs more than 30 s.
  static Result<std::unique_ptr<SqliteDatabase>> open(const DatabaseSource& source,
                                                      const FileDescriptor& file);

  // Runs one query. Statuses as QueryStatus says; kUnavailable where the file is at fault.
  QueryAnswer run(std::string_view query, QueryAuthor author, const QueryLimits& limits);

 private:
  struct Closer {
    void operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }
  };
  struct Releaser {
    void operator()(unsigned char* bytes) const { ::sqlite3_free(bytes); }
  };
  using Connection = std::unique_ptr<sqlite3, Closer>;

  static Result<Connection> connect(const std::string& name, int flags);
  Result<void> open_script(const std::string& script);
  Result<void> open_file(const FileDescriptor& file);
  Result<void> harden(const DatabaseSource& source);
  QueryAnswer judge(std::string_view query, const QueryLimits& limits);
  QueryAnswer execute(sqlite3_stmt* statement, const QueryLimits& limits);
  QueryAnswer refusal(int code) const;

  static int authorize(void* self, int action, const char* first, const char* second,
                       const char* database, const char* through);
  static int progress(void* self);

  std::unique_ptr<unsigned char, Releaser> image_;  // outlives the connection that reads it
  Connection connection_;
  std::unique_ptr<SqlitePolicy> policy_;
  QueryLimits limits_;
  SteadyTime deadline_{};
  std::uint64_t steps_left_ = 0;
};

}  // namespace assay::verifiers::sql
