// Small files of the system, such as those of /proc, whose size is reported as 0.
#pragma once

#include <string>

namespace assay::cli {

// The first 64 KiB of the file; empty when it cannot be read.
std::string system_file(const std::string& path);

}  // namespace assay::cli
