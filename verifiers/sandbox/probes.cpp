#include "verifiers/sandbox/probes.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>

namespace assay::sandbox {

namespace {

constexpr int kFailed = 0;  // the attack, that is: as it must
constexpr int kSucceeded = 1;

int outcome(bool has_succeeded) {
  return has_succeeded ? kSucceeded : kFailed;
}

int read_a_file() {
  for (const char* path : {"/etc/passwd", "/proc/self/status", "/proc/1/environ", "/dev/null"}) {
    if (::open(path, O_RDONLY) >= 0) return kSucceeded;
  }
  return kFailed;
}

int write_a_file() {
  for (const char* path : {"/tmp/assay-probe", "/dev/shm/assay-probe", "/assay-probe"}) {
    if (::open(path, O_WRONLY | O_CREAT, 0600) >= 0) return kSucceeded;
  }
  return outcome(::mkdir("/tmp/assay-probe", 0700) == 0);
}

int write_to_own_memory_file() {
  return outcome(::open("/proc/self/mem", O_RDWR) >= 0);
}

int make_a_socket() {
  int pair[2];
  return outcome(::socket(AF_INET, SOCK_STREAM, 0) >= 0 || ::socket(AF_UNIX, SOCK_DGRAM, 0) >= 0 ||
                 ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
}

int make_a_user_namespace() {
  return outcome(::unshare(CLONE_NEWUSER) == 0);
}

int make_a_user_namespace_by_clone3() {
  std::uint64_t arguments[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
  const long pid = ::syscall(SYS_clone3, arguments, sizeof arguments);
  if (pid == 0) ::_exit(0);
  return outcome(pid > 0);
}

int make_a_process() {
  const long pid = ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) ::_exit(0);
  return outcome(pid > 0);
}

// `false` exits with kSucceeded.
int run_a_program() {
  char* const none[] = {nullptr};
  ::execve("/usr/bin/false", none, none);
  return kFailed;
}

int use_io_uring() {
  char parameters[128] = {};
  return outcome(::syscall(SYS_io_uring_setup, 1, parameters) >= 0);
}

int trace_the_parent() {
  return outcome(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr) == 0);
}

int signal_others() {
  const pid_t parent = ::getppid();  // 0: in another PID namespace; kill() would take it for us
  return outcome((parent != 0 && ::kill(parent, 0) == 0) || ::kill(-1, 0) == 0);
}

int write_to_another_process() {
  int value = 0;
  const iovec part{&value, sizeof value};
  return outcome(::process_vm_writev(::getppid(), &part, 1, &part, 1, 0) >= 0);
}

int hide_memory_in_a_file() {
  return outcome(::syscall(SYS_memfd_create, "probe", 0) >= 0);
}

int make_machine_code() {
  return outcome(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

int raise_a_limit() {
  const rlimit more{RLIM_INFINITY, RLIM_INFINITY};
  return outcome(::setrlimit(RLIMIT_AS, &more) == 0 || ::setrlimit(RLIMIT_CPU, &more) == 0);
}

int become_root() {
  return outcome(::syscall(SYS_setresuid, 0, 0, 0) == 0);
}

int use_kernel_keys() {
  return outcome(::syscall(SYS_keyctl, 0, -3, 1) >= 0);
}

int load_a_kernel_program() {
  char attributes[64] = {};
  return outcome(::syscall(SYS_bpf, 0, attributes, sizeof attributes) >= 0 || errno == EINVAL);
}

int call_as_32_bits() {
#if defined(__x86_64__)
  long result = 20;  // getpid, where such numbers are understood
  asm volatile("int $0x80" : "+a"(result) : : "memory");
  return outcome(result > 0);
#else
  return kFailed;
#endif
}

int see_other_processes() {
  return outcome(::getpid() != 1 || ::getppid() != 0);
}

struct Probe {
  const char* attack;
  int (*run)();
};

constexpr Probe kFiltered[] = {
    {"read a file", read_a_file},
    {"write a file", write_a_file},
    {"open its own memory", write_to_own_memory_file},
    {"make a socket", make_a_socket},
    {"make a user namespace", make_a_user_namespace},
    {"make a user namespace by clone3", make_a_user_namespace_by_clone3},
    {"make a process", make_a_process},
    {"run a program", run_a_program},
    {"use io_uring", use_io_uring},
    {"trace its parent", trace_the_parent},
    {"signal others", signal_others},
    {"write to another process", write_to_another_process},
    {"keep memory in a nameless file", hide_memory_in_a_file},
    {"make machine code", make_machine_code},
    {"raise a limit", raise_a_limit},
    {"become root", become_root},
    {"use the kernel's keys", use_kernel_keys},
    {"load a kernel program", load_a_kernel_program},
    {"make a call as 32-bit code", call_as_32_bits},
};

constexpr Probe kLandlocked[] = {
    {"read a file past the filter", read_a_file},
    {"write a file past the filter", write_a_file},
};

constexpr Probe kInNamespaces[] = {
    {"see other processes", see_other_processes},
    {"signal others past the filter", signal_others},
    {"trace its parent past the filter", trace_the_parent},
};

Result<void> run(Zygote& zygote, const Probe& probe, bool has_filter) {
  const auto pid = zygote.make_probe(probe.run, Limits{}, has_filter);
  if (!pid) return pid.error();
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  const bool is_stopped = WIFEXITED(status) ? WEXITSTATUS(status) == kFailed
                                            : WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
  if (is_stopped) return {};
  return Error{ErrorCode::kUnavailable,
               std::string("a jailed process could ") + probe.attack + " or could not be confined",
               "", "", ""};
}

template <std::size_t kCount>
Result<void> run_all(Zygote& zygote, const Probe (&probes)[kCount], bool has_filter) {
  for (const Probe& probe : probes) {
    if (auto stopped = run(zygote, probe, has_filter); !stopped) return stopped;
  }
  return {};
}

}  // namespace

Result<void> probe(Zygote& zygote, IsolationLevel level) {
  if (auto done = run_all(zygote, kFiltered, true); !done) return done;
  if (level >= IsolationLevel::kL2) {
    if (auto done = run_all(zygote, kLandlocked, false); !done) return done;
  }
  if (level >= IsolationLevel::kL3) {
    if (auto done = run_all(zygote, kInNamespaces, false); !done) return done;
  }
  return {};
}

}  // namespace assay::sandbox
