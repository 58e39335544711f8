#include "verifiers/sandbox/launcher.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/control_group.h"
#include "verifiers/sandbox/frame.h"
#include "verifiers/sandbox/landlock_rules.h"
#include "verifiers/sandbox/mounts.h"
#include "verifiers/sandbox/namespaces.h"
#include "verifiers/sandbox/probes.h"
#include "verifiers/sandbox/scratch_folder.h"
#include "verifiers/sandbox/syscall_filter.h"
#include "verifiers/sandbox/zygote.h"

namespace assay::sandbox {

namespace {

constexpr uid_t kFirstUser = 60'000;
constexpr int kSlotCount = 500;  // two users each
constexpr const char* kScratch = "/work";
// The zygote has passed its self-tests.
constexpr char kReady = '+';

// A slot of this machine: its users belong to no other jail as long as this descriptor is open.
struct Slot {
  FileDescriptor name;
  uid_t first_user = 0;
};

// Names of abstract sockets are unique and vanish with their owner.
Slot take_slot() {
  for (int slot = 0; slot < kSlotCount; ++slot) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "assay-jail-slot-" + std::to_string(slot);
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0) {
      return {std::move(socket), kFirstUser + 2 * static_cast<uid_t>(slot)};
    }
  }
  return {};
}

std::uint64_t address_space_bytes() {
  const FileDescriptor file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  if (::read(file.get(), text.data(), text.size() - 1) <= 0) return 0;
  return std::strtoull(text.data(), nullptr, 10) * static_cast<std::uint64_t>(::getpagesize());
}

// One rung of the ladder, from the inside. Each step returns an error that says what is missing.
class Attempt {
 public:
  Attempt(Language& language, const JailSetup& setup, ControlGroup* group, int status)
      : language_(language), group_(group), status_(status), setup_(setup) {}

  // In the first process of the attempt: the namespaces, then the zygote, and waits for it.
  [[noreturn]] void run(const std::string& refused) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (setup_.level >= IsolationLevel::kL3) {
      if (auto entered = enter(); !entered) give_up(entered.error());
    }
    const pid_t pid = ::fork();
    if (pid < 0) give_up(errno_error("make", "a zygote"));
    if (pid == 0) be_zygote(refused);
    ::close(status_);
    ::close(kCompanionSocket);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }

 private:
  // Root enters as itself where it may; anyone else, and root in a container that keeps it from
  // that, as the root of a user namespace.
  Result<void> enter() {
    if (::geteuid() == 0) {
      if (enter_namespaces()) return {};
      if (setup_.level == IsolationLevel::kL4) return errno_error("make", "namespaces as root");
    }
    if (auto entered = enter_user_namespace(); !entered) return entered;
    setup_.has_user_namespace = true;
    setup_.first_user = 0;
    return enter_namespaces();
  }

  [[noreturn]] void be_zygote(const std::string& refused) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    // Inherited by all children: the first process of a PID namespace would ignore them anyway.
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);
    if (auto made = make_jail(); !made) give_up(made.error());
    const std::string hello = std::string(to_string(setup_.level)) + "\n" + refused;
    [[maybe_unused]] const ssize_t told = ::write(status_, &kReady, 1);
    ::close(status_);
    if (write_frame(kCompanionSocket, hello, kNoDeadline)) zygote_->serve();
    ::_exit(0);
  }

  Result<void> make_jail() {
    if (setup_.level >= IsolationLevel::kL2 && landlock_version() == 0) {
      return Error{ErrorCode::kUnavailable, "the kernel has no landlock", "", "", ""};
    }
    if (group_ != nullptr) {
      if (auto entered = group_->enter(); !entered) return entered;
      group_->forget_folders();
    }
    if (auto warm = language_.warm_up(); !warm) return warm;
    setup_.memory_base_bytes = address_space_bytes();
    if (setup_.level >= IsolationLevel::kL3) {
      auto namespaces = PidNamespaces::open();
      if (!namespaces) return namespaces.error();
      namespaces_.emplace(std::move(*namespaces));
      if (language_.needs_scratch()) setup_.scratch = kScratch;
      if (auto in = enter_empty_root(language_.shown_folders(), setup_.scratch); !in) return in;
    }
    zygote_.emplace(language_, setup_, group_, namespaces_ ? &*namespaces_ : nullptr);
    return probe(*zygote_, setup_.level);
  }

  [[noreturn]] void give_up(const Error& error) {
    [[maybe_unused]] const ssize_t told =
        ::write(status_, error.message.data(), error.message.size());
    ::_exit(1);
  }

  Language& language_;
  ControlGroup* group_;
  int status_;
  JailSetup setup_;
  std::optional<PidNamespaces> namespaces_;
  std::optional<Zygote> zygote_;
};

