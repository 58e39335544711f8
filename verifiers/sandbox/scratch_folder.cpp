#include "verifiers/sandbox/scratch_folder.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace assay::sandbox {

namespace {

namespace fs = std::filesystem;

constexpr const char* kParent = "/tmp";
constexpr std::string_view kPrefix = "assay-work-";

void remove_stale() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(kParent, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const int owner = std::atoi(name.c_str() + kPrefix.size());
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

}  // namespace

Result<ScratchFolder> ScratchFolder::create(uid_t owner) {
  remove_stale();
  const std::string path =
      std::string(kParent) + "/" + std::string(kPrefix) + std::to_string(::getpid());
  if (::mkdir(path.c_str(), 0700) != 0) return errno_error("make", path);
  ScratchFolder folder(path);
  if (owner != 0 && ::chown(path.c_str(), owner, owner) != 0) return errno_error("give away", path);
  return folder;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

void clear_folder(const std::string& path) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace assay::sandbox
