// What a jail's owner and its zygote say to each other about one check.
//
// Plain structs with descriptors beside them, on a stream socket between two programs of one build.
// They hold numbers only: foreign text goes straight to the jailed processes, and the zygote, whose
// memory all of them inherit, never sees it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/core/clock.h"
#include "runtime/core/file.h"
#include "runtime/core/result.h"
#include "verifiers/sandbox/limits.h"

namespace assay::sandbox {

// What the processes of a check do. The first process of a check runs the foreign program.
enum class Task : std::uint32_t {
  kRunner,    // runs the program and answers calls of the tester
  kTester,    // holds the tests
  kWhole,     // program and tests in one process
  kFilter,    // the program reads its input and writes its output
  kCompiler,  // makes a program from its source
  kFunction,  // in a fence instead of a jail: a judge of the user's own
  kService,   // secluded instead of jailed: a companion of ours that answers on its socket
};

inline constexpr std::size_t kTasksMax = 2;
// Beside its control socket a process has at most an input and an output of the owner's.
inline constexpr std::size_t kDescriptorsMax = 4;

struct CheckOrder {
  std::uint32_t task_count = 0;
  Task tasks[kTasksMax] = {};
  Limits limits;
};

struct CheckReport {
  struct Process {
    std::int32_t wait_status = 0;  // as wait4() gives it
    std::uint64_t cpu_us = 0;
    std::uint64_t was_killed = 0;  // by the zygote: it outlived the check
  };
  std::uint32_t is_started = 0;  // 0: the check could not be begun, the fault of the machine
  std::uint32_t is_over_time = 0;
  std::uint32_t is_out_of_memory = 0;  // the kernel ended a process of the control group
  std::uint32_t reserved = 0;
  std::uint64_t output_bytes = 0;  // that the first process wrote
  Process processes[kTasksMax];
};

// Sends the bytes with the descriptors beside them, which stay open here. Errors: kTimedOut,
// kUnavailable; after one the socket is of no more use.
Result<void> send_message(int socket, std::span<const std::byte> bytes, std::span<const int> beside,
                          SteadyTime deadline);

// Receives exactly `bytes` and the descriptors that came beside them. Errors as above; kCorrupt
// when more descriptors come than kDescriptorsMax.
Result<std::vector<FileDescriptor>> receive_message(int socket, std::span<std::byte> bytes,
                                                    SteadyTime deadline);

}  // namespace assay::sandbox
