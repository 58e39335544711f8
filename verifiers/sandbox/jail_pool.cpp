#include "verifiers/sandbox/jail_pool.h"

#include <map>
#include <thread>
#include <utility>

namespace assay::sandbox {

std::shared_ptr<JailPool> JailPool::shared(const std::string& companion) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<JailPool>> pools;
  const std::lock_guard lock(mutex);
  std::weak_ptr<JailPool>& known = pools[companion];
  auto pool = known.lock();
  if (pool == nullptr) {
    pool = std::make_shared<JailPool>(companion);
    known = pool;
  }
  return pool;
}

void JailPool::warm(unsigned count) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_warm_, true)) return;
  }
  std::vector<std::thread> starters;
  for (unsigned i = 0; i < count; ++i) {
    starters.emplace_back([this] {
      if (auto jail = Jail::start(companion_, level_max_)) give_back(std::move(*jail));
    });
  }
  for (std::thread& starter : starters) starter.join();
}

Result<Jail> JailPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      Jail jail = std::move(idle_.back());
      idle_.pop_back();
      return jail;
    }
  }
  return Jail::start(companion_, level_max_);
}

void JailPool::give_back(Jail jail) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(jail));
}

Result<CheckOutcome> JailPool::check(const CheckPlan& plan, IsolationLevel& level) {
  for (bool is_last = false;; is_last = true) {
    auto jail = take();
    if (!jail) return jail.error();
    level = jail->level();
    auto outcome = jail->check(plan);
    if (!outcome && !is_last) continue;
    if (outcome) give_back(std::move(*jail));
    return outcome;
  }
}

Result<IsolationLevel> JailPool::level(std::string* refused) {
  auto jail = take();
  if (!jail) return jail.error();
  const IsolationLevel level = jail->level();
  if (refused != nullptr) *refused = jail->refused_levels();
  give_back(std::move(*jail));
  return level;
}

}  // namespace assay::sandbox
