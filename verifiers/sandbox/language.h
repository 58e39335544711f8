// Language: what a zygote keeps warm and what its children run.
#pragma once

#include <string>
#include <vector>

#include "runtime/core/result.h"
#include "verifiers/sandbox/jail_message.h"

namespace assay::sandbox {

// Lives in a companion program with one thread.
class Language {
 public:
  virtual ~Language() = default;

  // Folders of the machine that its programs need to see, read-only.
  virtual std::vector<std::string> shown_folders() const = 0;
  // Whether a child needs a folder to write in.
  virtual bool needs_scratch() const = 0;

  // Makes ready whatever every child needs, once, before the zygote's root is empty.
  // Errors: what is missing on this machine.
  virtual Result<void> warm_up() = 0;

  // Runs a task in a child that is confined, speaking on kControl and kPeer. What it returns is the
  // process's exit status, which nobody believes.
  virtual int run(Task task) = 0;
};

}  // namespace assay::sandbox
