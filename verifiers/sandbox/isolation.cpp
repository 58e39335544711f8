#include "verifiers/sandbox/isolation.h"

#include <array>
#include <cstddef>
#include <cstdlib>

namespace assay::sandbox {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"L0", "L1", "L2", "L3", "L4"};
constexpr std::array<std::string_view, 5> kDescriptions = {
    "no system call filter: programs are not run",
    "seccomp and limits",
    "landlock, seccomp and limits",
    "namespaces, landlock, seccomp and limits",
    "namespaces, own users, control group, landlock, seccomp and limits",
};

}  // namespace

std::string_view to_string(IsolationLevel level) {
  return kNames.at(static_cast<std::size_t>(level));
}

std::string_view description(IsolationLevel level) {
  return kDescriptions.at(static_cast<std::size_t>(level));
}

IsolationLevel highest_level(int argument_count, char** arguments) {
  if (argument_count < 3 || std::string_view(arguments[1]) != "--level-max") {
    return IsolationLevel::kL4;
  }
  const int level = std::atoi(arguments[2]);
  return static_cast<IsolationLevel>(level < 0 ? 0 : level > 4 ? 4 : level);
}

}  // namespace assay::sandbox
