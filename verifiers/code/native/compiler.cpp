#include "verifiers/code/native/compiler.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/file.h"
#include "runtime/core/limits.h"
#include "verifiers/sandbox/confinement.h"
#include "verifiers/sandbox/frame.h"

namespace assay::verifiers::native {

namespace {

constexpr const char* kCompiler = "/usr/bin/g++";
constexpr const char* kSource = "program.cpp";
constexpr const char* kProgram = "program";
constexpr int kNotStarted = 127;

bool write_source(const std::string& source) {
  const FileDescriptor file(::open(kSource, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  return file.is_open() &&
         static_cast<bool>(write_all(file.get(), std::as_bytes(std::span(source)), kSource));
}

// Linked into one file, so that the program needs no other where it runs.
void become_compiler() {
  std::vector<std::string> words = {kCompiler, "-std=c++20", "-O2",
                                    "-w",      "-static",    "-fdiagnostics-color=never",
                                    "-o",      kProgram,     kSource};
  std::vector<std::string> settings = {"PATH=/usr/bin", "LANG=C.UTF-8", "TMPDIR=."};
  std::vector<char*> arguments, environment;
  for (std::string& word : words) arguments.push_back(word.data());
  for (std::string& setting : settings) environment.push_back(setting.data());
  arguments.push_back(nullptr);
  environment.push_back(nullptr);
  ::close(sandbox::kControl);
  ::close(sandbox::kPeer);
  ::execve(kCompiler, arguments.data(), environment.data());
  ::_exit(kNotStarted);
}

bool copy_program() {
  const FileDescriptor file(::open(kProgram, O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return false;
  std::array<std::byte, 1 << 16> part{};
  while (true) {
    const ssize_t count = ::read(file.get(), part.data(), part.size());
    if (count == 0) return true;
    if (count < 0) return false;
    const auto bytes = std::span(part).first(static_cast<std::size_t>(count));
    if (!write_all(sandbox::kPeer, bytes, kProgram)) return false;
  }
}

std::string_view compile(const std::string& source) {
  if (!write_source(source)) return kNoCompiler;
  const pid_t pid = ::fork();
  if (pid == 0) become_compiler();
  int status = 0;
  while (pid > 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (pid < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == kNotStarted)) return kNoCompiler;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return kNotCompiled;
  return copy_program() ? kCompiled : kNotCompiled;
}

}  // namespace

int compile_program() {
  const auto source = sandbox::read_plain_frame(sandbox::kControl, limits::kCompletionBytesMax);
  if (!source) return 1;
  return sandbox::write_plain_frame(sandbox::kControl, compile(*source)) ? 0 : 1;
}

}  // namespace assay::verifiers::native
