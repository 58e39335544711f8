#include "verifiers/sandbox/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "verifiers/sandbox/frame.h"

namespace assay::sandbox {

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

std::string own_path() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "";
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// What becomes of descriptors 0 to 3 and of the session in the child.
class SpawnPlan {
 public:
  explicit SpawnPlan(int socket) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDWR, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, 0, 1);
    ::posix_spawn_file_actions_adddup2(&actions_, socket, kCompanionSocket);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<std::string> find_companion(const std::string& name) {
  std::vector<std::string> folders;
  if (const char* given = std::getenv("ASSAY_COMPANIONS")) folders.emplace_back(given);
  const std::string own = folder_of(own_path());
  folders.push_back(own);
  folders.push_back(folder_of(own));
  std::string searched;
  for (const std::string& folder : folders) {
    const std::string path = folder + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
    searched += (searched.empty() ? "" : ", ") + folder;
  }
  return Error{ErrorCode::kNotFound, "the companion program " + name + " is not in " + searched,
               "install it beside assay, or set ASSAY_COMPANIONS to its folder", "", "E420"};
}

Result<ChildProcess> ChildProcess::start(const std::string& program,
                                         const std::vector<std::string>& args) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return errno_error("make", "a socket pair");
  }
  FileDescriptor ours(pair[0]), theirs(pair[1]);
  // dup2 onto itself would keep close-on-exec; a descriptor above the target never is the target.
  FileDescriptor moved(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, kCompanionSocket + 1));
  if (!moved.is_open()) return errno_error("duplicate", "a socket");
  std::vector<std::string> words = {program};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<std::string> environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"};
  const SpawnPlan plan(moved.get());
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, program.c_str(), plan.actions(), plan.attributes(),
                                   pointers(words).data(), pointers(environment).data());
  if (failed != 0) {
    return Error{failed == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                 "start " + program + ": " + std::strerror(failed), "", "", ""};
  }
  return ChildProcess(pid, std::move(ours));
}

ChildProcess::~ChildProcess() {
  kill();
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), socket_(std::move(other.socket_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    socket_ = std::move(other.socket_);
  }
  return *this;
}

Result<void> ChildProcess::send(std::string_view payload, SteadyTime deadline) {
  return write_frame(socket_.get(), payload, deadline);
}

Result<std::string> ChildProcess::receive(std::size_t bytes_max, SteadyTime deadline) {
  return read_frame(socket_.get(), bytes_max, deadline);
}

void ChildProcess::finish(SteadyTime deadline) {
  if (pid_ <= 0) return;
  socket_ = FileDescriptor();
  const FileDescriptor ending(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (ending.is_open()) static_cast<void>(wait_until_readable(ending.get(), deadline));
  kill();
}

void ChildProcess::kill() {
  const pid_t pid = std::exchange(pid_, -1);
  if (pid <= 0) return;
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  socket_ = FileDescriptor();
}

}  // namespace assay::sandbox
