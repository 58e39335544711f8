#include "runtime/store/run_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <vector>

#include "runtime/store/file_lock.h"

namespace assay::store {

namespace {

namespace fs = std::filesystem;

// Everything assay makes at the top of a run's folder: what --clean deletes, and nothing else.
constexpr std::array<std::string_view, 17> kOwnNames = {"configs",
                                                        "controls",
                                                        "checkpoints",
                                                        "logs",
                                                        "rollouts",
                                                        "eval",
                                                        "report",
                                                        "warmup",
                                                        "ledger.sqlite",
                                                        "ledger.sqlite-wal",
                                                        "ledger.sqlite-shm",
                                                        "ledger.sqlite.lock",
                                                        "ledger.sqlite.new",
                                                        "metrics.jsonl",
                                                        "quarantine.jsonl",
                                                        "status.sock",
                                                        "trace.json"};
constexpr std::string_view kMarkName = ".assay-run";
constexpr std::string_view kLockName = "run.lock";

Error run_exists(const std::string& root) {
  return Error{ErrorCode::kInvalidInput,
               "run folder " + root + " already holds a run",
               "go on with --resume, delete it with --clean, or choose another --run.name",
               {},
               "E801"};
}

Error not_ours(const std::string& root, const std::string& name) {
  return Error{ErrorCode::kInvalidInput,
               "run folder " + root + " holds '" + name + "', which assay did not make",
               "choose another --run.name",
               {},
               "E801"};
}

std::string lock_path(const std::string& root) {
  return root + "/" + std::string(kLockName);
}
std::string mark_path(const std::string& root) {
  return root + "/" + std::string(kMarkName);
}

// The first name in the folder that is neither the mark (or its draft, left by a full disk) nor the
// lock; empty when there is none.
std::string first_name_in(const std::string& root) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(root, error)) {
    const std::string name = entry.path().filename().string();
    const bool is_mark = name == kMarkName || name == std::string(kMarkName) + ".tmp";
    if (!is_mark && name != kLockName) return name;
  }
  return {};
}

// Links are removed, never followed: remove_all deletes a link itself.
Result<void> delete_run(const std::string& root) {
  for (const std::string_view name : kOwnNames) {
    std::error_code error;
    fs::remove_all(fs::path(root) / name, error);
    if (error) {
      errno = error.value();
      return errno_error("delete", root + "/" + std::string(name));
    }
  }
  return {};
}

Result<void> settle(const std::string& root, RunMode mode, bool had_run) {
  if (mode == RunMode::kResume) {
    if (had_run) return {};
    return Error{ErrorCode::kNotFound,
                 "resume " + root + ": there is no run in it",
                 "start it without --resume",
                 {},
                 {}};
  }
  const std::string found = first_name_in(root);
  if (!had_run && !found.empty()) return not_ours(root, found);
  if (had_run && mode == RunMode::kNew) return run_exists(root);
  if (had_run) {
    if (Result<void> deleted = delete_run(root); !deleted) return deleted;
  }
  return write_file_durably(mark_path(root), "assay run 1\n");
}

std::string safe_name(std::string_view text) {
  std::string name;
  for (const char letter : text) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' ||
                          letter == '-' || (letter == '.' && !name.empty());
    name += is_plain ? letter : '-';
  }
  return name.empty() ? "-" : name;
}

std::string known_runs(const std::string& outputs) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(outputs, error)) {
    if (path_exists(mark_path(entry.path().string())))
      names.push_back(entry.path().filename().string());
  }
  if (names.empty()) return "there are no runs under " + outputs + "; start one with `assay run`";
  std::sort(names.begin(), names.end());
  std::string text = "runs under " + outputs + ":";
  constexpr std::size_t kShownMax = 10;
  for (std::size_t i = 0; i < std::min(names.size(), kShownMax); ++i) text += " " + names[i];
  return names.size() > kShownMax ? text + " ..." : text;
}

}  // namespace

