// Runs the built program as a user would, and keeps what it said.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "runtime/core/check.h"
#include "runtime/core/file.h"
#include "tests/support/temporary_folder.h"

namespace assay::testing {

struct ProgramOutcome {
  int exit_code = -1;  // 128 + signal when it was killed
  std::string out;
  std::string err;
};

// Starts `program` with `args` in `folder` and waits for its end.
inline ProgramOutcome run_program(const std::string& program, std::vector<std::string> args,
                                  const std::string& folder = ".") {
  constexpr std::size_t kOutputBytesMax = 64 << 20;
  const TemporaryFolder outputs;
  const std::string out_path = outputs.path("out");
  const std::string err_path = outputs.path("err");
  args.insert(args.begin(), program);
  const pid_t child = fork();
  ASSAY_CHECK(child >= 0, "a child process can be made");
  if (child == 0) {
    std::vector<char*> words;
    for (std::string& arg : args) words.push_back(arg.data());
    words.push_back(nullptr);
    const int out = open(out_path.c_str(), O_CREAT | O_WRONLY, 0600);
    const int err = open(err_path.c_str(), O_CREAT | O_WRONLY, 0600);
    if (chdir(folder.c_str()) != 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(126);
    execv(program.c_str(), words.data());
    _exit(127);
  }
  int status = 0;
  ASSAY_CHECK(waitpid(child, &status, 0) == child, "the child process can be waited for");
  ProgramOutcome outcome;
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const auto out = read_file(out_path, kOutputBytesMax);
  const auto err = read_file(err_path, kOutputBytesMax);
  if (out) outcome.out = *out;
  if (err) outcome.err = *err;
  return outcome;
}

}  // namespace assay::testing
