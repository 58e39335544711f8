// A companion program of ours that runs beside this process and answers frames over a socket pair.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/clock.h"
#include "runtime/core/file.h"
#include "runtime/core/result.h"

namespace assay::sandbox {

// Where the companion of this name is: in $ASSAY_COMPANIONS, in the folder of the running program,
// or in the one above. Errors: kNotFound E420 with the places that were searched.
Result<std::string> find_companion(const std::string& name);

// The descriptor on which a companion speaks frames with whoever started it.
inline constexpr int kCompanionSocket = 3;

// One running companion, with an empty environment but PATH and LANG, its own session, /dev/null on
// 0 and 1 and ours on 2. Killed and reaped when this object goes; a companion must end by itself
// when its socket is closed, for the case that this process is killed. Not thread-safe, but may
// move between threads.
class ChildProcess {
 public:
  // Errors: kNotFound, kUnavailable when it cannot be started.
  static Result<ChildProcess> start(const std::string& program,
                                    const std::vector<std::string>& args);
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;

  // As write_frame() and read_frame(). After an error kill the child: what it would say next
  // belongs to nobody.
  Result<void> send(std::string_view payload, SteadyTime deadline);
  Result<std::string> receive(std::size_t bytes_max, SteadyTime deadline);

  pid_t pid() const { return pid_; }
  int socket() const { return socket_.get(); }
  // Closes the socket, which asks it to end, waits until it has, and kills it at `deadline`.
  void finish(SteadyTime deadline);
  // SIGKILL to its whole process group, then reaped. Idempotent.
  void kill();

 private:
  ChildProcess(pid_t pid, FileDescriptor socket) : pid_(pid), socket_(std::move(socket)) {}

  pid_t pid_ = -1;
  FileDescriptor socket_;
};

}  // namespace assay::sandbox
