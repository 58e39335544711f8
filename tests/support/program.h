// Runs the built program as a user would, and keeps what it said.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/core/file.h"
#include "tests/support/temporary_folder.h"

namespace assay::testing {

struct ProgramOutcome {
  int exit_code = -1;  // 128 + signal when it was killed
  std::string out;
  std::string err;
};

struct StartOptions {
  std::string folder = ".";
  std::vector<std::string> environment;      // "NAME=value", beside what this process has
  std::optional<unsigned> terminal_columns;  // standard error is a terminal of that width
};

// A program that runs beside the test. It is killed when this object goes and when the test dies,
// so nothing that a test started outlives it.
class RunningProgram {
 public:
  RunningProgram(const std::string& program, std::vector<std::string> args,
                 const StartOptions& options = {});
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  pid_t pid() const { return child_; }
  bool is_running();
  // Does nothing when the program has ended.
  void send(int signal);

  // What it has said so far.
  std::string out() const;
  std::string err() const;

  // Looks every millisecond until `condition` holds. False when the program ends or the time is
  // over first.
  bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds limit);
  bool wait_for_err(const std::string& text, std::chrono::milliseconds limit);
  bool wait_for_file(const std::string& path, std::chrono::milliseconds limit);

  // Waits for the end. A program that needs longer is killed, and the test fails.
  ProgramOutcome wait(std::chrono::milliseconds limit = std::chrono::minutes(2));

 private:
  bool look();
  void read_terminal();

  TemporaryFolder outputs_;
  pid_t child_ = -1;
  std::optional<int> exit_code_;
  FileDescriptor terminal_;  // our side of the pseudo-terminal
  std::thread terminal_reader_;
  std::atomic<bool> is_stopping_ = false;
  mutable std::mutex terminal_mutex_;
  std::string terminal_text_;
};

// Starts `program` with `args` in `folder` and waits for its end.
ProgramOutcome run_program(const std::string& program, std::vector<std::string> args,
                           const std::string& folder = ".");

}  // namespace assay::testing
