// Namespaces: what of the machine a process can name at all.
#pragma once

#include "runtime/core/file.h"
#include "runtime/core/result.h"

namespace assay::sandbox {

// Becomes root of a user namespace of its own, in which only this user exists. Lets an ordinary
// user enter the others. Errors: kUnavailable where the machine forbids it.
Result<void> enter_user_namespace();

// Enters empty namespaces of network, IPC, host name and mounts, and has the next child begin a
// PID namespace. Needs to be root of its user namespace.
Result<void> enter_namespaces();

// Has mounts of its own from now on, which end with it.
Result<void> enter_mount_namespace();

// Makes PID namespaces for children, one after the other. The process itself must be in the PID
// namespace that they are below, and its user namespace must own that one.
class PidNamespaces {
 public:
  // Reads /proc, so before the root is changed.
  static Result<PidNamespaces> open();

  // The next fork() makes the first process of a fresh namespace.
  Result<void> begin_fresh();

 private:
  explicit PidNamespaces(FileDescriptor own) : own_(std::move(own)) {}

  FileDescriptor own_;
};

}  // namespace assay::sandbox
