#include "tests/verifiers/sql/postgres_server.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "runtime/core/clock.h"
#include "verifiers/sql/postgres_connection.h"

namespace assay::testing {

namespace {

using namespace std::chrono_literals;
using verifiers::sql::PostgresConnection;

// Debian keeps the server's programs out of PATH, by version.
std::string find_programs() {
  std::error_code missing;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", missing)) {
    const std::string folder = version.path().string() + "/bin";
    if (::access((folder + "/initdb").c_str(), X_OK) == 0) return folder;
  }
  return {};
}

}  // namespace

std::unique_ptr<PostgresServer> PostgresServer::start(std::string& why_not) {
  const std::string programs = find_programs();
  if (programs.empty()) {
    why_not = "no PostgreSQL server: install the package postgresql (cmake/packages.txt)";
    return nullptr;
  }
  std::unique_ptr<PostgresServer> server(new PostgresServer(programs));
  if (!server->create_cluster(why_not)) return nullptr;
  server->restart();
  return server;
}

PostgresServer::~PostgresServer() {
  stop();
}

std::vector<std::string> PostgresServer::as_server_user(std::vector<std::string> command) const {
  if (user_.empty()) return command;
  std::vector<std::string> words = {"/usr/bin/setpriv", "--reuid=" + user_, "--regid=" + user_,
                                    "--clear-groups"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

bool PostgresServer::create_cluster(std::string& why_not) {
  if (::geteuid() == 0) {
    const passwd* user = ::getpwnam("postgres");
    if (user == nullptr) user = ::getpwnam("nobody");
    user_ = std::to_string(user->pw_uid);
    if (::chown(folder_.root().c_str(), user->pw_uid, user->pw_gid) != 0) {
      why_not = "the temporary folder cannot be given to the server's user";
      return false;
    }
  }
  auto words = as_server_user({programs_ + "/initdb", "--pgdata=" + folder_.path("data"),
                               "--username=postgres", "--auth=trust", "--no-sync",
                               "--encoding=UTF8", "--no-locale"});
  const std::string program = words.front();
  words.erase(words.begin());
  const ProgramOutcome made = run_program(program, words, folder_.root());
  why_not = made.err;
  return made.exit_code == 0;
}

void PostgresServer::restart() {
  stop();
  auto words = as_server_user({programs_ + "/postgres", "-D", folder_.path("data"), "-k",
                               folder_.root(), "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                               "shared_buffers=16MB", "-c", "max_connections=30"});
  const std::string program = words.front();
  words.erase(words.begin());
  StartOptions start;
  start.folder = folder_.root();
  server_ = std::make_unique<RunningProgram>(program, words, start);
  const bool is_ready = server_->wait_until(
      [&] {
        return PostgresConnection::open(connection("postgres", "postgres"),
                                        SystemClock().now() + 1s)
            .has_value();
      },
      30s);
  ASSERT_TRUE(is_ready) << server_->err();
}

void PostgresServer::stop() {
  if (server_ == nullptr) return;
  server_->send(SIGCONT);
  server_->send(SIGQUIT);  // at once: nothing of it is wanted later
  static_cast<void>(server_->wait(30s));
  server_.reset();
}

std::string PostgresServer::connection(const std::string& role, const std::string& database) const {
  return "host=" + folder_.root() + " user=" + role + " dbname=" + database;
}

void PostgresServer::run(const std::string& database, const std::string& statements) const {
  auto opened =
      PostgresConnection::open(connection("postgres", database), SystemClock().now() + 5s);
  ASSERT_TRUE(opened) << opened.error().message;
  const auto done = (*opened)->command(statements, SystemClock().now() + 20s);
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(done->sqlstate, "") << done->message;
}

}  // namespace assay::testing
