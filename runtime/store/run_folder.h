// The folder of a run, outputs/<run>/: the names of everything in it, and who may write there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/file.h"
#include "runtime/core/result.h"

namespace assay::store {

// The names inside a run's folder. Pure: nothing is touched.
class RunPaths {
 public:
  explicit RunPaths(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }
  std::string resolved_config() const { return root_ + "/configs/resolved.toml"; }
  // The ledger of an arm: "true" is the run itself, anything else a control.
  std::string ledger(std::string_view arm = "true") const;
  std::string checkpoints(std::string_view arm = "true") const;
  std::string quarantine(std::string_view arm = "true") const;
  std::string controls() const { return root_ + "/controls"; }
  // What the base policy earned on training prompts, the mean that random_iid matches.
  std::string training_rewards() const { return controls() + "/random_iid/base/results.json"; }
  std::string metrics() const { return root_ + "/metrics.jsonl"; }
  std::string logs() const { return root_ + "/logs/latest"; }
  std::string log(std::string_view actor) const;  // '/' in the actor's name becomes '-'
  std::string rollouts(std::uint64_t step) const;
  std::string eval(std::uint64_t step, std::string_view source) const;
  std::string report() const { return root_ + "/report"; }
  std::string report_page() const { return root_ + "/report/index.html"; }
  std::string summary() const { return root_ + "/report/summary.json"; }
  std::string status_socket() const { return root_ + "/status.sock"; }

 private:
  std::string root_;
};

enum class RunMode {
  kNew,     // the folder must not hold a run
  kResume,  // it must hold one
  kClean,   // a run that is there is deleted first
};

// A run's folder, locked for this process while the object lives.
class RunFolder {
 public:
  // Creates or takes over the folder and locks it.
  // Errors: kInvalidInput E801 when a run is there and the mode is kNew, and when the folder holds
  // files but no run (it is not ours); kNotFound when kResume finds none; kUnavailable naming the
  // pid when another process holds it. kClean deletes only the names assay makes.
  static Result<RunFolder> open(const std::string& root, RunMode mode);

  const RunPaths& paths() const { return paths_; }

 private:
  RunFolder(RunPaths paths, FileDescriptor lock)
      : paths_(std::move(paths)), lock_(std::move(lock)) {}

  RunPaths paths_;
  FileDescriptor lock_;
};

// The folder of an existing run, for those who only look. `run` is a path, or a name under
// `outputs`. Errors: kNotFound, saying which runs there are.
Result<RunPaths> find_run(const std::string& run, const std::string& outputs = "outputs");

// The run under `outputs` that a process is running. Errors: kNotFound when none is, kInvalidInput,
// naming them, when several are.
Result<RunPaths> find_live_run(const std::string& outputs = "outputs");

// The ledgers of a run: its own first, whether it exists or not, then those of its controls by
// name.
std::vector<std::string> find_ledgers(const RunPaths& paths);

// The process that holds the folder's lock; 0 when nobody does.
Result<std::int64_t> running_process(const RunPaths& paths);

}  // namespace assay::store
