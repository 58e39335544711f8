#include "verifiers/sandbox/syscall_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace assay::sandbox {

#if defined(__x86_64__)

namespace {

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
constexpr std::uint32_t kX32Bit = 0x40000000;
// Stands for the process's own id until that is known. No process has it.
constexpr std::uint32_t kSelf = 0x7fffffff;

constexpr std::uint32_t fail_with(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

using Code = std::vector<sock_filter>;

sock_filter decide(std::uint32_t decision) {
  return BPF_STMT(BPF_RET | BPF_K, decision);
}

sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

sock_filter if_equal(std::uint32_t value, std::uint8_t equal, std::uint8_t different) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, equal, different);
}

// The low half of an argument, which is all that the kernel reads of flags and commands.
sock_filter load_argument(unsigned argument) {
  return load(offsetof(seccomp_data, args) + 8 * argument);
}

// What is decided for each call by its number, compiled into a search tree: the kernel evaluates a
// new filter once for every number there is, so a list would cost more than a fork.
class Rules {
 public:
  void always(std::initializer_list<long> numbers, std::uint32_t decision) {
    for (const long number : numbers) set(number, {decide(decision)});
  }

  // The call is allowed where none of the bits is set in its argument, else refused.
  void allow_without_bits(long number, unsigned argument, std::uint32_t bits) {
    set(number, {load_argument(argument), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits),
                 if_equal(0, 0, 1), decide(kAllow), decide(fail_with(EPERM))});
  }
  void allow_with_bits(long number, unsigned argument, std::uint32_t bits) {
    set(number, {load_argument(argument), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits),
                 if_equal(bits, 0, 1), decide(kAllow), decide(fail_with(EPERM))});
  }
  void allow_values(long number, unsigned argument, std::initializer_list<int> values) {
    Code code = {load_argument(argument)};
    for (const int value : values) {
      code.push_back(if_equal(static_cast<std::uint32_t>(value), 0, 1));
      code.push_back(decide(kAllow));
    }
    code.push_back(decide(fail_with(EPERM)));
    set(number, std::move(code));
  }
  // Both halves of the argument, a pointer, are null.
  void allow_null(long number, unsigned argument) {
    const auto low = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * argument);
    set(number, {load(low), if_equal(0, 0, 3), load(low + 4), if_equal(0, 0, 1), decide(kAllow),
                 decide(fail_with(EPERM))});
  }
  void decide_by_argument(long number, unsigned argument, std::uint32_t value, std::uint32_t equal,
                          std::uint32_t different) {
    set(number, {load_argument(argument), if_equal(value, 0, 1), decide(equal), decide(different)});
  }

  // Foreign machine code, 32-bit or x32, ends the process; what has no rule is `otherwise`.
  Code compiled(std::uint32_t otherwise) {
    always({kX32Bit}, kKill);
    std::vector<Segment> segments = {{0, {decide(otherwise)}}};
    for (auto& [number, code] : rules_) {
      add_segment(segments, number, code);
      if (number != kX32Bit && !rules_.contains(number + 1)) {
        segments.push_back({number + 1, {decide(otherwise)}});
      }
    }
    Code code = {load(offsetof(seccomp_data, arch)), if_equal(AUDIT_ARCH_X86_64, 1, 0),
                 decide(kKill), load(offsetof(seccomp_data, nr))};
    const Code tree = tree_of(segments);
    code.insert(code.end(), tree.begin(), tree.end());
    return code;
  }

 private:
  // What holds from this number up to the next segment's.
  struct Segment {
    std::uint32_t first;
    Code code;
  };

  void set(long number, Code code) { rules_[static_cast<std::uint32_t>(number)] = std::move(code); }

  static void add_segment(std::vector<Segment>& segments, std::uint32_t first, const Code& code) {
    const Code& last = segments.back().code;
    const bool is_same = code.size() == 1 && last.size() == 1 && code[0].k == last[0].k;
    if (segments.back().first == first) {
      segments.back().code = code;
    } else if (!is_same) {
      segments.push_back({first, code});
    }
  }

  static Code tree_of(std::span<const Segment> segments) {
    if (segments.size() == 1) return segments[0].code;
    const std::size_t half = segments.size() / 2;
    const Code left = tree_of(segments.first(half)), right = tree_of(segments.subspan(half));
    // A conditional jump reaches 255 instructions; a plain one any number.
    Code code = {BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, segments[half].first, 0, 1),
                 BPF_JUMP(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(left.size()), 0, 0)};
    if (left.size() <= 255) {
      code = {BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, segments[half].first,
                       static_cast<std::uint8_t>(left.size()), 0)};
    }
    code.insert(code.end(), left.begin(), left.end());
    code.insert(code.end(), right.begin(), right.end());
    return code;
  }

  std::map<std::uint32_t, Code> rules_;
};

