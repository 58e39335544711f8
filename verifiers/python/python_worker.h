// One process of the user's interpreter that holds the user's function.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/result.h"
#include "verifiers/sandbox/child_process.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

struct PythonOptions {
  std::string interpreter = "python3";  // a path, or a name to look for in PATH
  std::string path;                     // the file with the function
  std::string function = "verify";
  std::chrono::milliseconds time_limit{5000};    // of one call
  std::chrono::milliseconds start_limit{30000};  // of the import
  std::size_t memory_bytes = std::size_t{1} << 30;
  bool is_fenced = true;         // no network, no file written, no attack's system call
  bool watches_effects = false;  // tell what the function does beside answering
};

// What the function said of one completion.
struct PythonAnswer {
  enum class Kind { kScored, kAbstained, kRaised, kHung, kDied } kind = Kind::kDied;
  double score = 0;
  std::optional<bool> is_passed;  // where it said so beside the score
  std::string reason;             // or what was raised
};

using PythonSink = std::function<void(PythonAnswer)>;

class PythonWorker {
 public:
  // Starts the interpreter, which begins to import the function. Errors: E401 with the
  // interpreter's path when it cannot be started.
  static Result<PythonWorker> start(const PythonOptions& options);

  // Waits until the function is imported; does nothing the second time. Errors: E401 with the
  // traceback when it cannot be imported.
  Result<void> await_import();

  // Gives the sink the answers of the first items, as they come, and returns their number. Fewer
  // than all when an item hung or killed the process, which is then of no more use: of the last
  // item that is said, of several it is not known which it was.
  std::size_t ask(std::span<const Judgement> items, const PythonSink& sink);
  bool is_alive() const { return is_alive_; }

  // How it calls the function: "named", "trl", "verl", "promptfoo" or "reasoning-gym".
  const std::string& convention() const { return convention_; }
  // What holds around it: "fence(network,landlock,seccomp)", or "process".
  const std::string& isolation() const { return isolation_; }
  // What it was seen to do beside answering, or to try, where that is watched. The word of a
  // process that foreign text may have turned.
  const std::vector<std::string>& side_effects() const { return side_effects_; }

 private:
  PythonWorker(sandbox::ChildProcess process, const PythonOptions& options)
      : process_(std::move(process)), options_(options) {}
  std::optional<PythonAnswer> receive(std::size_t expected, std::vector<PythonAnswer>& answers);

  sandbox::ChildProcess process_;
  PythonOptions options_;
  std::string convention_, isolation_ = "process";
  std::vector<std::string> side_effects_;
  SteadyTime import_deadline_;
  bool is_imported_ = false, is_alive_ = true;
};

// Workers of one function, as many as there are callers at once, and a spare one that has imported
// it already when one of them dies. Thread-safe.
class PythonPool {
 public:
  // Waits for the first worker, so that a function that cannot be imported is known at once.
  static Result<std::unique_ptr<PythonPool>> create(const PythonOptions& options);

  // Gives the sink an answer for each item, in order. A worker that dies over an item is replaced
  // for the rest.
  void ask(std::span<const Judgement> items, const PythonSink& sink);

  const std::string& convention() const { return convention_; }
  const std::string& isolation() const { return isolation_; }
  // Of all workers, sorted.
  std::vector<std::string> side_effects() const;

 private:
  explicit PythonPool(const PythonOptions& options) : options_(options) {}
  Result<PythonWorker> take();
  void make_spare();
  void put_back(PythonWorker worker);

  PythonOptions options_;
  std::string convention_, isolation_;
  mutable std::mutex mutex_;
  std::set<std::string> side_effects_;
  std::vector<PythonWorker> idle_;
  std::optional<PythonWorker> spare_;
};

}  // namespace assay::verifiers
