// JailPool: jails that wait warm for the next check, as many as checks run at once.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/core/result.h"
#include "verifiers/sandbox/jail.h"

namespace assay::sandbox {

// Thread-safe.
class JailPool {
 public:
  explicit JailPool(std::string companion, IsolationLevel level_max = IsolationLevel::kL4)
      : companion_(std::move(companion)), level_max_(level_max) {}

  // The pool of this companion that all verifiers of the process share, as long as one holds it.
  static std::shared_ptr<JailPool> shared(const std::string& companion);

  // Starts so many jails at once and waits for them, the first time it is asked; what cannot be
  // started fails where it is needed. Otherwise the first checks would pay for the start.
  void warm(unsigned count);

  // One check in a jail that no other check uses, started if none is idle. A jail that failed is
  // thrown away and the check is tried once more in a new one. `level` is where it ran. Errors: as
  // Jail::start() and Jail::check().
  Result<CheckOutcome> check(const CheckPlan& plan, IsolationLevel& level);

  // The level a check would run at now, with the reasons why it is no higher.
  Result<IsolationLevel> level(std::string* refused = nullptr);

 private:
  Result<Jail> take();
  void give_back(Jail jail);

  std::string companion_;
  IsolationLevel level_max_;
  std::mutex mutex_;
  std::vector<Jail> idle_;
  bool is_warm_ = false;
};

}  // namespace assay::sandbox
