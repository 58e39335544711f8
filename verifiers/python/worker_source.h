// The program of a python worker, worker.py, as text.
#pragma once

#include <string_view>

namespace assay::verifiers {

std::string_view python_worker_source();

}  // namespace assay::verifiers
