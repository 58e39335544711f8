// Frames on a stream socket: four bytes of length, little-endian, then that many bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/core/clock.h"
#include "runtime/core/result.h"

namespace assay::sandbox {

// Writes a whole frame. Errors: kTimedOut when the other side does not take it by `deadline`;
// kUnavailable when it is gone. After an error the stream is of no more use.
Result<void> write_frame(int fd, std::string_view payload, SteadyTime deadline);

// Reads a whole frame. Errors: kTimedOut, kUnavailable as above (an end between frames too);
// kCorrupt when the length is above `bytes_max`, before memory is taken. After an error the stream
// is of no more use.
Result<std::string> read_frame(int fd, std::size_t bytes_max, SteadyTime deadline);

// The same for a jailed process, which may read and write but not ask for more: they wait for ever.
Result<void> write_plain_frame(int fd, std::string_view payload);
Result<std::string> read_plain_frame(int fd, std::size_t bytes_max);

// Wait for a stream. Errors: kTimedOut.
Result<void> wait_until_readable(int fd, SteadyTime deadline);
Result<void> wait_until_writable(int fd, SteadyTime deadline);

// A deadline that never comes.
inline constexpr SteadyTime kNoDeadline = SteadyTime::max();

}  // namespace assay::sandbox
