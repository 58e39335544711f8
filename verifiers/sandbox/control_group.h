// A control group: memory and processes counted for a zygote and all its children together.
//
// Works with version 1 as root and with version 2 where this process may make groups. The group is
// entered once by the zygote and inherited by its children: joining it for each check would cost
// more than the check.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/file.h"
#include "runtime/core/result.h"

namespace assay::sandbox {

class ControlGroup {
 public:
  // Makes one, named after this process, below the one it is in, and removes those that dead
  // processes of this name have left. Errors: kUnavailable with the reason.
  static Result<ControlGroup> create();
  // Removes the group, unless a process is still in it.
  ~ControlGroup();
  ControlGroup(ControlGroup&&) noexcept = default;
  ControlGroup& operator=(ControlGroup&&) = delete;

  // The calling process enters, with every child it makes later.
  Result<void> enter() const;
  // What the group may use from now on. Costs nothing where it is as before.
  Result<void> limit(std::uint64_t memory_bytes, std::uint32_t process_count);
  // How often the kernel has ended a process of the group for want of memory.
  std::uint64_t kill_count() const;
  // Keeps the files open and forgets the folders: for a child that shall not remove them.
  void forget_folders() { folders_.clear(); }

 private:
  struct FileNames {
    std::string memory, events;  // "/memory.max", "/memory.events" or their forms of version 1
  };

  ControlGroup() = default;
  static Result<ControlGroup> make_below(const std::vector<std::string>& parents,
                                         const FileNames& names);
  Result<void> make_folder(const std::string& parent);
  Result<void> open_files(const FileNames& names);

  std::vector<std::string> folders_;
  std::vector<FileDescriptor> members_;
  FileDescriptor memory_limit_, process_limit_, events_;
  std::uint64_t memory_bytes_ = 0;
  std::uint32_t process_count_ = 0;
};

}  // namespace assay::sandbox
