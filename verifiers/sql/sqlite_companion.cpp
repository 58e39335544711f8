// The program in which SQLite meets foreign queries. One thread; frames on descriptor 3; ends when
// that is closed. It is killed where a query hangs, so it keeps nothing that matters.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <list>
#include <memory>
#include <utility>

#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/frame.h"
#include "verifiers/sql/query_codec.h"
#include "verifiers/sql/sqlite_database.h"

namespace assay::verifiers::sql {
namespace {

constexpr std::size_t kRequestBytesMax = 64u << 20;
constexpr std::size_t kOpenDatabasesMax = 32;

// What this process may never need: files it could write, cores, more memory than its heap's limit
// and its programs' text take.
void give_up_rights() {
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
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::setenv("TZ", "UTC", 1);
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
// there any more to kill it.
class DeadManSwitch {
 public:
  explicit DeadManSwitch(std::chrono::milliseconds work) {
    constexpr std::chrono::seconds kGrace{2};
    ::alarm(static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(work + kGrace).count()));
  }
  ~DeadManSwitch() { ::alarm(0); }
  DeadManSwitch(const DeadManSwitch&) = delete;
  DeadManSwitch& operator=(const DeadManSwitch&) = delete;
};

CompanionReply reply_to(const CompanionRequest& request, OpenDatabases& databases) {
  CompanionReply reply;
  if (request.is_open) {
    const DeadManSwitch armed(std::chrono::seconds(60));
    auto opened = SqliteDatabase::open(request.source);
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

int serve() {
  give_up_rights();
  if (!prepare_sqlite()) return 1;
  OpenDatabases databases;
  if (!sandbox::write_frame(sandbox::kCompanionSocket, "ready", sandbox::kNoDeadline)) return 0;
  while (true) {
    const auto bytes =
        sandbox::read_frame(sandbox::kCompanionSocket, kRequestBytesMax, sandbox::kNoDeadline);
    if (!bytes) return 0;
    const auto request = decode_request(*bytes);
    if (!request) return 1;
    const std::string reply = encode(reply_to(*request, databases));
    if (!sandbox::write_frame(sandbox::kCompanionSocket, reply, sandbox::kNoDeadline)) return 0;
  }
}

}  // namespace
}  // namespace assay::verifiers::sql

int main() {
  return assay::verifiers::sql::serve();
}
