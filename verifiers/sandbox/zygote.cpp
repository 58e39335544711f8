#include "verifiers/sandbox/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/frame.h"
#include "verifiers/sandbox/scratch_folder.h"

namespace assay::sandbox {

namespace {

using namespace std::chrono;

// What the processes of a check may use beyond the program's own memory.
constexpr std::uint64_t kGroupBaseBytes = std::uint64_t{192} << 20;
constexpr std::uint32_t kGroupBaseCount = 8;
// The exit status of a child that could not be confined; it has seen no foreign code.
constexpr int kNotConfined = 70;

FileDescriptor handle_of(pid_t pid) {
  return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

std::uint64_t microseconds_of(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_usec);
}

void announce_confinement() {
  const char byte = '+';
  [[maybe_unused]] const ssize_t written = ::write(kControl, &byte, 1);
}

std::uint64_t size_of(const FileDescriptor& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

template <class Work>
Result<pid_t> Zygote::fork_child(Work&& work) {
  if (namespaces_ != nullptr) {
    if (auto begun = namespaces_->begin_fresh(); !begun) return begun.error();
  }
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(work());
  if (pid < 0) return errno_error("make", "a jailed process");
  return pid;
}

SyscallFilter& Zygote::filter_of(Task task) {
  return filters_.try_emplace(task, task).first->second;
}

Result<pid_t> Zygote::make_child(Task task, std::size_t index, const Limits& limits,
                                 const ChildDescriptors& descriptors) {
  SyscallFilter& filter = filter_of(task);
  return fork_child([&] {
    if (!confine(setup_, task, index, limits, descriptors, &filter)) return kNotConfined;
    announce_confinement();
    return language_.run(task);
  });
}

Result<pid_t> Zygote::make_probe(int (*test)(), const Limits& limits, bool has_filter) {
  SyscallFilter* filter = has_filter ? &filter_of(Task::kRunner) : nullptr;
  return fork_child([&] {
    if (!confine(setup_, Task::kRunner, 0, limits, {}, filter)) return kNotConfined;
    return test();
  });
}

Result<void> Zygote::start(const CheckOrder& order, const std::vector<FileDescriptor>& beside,
                           std::vector<Child>& children) {
  if (group_ != nullptr) {
    if (auto limited = group_->limit(order.limits.memory_bytes + kGroupBaseBytes,
                                     order.limits.process_count + kGroupBaseCount);
        !limited) {
      return limited;
    }
  }
  FileDescriptor peers[kTasksMax];
  if (order.task_count > 1) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
      return errno_error("make", "a socket pair");
    }
    peers[0] = FileDescriptor(pair[0]);
    peers[1] = FileDescriptor(pair[1]);
  }
  const std::size_t extra = 1 + order.task_count;
  for (std::size_t i = 0; i < order.task_count; ++i) {
    ChildDescriptors descriptors;
    if (i == 0) descriptors.output = beside[0].get();
    descriptors.control = beside[1 + i].get();
    descriptors.peer = peers[i].get();
    if (beside.size() > extra) descriptors.input = beside[extra].get();
    if (beside.size() > extra + 1) descriptors.peer = beside[extra + 1].get();
    const auto pid = make_child(order.tasks[i], i, order.limits, descriptors);
    if (!pid) return pid.error();
    children.push_back({*pid, handle_of(*pid)});
    if (!children.back().handle.is_open()) return errno_error("watch", "a jailed process");
  }
  return {};
}

// Until the last process has ended (true), or its time is over, or nobody waits for it any more.
bool Zygote::wait_for_end(const Child& last, std::uint32_t wall_ms) {
  const auto deadline = steady_clock::now() + milliseconds(wall_ms);
  while (true) {
    const auto left = ceil<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd waited[] = {{last.handle.get(), POLLIN, 0}, {kCompanionSocket, POLLRDHUP, 0}};
    if (::poll(waited, 2, static_cast<int>(left)) < 0 && errno != EINTR) return false;
    if ((waited[0].revents & POLLIN) != 0) return true;
    if (waited[1].revents != 0) {
      is_owner_gone_ = true;
      return false;
    }
  }
}

void Zygote::end_all(std::vector<Child>& children, CheckReport& report) {
  for (std::size_t i = 0; i < children.size(); ++i) {
    Child& child = children[i];
    pollfd ended{child.handle.get(), POLLIN, 0};
    report.processes[i].was_killed = ::poll(&ended, 1, 0) == 0 ? 1 : 0;
    // Its session too, which holds what a compiler starts where there is no PID namespace.
    ::kill(-child.pid, SIGKILL);
    ::kill(child.pid, SIGKILL);
  }
  for (std::size_t i = 0; i < children.size(); ++i) {
    int status = 0;
    rusage used{};
    while (::wait4(children[i].pid, &status, 0, &used) < 0 && errno == EINTR) {
    }
    report.processes[i].wait_status = status;
    report.processes[i].cpu_us = microseconds_of(used.ru_utime) + microseconds_of(used.ru_stime);
  }
  // What they left behind has become ours.
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
}

CheckReport Zygote::check(const CheckOrder& order, const std::vector<FileDescriptor>& beside) {
  CheckReport report;
  if (order.task_count == 0 || order.task_count > kTasksMax ||
      beside.size() < 1 + order.task_count) {
    return report;
  }
  const std::uint64_t kills = group_ != nullptr ? group_->kill_count() : 0;
  std::vector<Child> children;
  report.is_started = start(order, beside, children) ? 1 : 0;
  if (report.is_started != 0) {
    report.is_over_time = wait_for_end(children.back(), order.limits.wall_ms) ? 0 : 1;
  }
  end_all(children, report);
  // With mounts of its own the folder has gone with its child.
  if (setup_.level == IsolationLevel::kL2 && !setup_.scratch.empty()) clear_folder(setup_.scratch);
  if (group_ != nullptr) report.is_out_of_memory = group_->kill_count() != kills ? 1 : 0;
  report.output_bytes = size_of(beside[0]);
  return report;
}

void Zygote::serve() {
  while (!is_owner_gone_) {
    CheckOrder order;
    const auto bytes = std::as_writable_bytes(std::span(&order, 1));
    const auto beside = receive_message(kCompanionSocket, bytes, kNoDeadline);
    if (!beside) return;
    const CheckReport report = check(order, *beside);
    if (!send_message(kCompanionSocket, std::as_bytes(std::span(&report, 1)), {}, kNoDeadline)) {
      return;
    }
  }
}

}  // namespace assay::sandbox
