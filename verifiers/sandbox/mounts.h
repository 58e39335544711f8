// The jail's root: nothing but what is named here, and nothing of that writable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/result.h"

namespace assay::sandbox {

// Replaces the root of this mount namespace by an empty one, read-only, that shows the given
// folders of the machine, read-only, at their own paths; symbolic links among them stay links.
// There is no /proc, no /dev. Descriptors that are open stay open. `scratch`, where not empty, is
// made as an empty folder on which a file system can be mounted. Needs a mount namespace of its
// own. Errors: errno codes; the old root may then be half gone, so the process must end.
Result<void> enter_empty_root(const std::vector<std::string>& shown, const std::string& scratch);

// Mounts an empty file system in memory, of at most so many bytes, that any user may write to.
Result<void> mount_scratch(const std::string& folder, std::uint64_t bytes_max);

}  // namespace assay::sandbox
