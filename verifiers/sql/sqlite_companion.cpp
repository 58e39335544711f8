// The program in which SQLite meets foreign queries. One thread; frames on descriptor 3; ends when
// that is closed. It is killed where a query hangs, so it keeps nothing that matters, and secluded
// before the first of them: `--level-max N` keeps it from higher levels, for tests.
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/frame.h"
#include "verifiers/sandbox/jail_message.h"
#include "verifiers/sandbox/seclusion.h"
#include "verifiers/sql/query_codec.h"
#include "verifiers/sql/sqlite_database.h"

namespace assay::verifiers::sql {
namespace {

constexpr std::size_t kRequestBytesMax = 64u << 20;
constexpr std::size_t kOpenDatabasesMax = 32;

// What this process may never need: files it could write, cores, more memory than its heap's limit
// and its programs' text take.
void limit_resources() {
  const auto limit = [](auto resource, rlim_t most) {
    const rlimit both{most, most};
    ::setrlimit(resource, &both);
  };
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 4 + 2 * kOpenDatabasesMax);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they map terabytes
  limit(RLIMIT_AS, rlim_t{1} << 30);
#endif
  ::signal(SIGXFSZ, SIG_IGN);
}

// What is read from files at first use, while files can be read.
void read_time_zone() {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
}

// The open databases; the least recently asked goes first.
class OpenDatabases {
 public:
  SqliteDatabase* find(const Digest& digest) {
    for (auto it = databases_.begin(); it != databases_.end(); ++it) {
      if (it->first != digest) continue;
      databases_.splice(databases_.begin(), databases_, it);
      return databases_.front().second.get();
    }
    return nullptr;
  }
  void add(const Digest& digest, std::unique_ptr<SqliteDatabase> database) {
    if (databases_.size() >= kOpenDatabasesMax) databases_.pop_back();
    databases_.emplace_front(digest, std::move(database));
  }

 private:
  std::list<std::pair<Digest, std::unique_ptr<SqliteDatabase>>> databases_;
};

// Ends this process where its work takes far longer than whoever asked would wait: then nobody is
// there any more to kill it. The signal is caught, for by its default it would not end the first
// process of a PID namespace.
class DeadManSwitch {
 public:
  explicit DeadManSwitch(std::chrono::milliseconds work) {
    constexpr std::chrono::seconds kGrace{2};
    ::signal(SIGALRM, [](int) { ::_exit(1); });
    ::alarm(static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(work + kGrace).count()));
  }
  ~DeadManSwitch() { ::alarm(0); }
  DeadManSwitch(const DeadManSwitch&) = delete;
  DeadManSwitch& operator=(const DeadManSwitch&) = delete;
};

CompanionReply reply_to(const CompanionRequest& request, const FileDescriptor& file,
                        OpenDatabases& databases) {
  CompanionReply reply;
  if (request.is_open) {
    const DeadManSwitch armed(std::chrono::seconds(60));
    auto opened = SqliteDatabase::open(request.source, file);
    if (!opened) {
      reply.answer = QueryAnswer::ended(QueryStatus::kUnavailable, opened.error().message);
      return reply;
    }
    databases.add(request.database, std::move(*opened));
    reply.answer.status = QueryStatus::kDone;
    return reply;
  }
  SqliteDatabase* const database = databases.find(request.database);
  if (database == nullptr) {
    reply.is_unknown_database = true;
  } else {
    const DeadManSwitch armed(request.limits.time);
    reply.answer = database->run(request.query, request.author, request.limits);
  }
  return reply;
}

// The descriptor behind a request, where one comes.
Result<FileDescriptor> file_of(const CompanionRequest& request) {
  if (!request.is_open || request.source.file.empty()) return FileDescriptor();
  char mark[sizeof kFileComes];
  auto came = sandbox::receive_message(
      sandbox::kCompanionSocket, std::as_writable_bytes(std::span(mark)), sandbox::kNoDeadline);
  if (!came) return came.error();
  if (came->size() == 1) return std::move(came->front());
  return Error{ErrorCode::kCorrupt, "a request came without its file", "", "", ""};
}

int serve(sandbox::IsolationLevel level_max) {
  read_time_zone();
  if (!prepare_sqlite()) return 1;
  const auto secluded = sandbox::seclude(level_max, limit_resources);
  if (!secluded) return 1;
  OpenDatabases databases;
  const std::string hello = std::string(to_string(secluded->level)) + "\n" + secluded->refused;
  if (!sandbox::write_frame(sandbox::kCompanionSocket, hello, sandbox::kNoDeadline)) return 0;
  while (true) {
    const auto bytes =
        sandbox::read_frame(sandbox::kCompanionSocket, kRequestBytesMax, sandbox::kNoDeadline);
    if (!bytes) return 0;
    const auto request = decode_request(*bytes);
    if (!request) return 1;
    const auto file = file_of(*request);
    if (!file) return 1;
    const std::string reply = encode(reply_to(*request, *file, databases));
    if (!sandbox::write_frame(sandbox::kCompanionSocket, reply, sandbox::kNoDeadline)) return 0;
  }
}

}  // namespace
}  // namespace assay::verifiers::sql

// Ends without the C library's last words, for which a secluded process has no rights.
int main(int argument_count, char** arguments) {
  ::_exit(assay::verifiers::sql::serve(assay::sandbox::highest_level(argument_count, arguments)));
}
