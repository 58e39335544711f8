#include "verifiers/sandbox/control_group.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <sstream>
#include <string_view>

namespace assay::sandbox {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "assay-jail-";
constexpr std::size_t kFileBytesMax = 1 << 16;

// Files of the kernel have no size to be read by.
std::string line_of(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(kFileBytesMax, '\0');
  const ssize_t size = file.is_open() ? ::read(file.get(), text.data(), text.size()) : 0;
  text.resize(static_cast<std::size_t>(size > 0 ? size : 0));
  return text;
}

// The path of this process in a hierarchy: the line "4:memory:/path" of /proc/self/cgroup.
std::string own_path(std::string_view controller) {
  std::istringstream lines(line_of("/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view names = std::string_view(line).substr(first + 1, second - first - 1);
    if (names == controller) return line.substr(second + 1);
  }
  return "/";
}

// The folder of this process's group; the hierarchy's root where a container shows only that.
std::string own_folder(const std::string& mount, std::string_view controller) {
  const std::string path = own_path(controller);
  const std::string folder = path == "/" ? mount : mount + path;
  return path_exists(folder) ? folder : mount;
}

void remove_stale(const std::string& parent) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const int owner = std::atoi(name.c_str() + kPrefix.size());
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) ::rmdir(entry.path().c_str());
  }
}

Result<FileDescriptor> open_to_write(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_error("open", path);
  return file;
}

Result<void> write_value(const FileDescriptor& file, const std::string& value) {
  if (::pwrite(file.get(), value.data(), value.size(), 0) < 0) {
    return errno_error("write to", "a control group");
  }
  return {};
}

}  // namespace

Result<void> ControlGroup::make_folder(const std::string& parent) {
  remove_stale(parent);
  const std::string folder = parent + "/" + std::string(kPrefix) + std::to_string(::getpid());
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return errno_error("make", folder);
  folders_.push_back(folder);
  auto members = open_to_write(folder + "/cgroup.procs");
  if (!members) return members.error();
  members_.push_back(std::move(*members));
  return {};
}

// `names` are the files for memory, processes and events, in the first and in the last folder.
Result<void> ControlGroup::open_files(const FileNames& names) {
  auto memory = open_to_write(folders_.front() + names.memory);
  if (!memory) return memory.error();
  auto processes = open_to_write(folders_.back() + "/pids.max");
  if (!processes) return processes.error();
  events_ = FileDescriptor(::open((folders_.front() + names.events).c_str(), O_RDONLY | O_CLOEXEC));
  if (!events_.is_open()) return errno_error("open", folders_.front() + names.events);
  memory_limit_ = std::move(*memory);
  process_limit_ = std::move(*processes);
  return {};
}

Result<ControlGroup> ControlGroup::make_below(const std::vector<std::string>& parents,
                                              const FileNames& names) {
  ControlGroup group;
  for (const std::string& parent : parents) {
    if (auto made = group.make_folder(parent); !made) return made.error();
  }
  if (auto opened = group.open_files(names); !opened) return opened.error();
  return group;
}

Result<ControlGroup> ControlGroup::create() {
  const std::string root = "/sys/fs/cgroup";
  if (path_exists(root + "/memory/memory.limit_in_bytes")) {
    return make_below({own_folder(root + "/memory", "memory"), own_folder(root + "/pids", "pids")},
                      {"/memory.limit_in_bytes", "/memory.oom_control"});
  }
  if (line_of(root + "/cgroup.controllers").find("memory") == std::string::npos) {
    return Error{ErrorCode::kUnavailable, "no control groups that count memory", "", "", ""};
  }
  // A group with processes of its own, as a session's is, hands no controller to groups below it.
  const FileNames names{"/memory.max", "/memory.events"};
  auto below = make_below({own_folder(root, "")}, names);
  return below ? std::move(below) : make_below({root}, names);
}

ControlGroup::~ControlGroup() {
  for (const std::string& folder : folders_) ::rmdir(folder.c_str());
}

Result<void> ControlGroup::enter() const {
  for (const FileDescriptor& members : members_) {
    if (auto entered = write_value(members, "0"); !entered) return entered;
  }
  return {};
}

Result<void> ControlGroup::limit(std::uint64_t memory_bytes, std::uint32_t process_count) {
  if (memory_bytes != memory_bytes_) {
    if (auto set = write_value(memory_limit_, std::to_string(memory_bytes)); !set) return set;
    memory_bytes_ = memory_bytes;
  }
  if (process_count != process_count_) {
    if (auto set = write_value(process_limit_, std::to_string(process_count)); !set) return set;
    process_count_ = process_count;
  }
  return {};
}

std::uint64_t ControlGroup::kill_count() const {
  std::string text(4096, '\0');
  const ssize_t size = ::pread(events_.get(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(size > 0 ? size : 0));
  const std::size_t at = text.find("oom_kill ");
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + 9, nullptr, 10);
}

}  // namespace assay::sandbox
