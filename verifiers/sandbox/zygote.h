// Zygote: a warm, jailed process that makes a fresh, confined child for each process of a check.
//
// It runs no foreign code and reads no foreign text. It watches the wall clock from outside its
// children, ends them with SIGKILL, and reports only when none of them is left.
#pragma once

#include <sys/types.h>

#include <map>
#include <vector>

#include "runtime/core/file.h"
#include "runtime/core/result.h"
#include "verifiers/sandbox/confinement.h"
#include "verifiers/sandbox/control_group.h"
#include "verifiers/sandbox/jail_message.h"
#include "verifiers/sandbox/language.h"
#include "verifiers/sandbox/namespaces.h"

namespace assay::sandbox {

class Zygote {
 public:
  // `group` and `namespaces` are absent at the levels without them. All outlive the zygote.
  Zygote(Language& language, const JailSetup& setup, ControlGroup* group, PidNamespaces* namespaces)
      : language_(language), setup_(setup), group_(group), namespaces_(namespaces) {}

  // Makes a child and runs `task` in it.
  Result<pid_t> make_child(Task task, std::size_t index, const Limits& limits,
                           const ChildDescriptors& descriptors);
  // Makes a child that exits with what a self-test returns, confined with or without the filter.
  Result<pid_t> make_probe(int (*test)(), const Limits& limits, bool has_filter);

  // One check, from its first process to the end of its last. `beside` are the descriptors that
  // came with the order: output, one control socket a task, then input and program.
  CheckReport check(const CheckOrder& order, const std::vector<FileDescriptor>& beside);

  // Checks until the owner on kCompanionSocket closes it.
  void serve();

 private:
  struct Child {
    pid_t pid = -1;
    FileDescriptor handle;
  };

  template <class Work>
  Result<pid_t> fork_child(Work&& work);
  Result<void> start(const CheckOrder& order, const std::vector<FileDescriptor>& beside,
                     std::vector<Child>& children);
  bool wait_for_end(const Child& last, std::uint32_t wall_ms);
  void end_all(std::vector<Child>& children, CheckReport& report);

  SyscallFilter& filter_of(Task task);

  Language& language_;
  const JailSetup& setup_;
  ControlGroup* group_;
  PidNamespaces* namespaces_;
  std::map<Task, SyscallFilter> filters_;
  bool is_owner_gone_ = false;
};

}  // namespace assay::sandbox
