#include "verifiers/sql/companion_pool.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "runtime/core/clock.h"
#include "verifiers/sandbox/isolation.h"

namespace assay::verifiers::sql {

namespace {

constexpr const char* kCompanion = "assay-sqlite";
constexpr std::size_t kHelloBytesMax = 4096;
constexpr std::chrono::seconds kStartLimit{20};

// More than cores: a query that runs into its limit must not keep others waiting.
std::size_t default_companions() {
  return std::max<std::size_t>(4, 2 * std::size_t{std::thread::hardware_concurrency()});
}

// A companion that is ready for its first query: starting it is never counted as the query's time.
// It says the level that it has secluded itself at.
Result<Companion> start() {
  const auto path = sandbox::find_companion(kCompanion);
  if (!path) return path.error();
  auto started = sandbox::ChildProcess::start(*path, {});
  if (!started) return started.error();
  const auto hello = started->receive(kHelloBytesMax, SystemClock().now() + kStartLimit);
  if (!hello) {
    return Error{ErrorCode::kUnavailable, "the companion " + *path + " does not start", "", "", ""};
  }
  const std::string level = hello->substr(0, hello->find('\n'));
  const bool is_secluded = level != to_string(sandbox::IsolationLevel::kL0);
  return Companion{std::move(*started), is_secluded ? level : "process"};
}

}  // namespace

std::shared_ptr<CompanionPool> CompanionPool::shared() {
  static std::mutex mutex;
  static std::weak_ptr<CompanionPool> the_pool;
  const std::lock_guard lock(mutex);
  auto pool = the_pool.lock();
  if (pool == nullptr) {
    pool = std::make_shared<CompanionPool>(default_companions());
    the_pool = pool;
  }
  return pool;
}

Result<Companion> CompanionPool::borrow() {
  std::unique_lock lock(mutex_);
  has_room_.wait(lock, [this] { return lent_ < companions_max_; });
  ++lent_;
  if (!idle_.empty()) {
    Companion companion = std::move(idle_.back());
    idle_.pop_back();
    return companion;
  }
  lock.unlock();
  auto started = start();
  if (!started) write_off();
  return started;
}

void CompanionPool::give_back(Companion companion) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(companion));
  --lent_;
  has_room_.notify_one();
}

void CompanionPool::write_off() {
  const std::lock_guard lock(mutex_);
  --lent_;
  has_room_.notify_one();
}

}  // namespace assay::verifiers::sql
