// A folder of the machine for a compiler to write in, where a jail cannot have mounts of its own.
#pragma once

#include <sys/types.h>

#include <string>

#include "runtime/core/result.h"

namespace assay::sandbox {

// Removed with all it holds when this object goes.
class ScratchFolder {
 public:
  // Makes one that belongs to `owner`, and removes those that dead processes have left.
  static Result<ScratchFolder> create(uid_t owner);
  ~ScratchFolder();
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  ScratchFolder& operator=(ScratchFolder&&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// Removes what a folder holds, following no link.
void clear_folder(const std::string& path);

}  // namespace assay::sandbox
