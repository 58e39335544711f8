#include "actors/cli/folder_snapshot.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace assay::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChangesMax = 10;

bool is_own_output(const struct stat& file) {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat own {};
    if (::fstat(fd, &own) == 0 && own.st_dev == file.st_dev && own.st_ino == file.st_ino) {
      return true;
    }
  }
  return false;
}

}  // namespace

FolderSnapshot FolderSnapshot::take(const std::string& folder, std::size_t entries_max) {
  FolderSnapshot snapshot;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied,
                                         error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    struct stat file {};
    if (::lstat(entry->path().c_str(), &file) != 0 || is_own_output(file)) continue;
    // What changes in a folder is told by its files.
    const bool is_folder = S_ISDIR(file.st_mode);
    const Entry one{
        file.st_ino, is_folder ? 0 : static_cast<std::uint64_t>(file.st_size),
        is_folder ? 0 : std::int64_t{file.st_mtim.tv_sec} * 1'000'000'000 + file.st_mtim.tv_nsec};
    snapshot.entries_[entry->path().lexically_relative(folder).string()] = one;
    if (snapshot.entries_.size() <= entries_max) continue;
    snapshot.is_whole_ = false;
    break;
  }
  snapshot.is_whole_ = snapshot.is_whole_ && !error;
  return snapshot;
}

std::vector<std::string> FolderSnapshot::changes_until(const FolderSnapshot& later) const {
  std::map<std::string, const char*> changes;
  if (!is_whole_ || !later.is_whole_) return {};
  for (const auto& [name, entry] : later.entries_) {
    const auto before = entries_.find(name);
    if (before == entries_.end()) changes[name] = "makes ";
    if (before != entries_.end() && before->second != entry) changes[name] = "changes ";
  }
  for (const auto& [name, entry] : entries_) {
    if (!later.entries_.contains(name)) changes[name] = "removes ";
  }
  std::vector<std::string> sentences;
  for (const auto& [name, verb] : changes) {
    if (sentences.size() == kChangesMax) break;
    sentences.push_back(verb + name);
  }
  return sentences;
}

}  // namespace assay::cli