// Why the attempt failed; empty when the zygote serves, as `pid`'s child.
std::string attempt(Language& language, const JailSetup& setup, ControlGroup* group,
                    const std::string& refused, pid_t& pid) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "no pipe";
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  pid = ::fork();
  if (pid < 0) return "no process";
  if (pid == 0) Attempt(language, setup, group, writing.get()).run(refused);
  writing = FileDescriptor();
  std::string said;
  std::array<char, 512> part{};
  for (ssize_t count; (count = ::read(reading.get(), part.data(), part.size())) > 0;) {
    said.append(part.data(), static_cast<std::size_t>(count));
    if (said.front() == kReady) return "";
  }
  ::waitpid(pid, nullptr, 0);
  return said.empty() ? "its zygote ended without a word" : said;
}

// The same addresses in every jail, so that programs that show them show the same each time.
// Starts this program anew, once.
void fix_addresses(char** arguments) {
  const int now = ::personality(0xffffffff);
  if (now < 0 || (now & ADDR_NO_RANDOMIZE) != 0) return;
  if (::personality(static_cast<unsigned long>(now) | ADDR_NO_RANDOMIZE) < 0) return;
  ::execv("/proc/self/exe", arguments);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// What a level needs of the machine outside the jail, for as long as the jail is there.
struct Outside {
  std::optional<ControlGroup> group;
  std::optional<ScratchFolder> scratch;
};

Result<Outside> prepare(const Language& language, IsolationLevel level, uid_t first_user) {
  Outside outside;
  if (level == IsolationLevel::kL4) {
    if (::geteuid() != 0) return Error{ErrorCode::kUnavailable, "not root", "", "", ""};
    if (first_user == 0) return Error{ErrorCode::kExhausted, "no users are free", "", "", ""};
    auto group = ControlGroup::create();
    if (!group) return group.error();
    outside.group.emplace(std::move(*group));
  }
  if (level == IsolationLevel::kL2 && language.needs_scratch()) {
    auto scratch = ScratchFolder::create(first_user);
    if (!scratch) return scratch.error();
    outside.scratch.emplace(std::move(*scratch));
  }
  return outside;
}

// Serves at this level until the owner has gone; or says why it cannot.
std::string serve_at(Language& language, IsolationLevel level, uid_t first_user,
                     const std::string& refused, int& status) {
  auto outside = prepare(language, level, first_user);
  if (!outside) return outside.error().message;
  JailSetup setup;
  setup.level = level;
  setup.first_user = first_user;
  if (outside->scratch) setup.scratch = outside->scratch->path();
  pid_t pid = -1;
  ControlGroup* group = outside->group ? &*outside->group : nullptr;
  std::string why = attempt(language, setup, group, refused, pid);
  if (!why.empty()) return why;
  ::close(kCompanionSocket);
  status = wait_for(pid);
  return "";
}

}  // namespace

int run_launcher(Language& language, int argument_count, char** arguments) {
  fix_addresses(arguments);
  const Slot slot = ::geteuid() == 0 ? take_slot() : Slot{};
  std::string refused;
  int level = static_cast<int>(highest_level(argument_count, arguments));
  if (level > 0 && !has_syscall_filter()) {
    refused = "L1: the kernel has no seccomp filters\n";
    level = 0;
  }
  for (; level > 0; --level) {
    const auto rung = static_cast<IsolationLevel>(level);
    int status = 0;
    const std::string why = serve_at(language, rung, slot.first_user, refused, status);
    if (why.empty()) return status;
    refused += std::string(to_string(rung)) + ": " + why + "\n";
  }
  [[maybe_unused]] const auto told = write_frame(kCompanionSocket, "L0\n" + refused, kNoDeadline);
  return 0;
}

}  // namespace assay::sandbox
