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
#include <vector>

namespace assay::sandbox {

#if defined(__x86_64__)

namespace {

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
constexpr std::uint32_t kX32Bit = 0x40000000;

constexpr std::uint32_t fail_with(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

// A filter under construction. Every rule loads what it compares and leaves nothing behind.
class Rules {
 public:
  Rules() {
    load(offsetof(seccomp_data, arch));
    unless_equal_skip(AUDIT_ARCH_X86_64, 0, /*or_else=*/kKill);
    load_number();
    add(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, 0, 1));
    decide(kKill);
  }

  void always(std::initializer_list<long> numbers, std::uint32_t decision) {
    for (const long number : numbers) {
      add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
      decide(decision);
    }
  }

  // The call is allowed where none of the bits is set in its argument, else refused. Only the
  // argument's low half counts, as the kernel itself reads these.
  void allow_without_bits(long number, unsigned argument, std::uint32_t bits) {
    begin(number, argument, 4);
    add(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits));
    if_equal(0, kAllow, fail_with(EPERM));
  }

  void allow_with_bits(long number, unsigned argument, std::uint32_t bits) {
    begin(number, argument, 4);
    add(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits));
    if_equal(bits, kAllow, fail_with(EPERM));
  }

  void decide_by_argument(long number, unsigned argument, std::uint32_t value, std::uint32_t equal,
                          std::uint32_t different) {
    begin(number, argument, 3);
    if_equal(value, equal, different);
  }

  void allow_values(long number, unsigned argument, std::initializer_list<int> values) {
    const auto count = static_cast<std::uint8_t>(2 * values.size());
    begin(number, argument, static_cast<std::uint8_t>(count + 1));
    for (const int value : values) {
      add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(value), 0, 1));
      decide(kAllow);
    }
    decide(fail_with(EPERM));
  }

  // Allowed where the whole argument, a pointer, is null.
  void allow_null(long number, unsigned argument) {
    begin(number, argument, 6);
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
    decide(fail_with(EPERM));
    load(offset_of(argument) + 4);
    if_equal(0, kAllow, fail_with(EPERM));
  }

  std::vector<sock_filter> finished(std::uint32_t otherwise) {
    decide(otherwise);
    return std::move(program_);
  }

 private:
  static std::uint32_t offset_of(unsigned argument) {
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * argument);
  }

  void add(sock_filter instruction) { program_.push_back(instruction); }
  void decide(std::uint32_t decision) { add(BPF_STMT(BPF_RET | BPF_K, decision)); }
  void load(std::size_t offset) {
    add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  }
  void load_number() { load(offsetof(seccomp_data, nr)); }

  // Decides nothing where the loaded word is `value`.
  void unless_equal_skip(std::uint32_t value, std::uint8_t skip, std::uint32_t or_else) {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, static_cast<std::uint8_t>(skip + 1), 0));
    decide(or_else);
  }

  // Loads the argument of the call `number`; another call jumps over the `length` instructions
  // that follow, which end in decisions.
  void begin(long number, unsigned argument, std::uint8_t length) {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0,
                 static_cast<std::uint8_t>(length + 1)));
    load(offset_of(argument));
  }
  void if_equal(std::uint32_t value, std::uint32_t equal, std::uint32_t different) {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    decide(equal);
    decide(different);
  }

  std::vector<sock_filter> program_;
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
void swallow_signals(Rules& rules, pid_t self) {
  const auto own = static_cast<std::uint32_t>(self);
  rules.decide_by_argument(SYS_kill, 0, own, fail_with(0), fail_with(EPERM));
  rules.decide_by_argument(SYS_tgkill, 0, own, fail_with(0), fail_with(EPERM));
}

// Flags behind a pointer cannot be looked at: the C library falls back to the older calls.
void refuse_unreadable(Rules& rules) {
  rules.always({SYS_clone3, SYS_openat2}, fail_with(ENOSYS));
}

std::vector<sock_filter> filter_of_interpreter(pid_t self) {
  Rules rules;
  allow_computing(rules);
  // Nothing becomes machine code: every library that may be used is loaded by now.
  rules.allow_without_bits(SYS_mmap, 2, PROT_EXEC);
  rules.allow_without_bits(SYS_mprotect, 2, PROT_EXEC);
  rules.allow_with_bits(SYS_clone, 0, CLONE_THREAD);
  swallow_signals(rules, self);
  refuse_unreadable(rules);
  refuse_attacks(rules);
  return rules.finished(fail_with(EPERM));
}

std::vector<sock_filter> filter_of_native_program(pid_t self) {
  Rules rules;
  allow_computing(rules);
  rules.allow_without_bits(SYS_mmap, 2, PROT_EXEC);
  rules.allow_without_bits(SYS_mprotect, 2, PROT_EXEC);
  rules.allow_with_bits(SYS_clone, 0, CLONE_THREAD);
  // The jail starts the program from a descriptor, which closes as it starts: once.
  rules.always({SYS_execveat, SYS_arch_prctl}, kAllow);
  swallow_signals(rules, self);
  refuse_unreadable(rules);
  refuse_attacks(rules);
  return rules.finished(fail_with(EPERM));
}

// A compiler is several programs of the machine that read and write files; what they may reach is
// landlock's and the mounts' to say.
std::vector<sock_filter> filter_of_compiler() {
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
  return rules.finished(fail_with(EPERM));
}

std::vector<sock_filter> filter_of(Task task, pid_t self) {
  if (task == Task::kCompiler) return filter_of_compiler();
  if (task == Task::kFilter) return filter_of_native_program(self);
  return filter_of_interpreter(self);
}

}  // namespace

bool has_syscall_filter() {
  const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

Result<void> install_syscall_filter(Task task, pid_t self) {
  std::vector<sock_filter> filter = filter_of(task, self);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    return errno_error("install", "a system call filter");
  }
  return {};
}

#else

bool has_syscall_filter() {
  return false;
}

Result<void> install_syscall_filter(Task, pid_t) {
  return Error{ErrorCode::kUnavailable, "there is no system call filter for this processor", "", "",
               ""};
}

#endif

}  // namespace assay::sandbox
