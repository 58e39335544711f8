#include "verifiers/sandbox/jail.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

#include "verifiers/sandbox/frame.h"

namespace assay::sandbox {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kHelloBytesMax = 1 << 16;
constexpr std::size_t kAnswerBytesMax = 1 << 16;
constexpr auto kStartTime = 20s;
constexpr auto kEndTime = 500ms;
// Between the end of a check's wall time and the moment when its zygote is given up.
constexpr auto kGraceTime = 10s;

SteadyTime in(std::chrono::microseconds time) {
  return SystemClock().now() + time;
}

Result<FileDescriptor> memory_file(const char* name, std::string_view content = {}) {
  FileDescriptor file(::memfd_create(name, MFD_CLOEXEC));
  if (!file.is_open()) return errno_error("make", "a file in memory");
  if (!content.empty()) {
    if (auto done = write_all(file.get(), std::as_bytes(std::span(content)), name); !done) {
      return done.error();
    }
    ::lseek(file.get(), 0, SEEK_SET);
  }
  return file;
}

// The owner's ends of a check's sockets, and what goes to the zygote.
struct Lines {
  std::vector<FileDescriptor> ours;
  std::vector<FileDescriptor> theirs;
  FileDescriptor output, input, program;

  std::vector<int> beside() const {
    std::vector<int> all = {output.get()};
    for (const FileDescriptor& one : theirs) all.push_back(one.get());
    return all;
  }
};

Result<Lines> make_lines(const CheckPlan& plan) {
  Lines lines;
  auto output = memory_file("output");
  if (!output) return output.error();
  lines.output = std::move(*output);
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
      return errno_error("make", "a socket pair");
    }
    lines.ours.emplace_back(pair[0]);
    lines.theirs.emplace_back(pair[1]);
  }
  if (plan.tasks[0] != Task::kFilter && plan.tasks[0] != Task::kCompiler) return lines;
  auto input = memory_file("input", plan.input);
  if (!input) return input.error();
  lines.theirs.push_back(std::move(*input));
  if (plan.program != nullptr) {
    lines.theirs.emplace_back(::fcntl(plan.program->get(), F_DUPFD_CLOEXEC, 0));
  } else {
    auto program = memory_file("program");
    if (!program) return program.error();
    lines.program = FileDescriptor(::fcntl(program->get(), F_DUPFD_CLOEXEC, 0));
    lines.theirs.push_back(std::move(*program));
  }
  return lines;
}

// A file that anyone may write to cannot be run.
FileDescriptor read_only(FileDescriptor& file) {
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  FileDescriptor reading(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  file = FileDescriptor();
  return reading;
}

CheckOrder order_of(const CheckPlan& plan) {
  CheckOrder order;
  order.task_count = static_cast<std::uint32_t>(plan.tasks.size());
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) order.tasks[i] = plan.tasks[i];
  order.limits = plan.limits;
  return order;
}

ProcessEnd end_of(const CheckReport::Process& process) {
  ProcessEnd end;
  const int status = process.wait_status;
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.exit_status = WEXITSTATUS(status);
  end.was_outlived = process.was_killed != 0;
  end.cpu_us = process.cpu_us;
  return end;
}

// Everything a process of the check has sent lies in the socket by now: nobody is left to send.
void read_answer(int fd, ProcessEnd& end, std::string& answer) {
  char begun = 0;
  end.has_begun = ::recv(fd, &begun, 1, MSG_DONTWAIT) == 1;
  if (!end.has_begun) return;
  if (auto frame = read_frame(fd, kAnswerBytesMax, SteadyTime{})) answer = std::move(*frame);
}

}  // namespace

Result<Jail> Jail::start(const std::string& companion, IsolationLevel level_max) {
  const auto program = find_companion(companion);
  if (!program) return program.error();
  auto child =
      ChildProcess::start(*program, {"--level-max", std::to_string(static_cast<int>(level_max))});
  if (!child) return child.error();
  const auto hello = child->receive(kHelloBytesMax, in(kStartTime));
  if (!hello) {
    return Error{ErrorCode::kUnavailable, companion + " does not start: " + hello.error().message,
                 "run it by hand: a library of its language may be missing", "", ""};
  }
  const bool is_well_formed =
      hello->size() >= 3 && (*hello)[0] == 'L' && (*hello)[1] >= '0' && (*hello)[1] <= '4';
  if (!is_well_formed) {
    return Error{ErrorCode::kCorrupt, companion + " is of another build", "install it anew", "",
                 ""};
  }
  const auto level = static_cast<IsolationLevel>((*hello)[1] - '0');
  std::string refused = hello->substr(3);
  if (level == IsolationLevel::kL0) {
    // The reasons name this moment's folders: they help, but are no part of a verdict.
    std::replace(refused.begin(), refused.end(), '\n', ';');
    return Error{ErrorCode::kUnavailable, "this machine cannot keep foreign programs apart",
                 "allow what the levels lacked: " + refused, "", ""};
  }
  return Jail(std::move(*child), level, std::move(refused));
}

Jail::~Jail() {
  companion_.finish(in(kEndTime));
}

Result<CheckOutcome> Jail::check(const CheckPlan& plan) {
  auto lines = make_lines(plan);
  if (!lines) return lines.error();
  const SteadyTime deadline = in(std::chrono::milliseconds(plan.limits.wall_ms)) + kGraceTime;
  const CheckOrder order = order_of(plan);
  const std::vector<int> beside = lines->beside();
  if (auto sent =
          send_message(companion_.socket(), std::as_bytes(std::span(&order, 1)), beside, deadline);
      !sent) {
    return sent.error();
  }
  lines->theirs.clear();
  for (std::size_t i = 0; i < plan.papers.size(); ++i) {
    // A process that has ended early takes nothing: its end will say why.
    static_cast<void>(write_frame(lines->ours[i].get(), plan.papers[i], deadline));
  }
  CheckReport report;
  if (auto told = receive_message(companion_.socket(),
                                  std::as_writable_bytes(std::span(&report, 1)), deadline);
      !told) {
    return told.error();
  }
  if (report.is_started == 0) {
    return Error{ErrorCode::kUnavailable, "the jail cannot make a process", "", "", ""};
  }
  CheckOutcome outcome;
  outcome.is_over_time = report.is_over_time != 0;
  outcome.is_out_of_memory = report.is_out_of_memory != 0;
  outcome.is_output_full = report.output_bytes >= plan.limits.output_bytes;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    outcome.processes.push_back(end_of(report.processes[i]));
    outcome.answers.emplace_back();
    read_answer(lines->ours[i].get(), outcome.processes.back(), outcome.answers.back());
  }
  outcome.output = std::move(lines->output);
  if (lines->program.is_open()) outcome.program = read_only(lines->program);
  return outcome;
}

}  // namespace assay::sandbox
