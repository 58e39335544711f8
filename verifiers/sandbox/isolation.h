// How far foreign code is kept apart here: the ladder of isolation levels.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay::sandbox {

// Each level holds everything of the levels below it. A lower one may not change a verdict, only
// how many walls stand behind the first.
enum class IsolationLevel : std::uint8_t {
  kL0,  // no system call filter: foreign code is refused
  kL1,  // seccomp allow-list, resource limits, no privileges
  kL2,  // and landlock
  kL3,  // and namespaces of its own (PID, network, mounts, IPC, host name, perhaps user)
  kL4,  // and a user id per slot and a control group for memory and processes: needs root
};

// "L0" to "L4".
std::string_view to_string(IsolationLevel level);

// What the level consists of, in a few words for people.
std::string_view description(IsolationLevel level);

// What `--level-max N`, the only arguments of a companion, says; without them kL4.
IsolationLevel highest_level(int argument_count, char** arguments);

}  // namespace assay::sandbox
