#include "tests/support/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "runtime/core/check.h"

namespace assay::testing {

namespace {

constexpr std::size_t kOutputBytesMax = 64 << 20;

// Everything the child needs, made before fork(): afterwards only system calls are safe.
struct Prepared {
  std::string program, folder, out_path, err_path;
  std::vector<std::string> args, environment;
  std::vector<char*> arg_words, environment_words;
  int terminal = -1;
  pid_t parent = 0;
};

std::vector<char*> words_of(std::vector<std::string>& texts) {
  std::vector<char*> words;
  for (std::string& text : texts) words.push_back(text.data());
  words.push_back(nullptr);
  return words;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& given) {
  std::vector<std::string> all = given;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool is_replaced = false;
    for (const std::string& one : given) is_replaced |= one.starts_with(name);
    if (!is_replaced) all.push_back(text);
  }
  return all;
}

[[noreturn]] void become(const Prepared& prepared) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(125);
  const int out = ::open(prepared.out_path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  const int err = prepared.terminal >= 0
                      ? prepared.terminal
                      : ::open(prepared.err_path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  if (::chdir(prepared.folder.c_str()) != 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) {
    ::_exit(126);
  }
  ::execve(prepared.program.c_str(), prepared.arg_words.data(), prepared.environment_words.data());
  ::_exit(127);
}

// The two ends of a pseudo-terminal: ours and the program's.
std::pair<FileDescriptor, FileDescriptor> make_terminal(unsigned columns) {
  FileDescriptor ours(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSAY_CHECK(ours.is_open() && ::grantpt(ours.get()) == 0 && ::unlockpt(ours.get()) == 0,
              "a pseudo-terminal can be made");
  char name[128] = {};
  ASSAY_CHECK(::ptsname_r(ours.get(), name, sizeof name) == 0, "the terminal has a name");
  FileDescriptor theirs(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSAY_CHECK(theirs.is_open(), "the program's end can be opened");
  termios mode{};
  ::tcgetattr(theirs.get(), &mode);
  ::cfmakeraw(&mode);
  ::tcsetattr(theirs.get(), TCSANOW, &mode);
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(columns);
  ::ioctl(theirs.get(), TIOCSWINSZ, &size);
  return {std::move(ours), std::move(theirs)};
}

std::string text_of(const std::string& path) {
  const auto text = read_file(path, kOutputBytesMax);
  return text ? *text : "";
}

}  // namespace

RunningProgram::RunningProgram(const std::string& program, std::vector<std::string> args,
                               const StartOptions& options) {
  Prepared prepared{
      program, options.folder, outputs_.path("out"), outputs_.path("err"), {}, {}, {}, {},
      -1,      ::getpid()};
  prepared.args = std::move(args);
  prepared.args.insert(prepared.args.begin(), program);
  prepared.environment = merged_environment(options.environment);
  prepared.arg_words = words_of(prepared.args);
  prepared.environment_words = words_of(prepared.environment);
  FileDescriptor theirs;
  if (options.terminal_columns) {
    std::tie(terminal_, theirs) = make_terminal(*options.terminal_columns);
    prepared.terminal = theirs.get();
  }
  child_ = ::fork();
  ASSAY_CHECK(child_ >= 0, "a child process can be made");
  if (child_ == 0) become(prepared);
  if (terminal_.is_open()) terminal_reader_ = std::thread([this] { read_terminal(); });
}

RunningProgram::~RunningProgram() {
  if (!exit_code_) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  is_stopping_ = true;
  if (terminal_reader_.joinable()) terminal_reader_.join();
}

// The program's side hangs up when it ends, which reads as an error here.
void RunningProgram::read_terminal() {
  char buffer[4096];
  for (;;) {
    pollfd place{terminal_.get(), POLLIN, 0};
    if (::poll(&place, 1, 20) == 0) {
      if (is_stopping_) return;
      continue;
    }
    const ssize_t count = ::read(terminal_.get(), buffer, sizeof buffer);
    if (count <= 0) return;
    const std::lock_guard lock(terminal_mutex_);
    terminal_text_.append(buffer, static_cast<std::size_t>(count));
  }
}

bool RunningProgram::look() {
  if (exit_code_) return false;
  int status = 0;
  if (::waitpid(child_, &status, WNOHANG) != child_) return true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

bool RunningProgram::is_running() {
  return look();
}

void RunningProgram::send(int signal) {
  if (look()) ::kill(child_, signal);
}

std::string RunningProgram::out() const {
  return text_of(outputs_.path("out"));
}

std::string RunningProgram::err() const {
  if (!terminal_.is_open()) return text_of(outputs_.path("err"));
  const std::lock_guard lock(terminal_mutex_);
  return terminal_text_;
}

bool RunningProgram::wait_until(const std::function<bool()>& condition,
                                std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (condition()) return true;
    if (!look() || std::chrono::steady_clock::now() > deadline) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool RunningProgram::wait_for_err(const std::string& text, std::chrono::milliseconds limit) {
  return wait_until([&] { return err().find(text) != std::string::npos; }, limit);
}

bool RunningProgram::wait_for_file(const std::string& path, std::chrono::milliseconds limit) {
  return wait_until([&] { return path_exists(path); }, limit);
}

ProgramOutcome RunningProgram::wait(std::chrono::milliseconds limit) {
  if (!wait_until([&] { return !look(); }, limit)) {
    ADD_FAILURE() << "the program did not end within " << limit.count() << " ms; it said:\n"
                  << err();
    ::kill(child_, SIGKILL);
    wait_until([&] { return !look(); }, std::chrono::seconds(10));
  }
  if (terminal_reader_.joinable()) {
    is_stopping_ = true;
    terminal_reader_.join();
  }
  return {exit_code_.value_or(-1), out(), err()};
}

ProgramOutcome run_program(const std::string& program, std::vector<std::string> args,
                           const std::string& folder) {
  StartOptions options;
  options.folder = folder;
  return RunningProgram(program, std::move(args), options).wait();
}

}  // namespace assay::testing
