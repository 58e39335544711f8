#include "verifiers/sql/sqlite_engine.h"

#include <fcntl.h>

#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "runtime/core/clock.h"
#include "runtime/core/file.h"
#include "verifiers/sandbox/jail_message.h"
#include "verifiers/sql/companion_pool.h"

namespace assay::verifiers::sql {

namespace {

using namespace std::chrono_literals;

// A companion stops its query itself at the limit; where it cannot, it is killed this much later.
constexpr std::chrono::milliseconds kGrace{100};
constexpr std::chrono::seconds kOpenLimit{40};
constexpr std::chrono::seconds kSendLimit{10};
constexpr std::size_t kFrameOverheadBytes = 1u << 20;

// One borrowed companion. Unless it is kept, it is killed at the end.
class Borrowed {
 public:
  Borrowed(CompanionPool& pool, Companion companion)
      : pool_(pool), companion_(std::move(companion)) {}
  ~Borrowed() {
    if (is_kept_) {
      pool_.give_back(std::move(companion_));
    } else {
      companion_.process.kill();
      pool_.write_off();
    }
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  void keep() { is_kept_ = true; }
  const std::string& isolation() const { return companion_.isolation; }

  // A file goes behind the request as a descriptor: the companion opens nothing itself.
  Result<CompanionReply> ask(const CompanionRequest& request, std::chrono::milliseconds limit,
                             const FileDescriptor& file = {}) {
    const SystemClock clock;
    const std::size_t bytes_max = 2 * request.limits.bytes_max + kFrameOverheadBytes;
    if (auto sent = send(request, file, clock.now() + kSendLimit); !sent) {
      return Error{ErrorCode::kUnavailable, sent.error().message, "", "", ""};
    }
    const auto bytes = companion_.process.receive(bytes_max, clock.now() + limit);
    if (!bytes) return bytes.error();
    return decode_reply(*bytes);
  }

 private:
  Result<void> send(const CompanionRequest& request, const FileDescriptor& file,
                    SteadyTime deadline) {
    if (auto sent = companion_.process.send(encode(request), deadline); !sent) return sent;
    if (!file.is_open()) return {};
    const int beside = file.get();
    return sandbox::send_message(companion_.process.socket(), std::as_bytes(std::span(kFileComes)),
                                 std::span(&beside, 1), deadline);
  }

  CompanionPool& pool_;
  Companion companion_;
  bool is_kept_ = false;
};

QueryAnswer unavailable(const std::string& reason) {
  return QueryAnswer::ended(QueryStatus::kUnavailable, reason);
}

// Has the companion open the database. Nothing: it has.
std::optional<QueryAnswer> open(Borrowed& borrowed, const Digest& database,
                                const DatabaseSource& source) {
  CompanionRequest request;
  request.is_open = true;
  request.database = database;
  request.source = source;
  FileDescriptor file;
  if (!source.file.empty()) {
    file = FileDescriptor(::open(source.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open()) {
      borrowed.keep();
      return unavailable(errno_error("open", source.file).message);
    }
  }
  auto opened = borrowed.ask(request, kOpenLimit, file);
  if (!opened) return unavailable("the database cannot be opened: " + opened.error().message);
  if (opened->answer.status == QueryStatus::kDone) return {};
  borrowed.keep();
  return std::move(opened->answer);
}

// Asks this companion. Nothing: it died, and another may be tried.
std::optional<QueryAnswer> ask(Borrowed& borrowed, const CompanionRequest& query,
                               const DatabaseSource& source) {
  auto reply = borrowed.ask(query, query.limits.time + kGrace);
  if (reply && reply->is_unknown_database) {
    if (auto failed = open(borrowed, query.database, source)) return failed;
    reply = borrowed.ask(query, query.limits.time + kGrace);
  }
  if (!reply && reply.error().code == ErrorCode::kTimedOut) {
    return QueryAnswer::ended(QueryStatus::kTimedOut, time_limit_reason(query.limits));
  }
  if (!reply) return {};
  // After a failed allocation SQLite is sound by its word only.
  if (reply->answer.status != QueryStatus::kMemoryLimit) borrowed.keep();
  return std::move(reply->answer);
}

std::optional<QueryAnswer> attempt(CompanionPool& pool, const CompanionRequest& query,
                                   const DatabaseSource& source) {
  auto companion = pool.borrow();
  if (!companion) return unavailable(companion.error().message);
  Borrowed borrowed(pool, std::move(*companion));
  auto answer = ask(borrowed, query, source);
  if (answer) answer->isolation = borrowed.isolation();
  return answer;
}

}  // namespace

SqliteEngine::SqliteEngine(std::vector<DatabaseSource> sources)
    : sources_(std::move(sources)), pool_(CompanionPool::shared()) {
  for (const DatabaseSource& source : sources_) digests_.push_back(source.digest());
}

SqliteEngine::~SqliteEngine() = default;

QueryAnswer SqliteEngine::run(std::size_t database, std::string_view query, QueryAuthor author,
                              const QueryLimits& limits) {
  CompanionRequest request;
  request.database = digests_[database];
  request.author = author;
  request.query = query;
  request.limits = limits;
  constexpr int kAttempts = 2;
  for (int i = 0; i < kAttempts; ++i) {
    if (auto answer = attempt(*pool_, request, sources_[database])) return std::move(*answer);
  }
  return unavailable("the SQLite companion died twice of this query");
}

}  // namespace assay::verifiers::sql
