// CompanionPool: SQLite companions that wait for the next query.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/core/result.h"
#include "verifiers/sandbox/child_process.h"

namespace assay::verifiers::sql {

struct Companion {
  sandbox::ChildProcess process;
  std::string isolation;  // the level it has secluded itself at; "process" where that is none
};

// Thread-safe.
class CompanionPool {
 public:
  // The pool of this process, as long as somebody holds it; the last one to let go ends the
  // companions.
  static std::shared_ptr<CompanionPool> shared();

  explicit CompanionPool(std::size_t companions_max) : companions_max_(companions_max) {}

  // An idle companion, the latest used first, or a new one; waits while all are lent.
  // Errors: kNotFound E420, kUnavailable when none can be started.
  Result<Companion> borrow();
  // Takes back a companion that answered everything it was asked.
  void give_back(Companion companion);
  // Says that a borrowed companion was ended instead.
  void write_off();

 private:
  const std::size_t companions_max_;
  std::mutex mutex_;
  std::condition_variable has_room_;
  std::size_t lent_ = 0;
  std::vector<Companion> idle_;
};

}  // namespace assay::verifiers::sql