void refuse_attacks(Rules& rules) {
  rules.always({SYS_ptrace,
                SYS_process_vm_readv,
                SYS_process_vm_writev,
                SYS_bpf,
                SYS_unshare,
                SYS_setns,
                SYS_mount,
                SYS_umount2,
                SYS_pivot_root,
                SYS_chroot,
                SYS_keyctl,
                SYS_add_key,
                SYS_request_key,
                SYS_userfaultfd,
                SYS_perf_event_open,
                SYS_init_module,
                SYS_finit_module,
                SYS_delete_module,
                SYS_kexec_load,
                SYS_reboot,
                SYS_swapon,
                SYS_io_uring_setup,
                SYS_io_uring_enter,
                SYS_io_uring_register,
                SYS_open_by_handle_at,
                SYS_fsopen,
                SYS_move_mount,
                SYS_open_tree,
                SYS_iopl,
                SYS_ioperm,
                SYS_modify_ldt,
                SYS_pidfd_getfd,
                SYS_acct,
                SYS_quotactl,
                SYS_settimeofday,
                SYS_clock_settime},
               kKill);
}

// What computing needs: memory, time, descriptors that are open already. No name of a file, no
// other process, no socket.
void allow_computing(Rules& rules) {
  rules.always({SYS_read,
                SYS_write,
                SYS_readv,
                SYS_writev,
                SYS_close,
                SYS_lseek,
                SYS_fstat,
                SYS_munmap,
                SYS_mremap,
                SYS_brk,
                SYS_madvise,
                SYS_rt_sigaction,
                SYS_rt_sigprocmask,
                SYS_rt_sigreturn,
                SYS_sigaltstack,
                SYS_getpid,
                SYS_gettid,
                SYS_getppid,
                SYS_getuid,
                SYS_geteuid,
                SYS_getgid,
                SYS_getegid,
                SYS_getrandom,
                SYS_clock_gettime,
                SYS_clock_getres,
                SYS_clock_nanosleep,
                SYS_nanosleep,
                SYS_gettimeofday,
                SYS_time,
                SYS_times,
                SYS_getrusage,
                SYS_futex,
                SYS_sched_yield,
                SYS_sched_getaffinity,
                SYS_exit,
                SYS_exit_group,
                SYS_poll,
                SYS_ppoll,
                SYS_select,
                SYS_pselect6,
                SYS_dup,
                SYS_dup2,
                SYS_set_robust_list,
                SYS_rseq,
                SYS_set_tid_address,
                SYS_uname,
                SYS_sysinfo,
                SYS_getcwd,
                SYS_getrlimit,
                SYS_restart_syscall,
                SYS_membarrier},
               kAllow);
  // fstat() of glibc; a path given beside the flag names nothing in an empty root.
  rules.allow_with_bits(SYS_newfstatat, 3, AT_EMPTY_PATH);
  rules.allow_values(SYS_fcntl, 1, {F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC});
  rules.allow_null(SYS_prlimit64, 2);
  rules.always({SYS_ioctl}, fail_with(ENOTTY));
}

// Signals to oneself have no effect, as they have for the first process of a PID namespace, so
// that the levels without one judge alike.
void swallow_signals(Rules& rules) {
  rules.decide_by_argument(SYS_kill, 0, kSelf, fail_with(0), fail_with(EPERM));
  rules.decide_by_argument(SYS_tgkill, 0, kSelf, fail_with(0), fail_with(EPERM));
}

// Flags behind a pointer cannot be looked at: the C library falls back to the older calls.
void refuse_unreadable(Rules& rules) {
  rules.always({SYS_clone3, SYS_openat2}, fail_with(ENOSYS));
}

Code filter_of_interpreter() {
  Rules rules;
  allow_computing(rules);
  // Nothing becomes machine code: every library that may be used is loaded by now.
  rules.allow_without_bits(SYS_mmap, 2, PROT_EXEC);
  rules.allow_without_bits(SYS_mprotect, 2, PROT_EXEC);
  rules.allow_with_bits(SYS_clone, 0, CLONE_THREAD);
  swallow_signals(rules);
  refuse_unreadable(rules);
  refuse_attacks(rules);
  return rules.compiled(fail_with(EPERM));
}

