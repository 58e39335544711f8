// Who a process is and what it may do beyond that: users, capabilities, what outlives its parent.
#pragma once

#include <sys/types.h>

#include "runtime/core/result.h"

namespace assay::sandbox {

// Becomes this user and group, real, effective and saved, with no supplementary groups.
Result<void> become_user(uid_t user);

// Gives up every capability for good, those that could be regained by running a program too.
Result<void> drop_capabilities();

// Dies when its parent dies, shows its memory to no debugger, gains nothing by running programs.
Result<void> forbid_privileges();

}  // namespace assay::sandbox
