// What a run's own folder can prove of its ledgers: its verifiers judge the stored completions
// again, and a fresh learner repeats its updates from its base policy.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/cli/run_setup.h"
#include "runtime/core/result.h"
#include "runtime/store/ledger_checker.h"
#include "runtime/store/run_folder.h"

namespace assay::cli {

class RunAudit {
 public:
  // Reads the run's resolved config. What is missing or unusable is no error: it becomes the reason
  // why a part of a ledger is not checked.
  explicit RunAudit(store::RunPaths paths);

  // The callbacks for the ledger with this header. Replaying costs as much as the run's updates
  // did. The bits of a replay depend neither on threads nor on the instruction set, so another
  // machine gets them too.
  store::CheckOptions options_for(const store::LedgerHeader& header, bool is_replay_wanted) const;

 private:
  void add_verify(store::CheckOptions& options) const;
  Result<void> add_replay(const store::LedgerHeader& header, store::CheckOptions& options) const;

  store::RunPaths paths_;
  Result<std::shared_ptr<const RunSetup>> setup_;
};

// An outside record for invariant I22: JSON lines with `seq` and `chain`; other keys are ignored,
// so lines of `assay ledger export` will do.
// Errors: kCorrupt with the line's place; those of opening and reading a file.
Result<std::vector<store::Acknowledgement>> read_acknowledged(const std::string& path);

}  // namespace assay::cli