Code filter_of_native_program() {
  Rules rules;
  allow_computing(rules);
  rules.allow_without_bits(SYS_mmap, 2, PROT_EXEC);
  rules.allow_without_bits(SYS_mprotect, 2, PROT_EXEC);
  rules.allow_with_bits(SYS_clone, 0, CLONE_THREAD);
  // The jail starts the program from a descriptor, which closes as it starts: once.
  rules.always({SYS_execveat, SYS_arch_prctl}, kAllow);
  swallow_signals(rules);
  refuse_unreadable(rules);
  refuse_attacks(rules);
  return rules.compiled(fail_with(EPERM));
}

// A compiler is several programs of the machine that read and write files; what they may reach is
// landlock's and the mounts' to say.
Code filter_of_compiler() {
  Rules rules;
  allow_computing(rules);
  rules.always({SYS_mmap,       SYS_mprotect,        SYS_open,      SYS_openat,     SYS_stat,
                SYS_lstat,      SYS_access,          SYS_faccessat, SYS_faccessat2, SYS_readlink,
                SYS_readlinkat, SYS_newfstatat,      SYS_statx,     SYS_getdents64, SYS_unlink,
                SYS_unlinkat,   SYS_rename,          SYS_renameat,  SYS_renameat2,  SYS_mkdir,
                SYS_chmod,      SYS_fchmod,          SYS_fchmodat,  SYS_umask,      SYS_ftruncate,
                SYS_fallocate,  SYS_pread64,         SYS_pwrite64,  SYS_pipe,       SYS_pipe2,
                SYS_fork,       SYS_vfork,           SYS_wait4,     SYS_execve,     SYS_arch_prctl,
                SYS_chdir,      SYS_fchdir,          SYS_prlimit64, SYS_dup3,       SYS_getpgrp,
                SYS_fadvise64,  SYS_copy_file_range, SYS_statfs,    SYS_sendfile,   SYS_fcntl},
               kAllow);
  rules.allow_without_bits(SYS_clone, 0,
                           CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                               CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
  rules.always({SYS_kill, SYS_tgkill}, fail_with(EPERM));
  refuse_unreadable(rules);
  refuse_attacks(rules);
  return rules.compiled(fail_with(EPERM));
}

// A function of the user's computes as it likes, with libraries and programs of its own choice; it
// is kept from the network and from what attacks need. Sockets that it makes to itself, as an event
// loop does, are pairs and need no socket().
Code filter_of_function() {
  Rules rules;
  refuse_attacks(rules);
  rules.always({SYS_socket}, fail_with(EACCES));
  return rules.compiled(kAllow);
}

// Our own code, which foreign text may have turned: it computes, reads files it is handed, and
// speaks on the socket it has. The alarm is its own dead man's switch.
Code filter_of_service() {
  Rules rules;
  allow_computing(rules);
  rules.always({SYS_pread64, SYS_sendto, SYS_recvfrom, SYS_recvmsg, SYS_alarm, SYS_setitimer},
               kAllow);
  rules.allow_without_bits(SYS_mmap, 2, PROT_EXEC);
  rules.allow_without_bits(SYS_mprotect, 2, PROT_EXEC);
  swallow_signals(rules);
  refuse_unreadable(rules);
  refuse_attacks(rules);
  return rules.compiled(fail_with(EPERM));
}

Code filter_of(Task task) {
  if (task == Task::kCompiler) return filter_of_compiler();
  if (task == Task::kFunction) return filter_of_function();
  if (task == Task::kService) return filter_of_service();
  if (task == Task::kFilter) return filter_of_native_program();
  return filter_of_interpreter();
}

}  // namespace

bool has_syscall_filter() {
  const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

struct SyscallFilter::Program {
  Code code;
};

SyscallFilter::SyscallFilter(Task task) : program_(new Program{filter_of(task)}) {}

Result<void> SyscallFilter::install(pid_t self) {
  Code& code = program_->code;
  for (sock_filter& one : code) {
    if (one.k == kSelf && BPF_CLASS(one.code) == BPF_JMP) one.k = static_cast<std::uint32_t>(self);
  }
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    return errno_error("install", "a system call filter");
  }
  return {};
}

#else

bool has_syscall_filter() {
  return false;
}

struct SyscallFilter::Program {};

SyscallFilter::SyscallFilter(Task) {}

Result<void> SyscallFilter::install(pid_t) {
  return Error{ErrorCode::kUnavailable, "there is no system call filter for this processor", "", "",
               ""};
}

#endif

SyscallFilter::~SyscallFilter() = default;
SyscallFilter::SyscallFilter(SyscallFilter&&) noexcept = default;
SyscallFilter& SyscallFilter::operator=(SyscallFilter&&) noexcept = default;

}  // namespace assay::sandbox
