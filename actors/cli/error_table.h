// Every numbered error that the program can print: the one list, for `assay explain E103`.
#pragma once

#include <span>
#include <string_view>

namespace assay::cli {

struct ErrorKind {
  std::string_view id;       // "E103"; stable, never used for anything else
  std::string_view title;    // what happened
  std::string_view meaning;  // why it is refused
  std::string_view remedy;   // what to do
};

// In the order of their numbers. 1xx config, 3xx datasets, 4xx verifiers, 5xx connections, 8xx run
// folders.
std::span<const ErrorKind> error_kinds();

// Null for an id that is not in the list.
const ErrorKind* find_error_kind(std::string_view id);

}  // namespace assay::cli
