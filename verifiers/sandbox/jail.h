// Jail: the owner's side of a companion that runs foreign programs, one check at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/clock.h"
#include "runtime/core/file.h"
#include "runtime/core/result.h"
#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/isolation.h"
#include "verifiers/sandbox/jail_message.h"
#include "verifiers/sandbox/limits.h"

namespace assay::sandbox {

// One check as its owner sees it: what each process is told.
struct CheckPlan {
  std::vector<Task> tasks;               // one or two
  std::vector<std::string_view> papers;  // what each task is given, foreign text
  Limits limits;
  // Of a kFilter task: what stands on its standard input, and the program that a kCompiler made.
  std::string_view input;
  const FileDescriptor* program = nullptr;
};

// What became of one process. The exit status is told for the record and never believed.
struct ProcessEnd {
  bool has_begun = false;  // it was confined; otherwise the machine is at fault
  int signal = 0;          // that ended it; 0: it exited
  int exit_status = 0;
  bool was_outlived = false;  // it still ran when the check was over
  std::uint64_t cpu_us = 0;
};

struct CheckOutcome {
  bool is_over_time = false;
  bool is_out_of_memory = false;
  bool is_output_full = false;
  std::vector<ProcessEnd> processes;
  std::vector<std::string> answers;  // the one frame each process sent, if any
  FileDescriptor output;             // what the first one wrote to standard output and error
  FileDescriptor program;            // what a kCompiler task made
};

// Not thread-safe, but may move between threads. When it goes, so do its zygote and all its
// children, and its control group.
class Jail {
 public:
  // Errors: kNotFound E420 without the companion; kUnavailable, with the reason, when it cannot
  // start, and when the machine offers no level above L0.
  static Result<Jail> start(const std::string& companion,
                            IsolationLevel level_max = IsolationLevel::kL4);
  ~Jail();
  Jail(Jail&&) noexcept = default;
  Jail& operator=(Jail&&) noexcept = default;

  IsolationLevel level() const { return level_; }
  // Why no higher level was reached, a line each; empty at the highest.
  const std::string& refused_levels() const { return refused_; }
  // Of the launcher: the process that everything of this jail descends from.
  pid_t pid() const { return companion_.pid(); }

  // Runs one check to its end; afterwards none of its processes is left. Errors: the machine's
  // fault, never the program's; the jail must then be thrown away.
  Result<CheckOutcome> check(const CheckPlan& plan);

 private:
  Jail(ChildProcess companion, IsolationLevel level, std::string refused)
      : companion_(std::move(companion)), level_(level), refused_(std::move(refused)) {}

  ChildProcess companion_;
  IsolationLevel level_;
  std::string refused_;
};

}  // namespace assay::sandbox
