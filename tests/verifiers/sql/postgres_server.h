// A PostgreSQL server of a test's own: Debian's, in a temporary folder, on a unix socket alone.
#pragma once

#include <memory>
#include <string>

#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

namespace assay::testing {

// Runs as the user postgres or nobody where the test runs as root, which the server refuses. Ended
// with this object.
class PostgresServer {
 public:
  // Null, with the reason in `why_not`, where the package postgresql is missing.
  static std::unique_ptr<PostgresServer> start(std::string& why_not);
  ~PostgresServer();

  // libpq's connection text for this role and database.
  std::string connection(const std::string& role, const std::string& database) const;
  // Runs statements as the superuser; fails the test where they fail.
  void run(const std::string& database, const std::string& statements) const;

  void stop();
  void restart();
  pid_t pid() const { return server_->pid(); }

 private:
  explicit PostgresServer(std::string programs) : programs_(std::move(programs)) {}
  bool create_cluster(std::string& why_not);
  std::vector<std::string> as_server_user(std::vector<std::string> command) const;

  std::string programs_;  // the folder of initdb and postgres
  TemporaryFolder folder_;
  std::string user_;  // empty: that of the test
  std::unique_ptr<RunningProgram> server_;
};

}  // namespace assay::testing
