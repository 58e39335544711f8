// A lock file that names its holder: one writer a folder, one writer a ledger.
//
// Internal: included by the .cpp files of this room only.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/core/file.h"
#include "runtime/core/result.h"

namespace assay::store {

// Takes the lock and writes our pid into the file; the lock ends with the descriptor, however the
// process ends. `thing` is what the error says is busy. Errors: kUnavailable naming the holder's
// pid, at once; errno codes.
Result<FileDescriptor> take_lock(const std::string& path, const std::string& thing);

// The holder's pid; 0 when nobody holds it or the file is not there.
Result<std::int64_t> lock_holder(const std::string& path);

}  // namespace assay::store
