// What this machine says of itself.
#pragma once

#include <string>

namespace assay::cli {

// The start of a file of /proc, whose size the system reports as 0; empty when it is absent.
std::string system_file(const std::string& path);

// As the processor names itself; "unknown" where it does not.
std::string processor_name();

// Processes that ran or wanted to, averaged over the last minute; 0 where nobody counts them.
double load_average();

// Cores that this process may use; at least 1.
unsigned core_count();

}  // namespace assay::cli
