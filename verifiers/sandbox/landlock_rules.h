// Landlock: what of the file system jailed code may reach, and that it may reach no port.
#pragma once

#include <string>
#include <vector>

#include "runtime/core/result.h"

namespace assay::sandbox {

// The kernel's version of landlock; 0 where there is none.
int landlock_version();

struct LandlockPaths {
  std::vector<std::string> readable;    // read and run files below these
  std::vector<std::string> writable;    // make, read and write files below these, run none
  std::vector<std::string> files = {};  // read and write these themselves, /dev/null say
};

// Restricts the calling process, for good, to these paths: with none of either it opens nothing.
// No TCP port may be bound or connected to and no process outside be signalled, where the kernel
// knows how. Needs no_new_privs. Errors: kUnavailable without landlock.
Result<void> restrict_paths(const LandlockPaths& paths);

}  // namespace assay::sandbox
