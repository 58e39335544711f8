#include "actors/cli/node_processes.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "runtime/core/clock.h"

extern char** environ;

namespace assay::cli {

namespace {

constexpr std::chrono::milliseconds kLookInterval{50};
constexpr std::chrono::milliseconds kLeaveTime{3000}, kTermTime{3000};

std::string end_of(int status) {
  if (WIFEXITED(status)) return "ended with code " + std::to_string(WEXITSTATUS(status));
  return "was ended by signal " + std::to_string(WTERMSIG(status));
}

// In a process group of its own: Ctrl-C is the head's to handle. Returns 0 or why it failed.
int spawn(const NodeCommand& command, pid_t& pid) {
  std::vector<char*> words;
  for (const std::string& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, command.log_path.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int failure =
      ::posix_spawnp(&pid, words.front(), &files, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failure;
}

}  // namespace

NodeProcesses::NodeProcesses(std::vector<NodeCommand> commands,
                             std::function<void(const std::string&)> tell)
    : commands_(std::move(commands)), tell_(std::move(tell)), restarts_(flow::RestartOptions{}) {
  for (const NodeCommand& command : commands_) start(command);
  thread_ = std::thread([this] { watch(); });
}

NodeProcesses::~NodeProcesses() {
  is_stopping_ = true;
  thread_.join();
  end_all();
}

void NodeProcesses::start(const NodeCommand& command) {
  pid_t pid = 0;
  if (const int failure = spawn(command, pid); failure != 0) {
    tell_("node " + command.name + " cannot be started: " + command.words.front() + ": " +
          std::strerror(failure));
    return;
  }
  running_[command.name] = pid;
}

void NodeProcesses::watch() {
  while (!is_stopping_) {
    std::this_thread::sleep_for(kLookInterval);
    for (const NodeCommand& command : commands_) {
      const auto process = running_.find(command.name);
      int status = 0;
      if (process != running_.end() && ::waitpid(process->second, &status, WNOHANG) > 0) {
        running_.erase(process);
        someone_died(command, status);
      }
      const auto due = due_.find(command.name);
      if (due != due_.end() && due->second <= SystemClock().now()) {
        due_.erase(due);
        start(command);
      }
    }
  }
}

void NodeProcesses::someone_died(const NodeCommand& command, int status) {
  const SteadyTime now = SystemClock().now();
  const auto delay = restarts_.worker_died(command.name, now);
  tell_("node " + command.name + " " + end_of(status) +
        (delay ? "; it is started again" : " again and is given up; see " + command.log_path));
  if (delay) due_[command.name] = now + *delay;
}

void NodeProcesses::end_all() {
  const auto wait_for_all = [this](std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!running_.empty() && std::chrono::steady_clock::now() < deadline) {
      std::erase_if(running_, [](const auto& entry) {
        int status = 0;
        return ::waitpid(entry.second, &status, WNOHANG) != 0;
      });
      if (!running_.empty()) std::this_thread::sleep_for(kLookInterval);
    }
  };
  wait_for_all(kLeaveTime);
  for (const auto& [name, pid] : running_) ::kill(pid, SIGTERM);
  wait_for_all(kTermTime);
  for (const auto& [name, pid] : running_) ::kill(pid, SIGKILL);
  wait_for_all(kTermTime);
}

}  // namespace assay::cli