std::string RunPaths::ledger(std::string_view arm) const {
  if (arm == "true") return root_ + "/ledger.sqlite";
  return controls() + "/" + safe_name(arm) + "/ledger.sqlite";
}

std::string RunPaths::checkpoints(std::string_view arm) const {
  if (arm == "true") return root_ + "/checkpoints";
  return controls() + "/" + safe_name(arm) + "/checkpoints";
}

std::string RunPaths::quarantine(std::string_view arm) const {
  if (arm == "true") return root_ + "/quarantine.jsonl";
  return controls() + "/" + safe_name(arm) + "/quarantine.jsonl";
}

std::string RunPaths::log(std::string_view actor) const {
  return logs() + "/" + safe_name(actor) + ".log";
}

std::string RunPaths::rollouts(std::uint64_t step) const {
  return root_ + "/rollouts/step_" + std::to_string(step);
}

std::string RunPaths::eval(std::uint64_t step, std::string_view source) const {
  return root_ + "/eval/step_" + std::to_string(step) + "/" + safe_name(source);
}

Result<RunFolder> RunFolder::open(const std::string& root, RunMode mode) {
  const bool had_folder = path_exists(root);
  if (mode == RunMode::kResume && !had_folder) {
    return Error{ErrorCode::kNotFound,
                 "resume " + root + ": it does not exist",
                 "start it without --resume",
                 {},
                 {}};
  }
  const bool had_run = path_exists(mark_path(root));
  // A foreign folder must stay as it is, without even a lock file.
  if (had_folder && !had_run && mode != RunMode::kResume) {
    const std::string found = first_name_in(root);
    if (!found.empty()) return not_ours(root, found);
  }
  if (Result<void> made = make_folders(root); !made) return made.error();
  Result<FileDescriptor> lock = take_lock(lock_path(root), "run folder " + root);
  if (!lock) return lock.error();
  // Looked at again under the lock: another process may have made its run meanwhile.
  if (Result<void> settled = settle(root, mode, path_exists(mark_path(root))); !settled)
    return settled.error();
  return RunFolder(RunPaths(root), std::move(*lock));
}

Result<RunPaths> find_run(const std::string& run, const std::string& outputs) {
  for (const std::string& root : {run, outputs + "/" + run}) {
    if (path_exists(mark_path(root))) return RunPaths(root);
  }
  return Error{ErrorCode::kNotFound, "no run named '" + run + "'", known_runs(outputs), {}, {}};
}

Result<RunPaths> find_live_run(const std::string& outputs) {
  std::vector<std::string> live;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(outputs, error)) {
    const RunPaths paths(outputs + "/" + entry.path().filename().string());
    if (!path_exists(mark_path(paths.root()))) continue;
    const Result<std::int64_t> process = running_process(paths);
    if (process && *process > 0) live.push_back(entry.path().filename().string());
  }
  if (live.empty()) {
    return Error{ErrorCode::kNotFound,
                 "no run under " + outputs + " is running",
                 known_runs(outputs),
                 {},
                 {}};
  }
  if (live.size() == 1) return RunPaths(outputs + "/" + live.front());
  std::sort(live.begin(), live.end());
  std::string names;
  for (const std::string& name : live) names += " " + name;
  return Error{ErrorCode::kInvalidInput,
               "several runs are running under " + outputs,
               "name one of them:" + names,
               {},
               {}};
}

std::vector<std::string> find_ledgers(const RunPaths& paths) {
  std::vector<std::string> controls;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(paths.controls(), error)) {
    const std::string path = paths.ledger(entry.path().filename().string());
    if (path_exists(path)) controls.push_back(path);
  }
  std::sort(controls.begin(), controls.end());
  controls.insert(controls.begin(), paths.ledger());
  return controls;
}

Result<std::int64_t> running_process(const RunPaths& paths) {
  return lock_holder(lock_path(paths.root()));
}

}  // namespace assay::store
