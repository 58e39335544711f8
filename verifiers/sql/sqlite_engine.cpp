#include "verifiers/sql/sqlite_engine.h"

#include <chrono>
#include <optional>
#include <utility>

#include "runtime/core/clock.h"
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
  Borrowed(CompanionPool& pool, sandbox::ChildProcess companion)
      : pool_(pool), companion_(std::move(companion)) {}
  ~Borrowed() {
    if (is_kept_) {
      pool_.give_back(std::move(companion_));
    } else {
      companion_.kill();
      pool_.write_off();
    }
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  void keep() { is_kept_ = true; }

  Result<CompanionReply> ask(const CompanionRequest& request, std::chrono::milliseconds limit) {
    const SystemClock clock;
    const std::size_t bytes_max = 2 * request.limits.bytes_max + kFrameOverheadBytes;
    if (auto sent = companion_.send(encode(request), clock.now() + kSendLimit); !sent) {
      return Error{ErrorCode::kUnavailable, sent.error().message, "", "", ""};
    }
    const auto bytes = companion_.receive(bytes_max, clock.now() + limit);
    if (!bytes) return bytes.error();
    return decode_reply(*bytes);
  }

 private:
  CompanionPool& pool_;
  sandbox::ChildProcess companion_;
  bool is_kept_ = false;
};

QueryAnswer unavailable(const std::string& reason) {
  return QueryAnswer::ended(QueryStatus::kUnavailable, reason);
}

// Asks one companion. Nothing: it died, and another may be tried.
std::optional<QueryAnswer> attempt(CompanionPool& pool, const CompanionRequest& query,
                                   const DatabaseSource& source) {
  auto companion = pool.borrow();
  if (!companion) return unavailable(companion.error().message);
  Borrowed borrowed(pool, std::move(*companion));
  auto reply = borrowed.ask(query, query.limits.time + kGrace);
  if (reply && reply->is_unknown_database) {
    CompanionRequest open;
    open.is_open = true;
    open.database = query.database;
    open.source = source;
    const auto opened = borrowed.ask(open, kOpenLimit);
    if (!opened) return unavailable("the database cannot be opened: " + opened.error().message);
    if (opened->answer.status != QueryStatus::kDone) {
      borrowed.keep();
      return opened->answer;
    }
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
