#include "verifiers/code/native/native_program.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "verifiers/sandbox/confinement.h"

namespace assay::verifiers::native {

int become_program() {
  ::fcntl(sandbox::kControl, F_SETFD, FD_CLOEXEC);
  ::fcntl(sandbox::kPeer, F_SETFD, FD_CLOEXEC);
  std::string name = "program";
  char* const arguments[] = {name.data(), nullptr};
  char* const environment[] = {nullptr};
  ::syscall(SYS_execveat, sandbox::kPeer, "", arguments, environment, AT_EMPTY_PATH);
  return 1;
}

}  // namespace assay::verifiers::native
