// A folder's files before and after: what somebody changed meanwhile.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace assay::cli {

class FolderSnapshot {
 public:
  // Names, sizes and times of all that is below the folder, links not followed. Files that this
  // process itself has as standard output or error are left out. A folder with more than
  // `entries_max` entries is not looked at: is_whole() is then false.
  static FolderSnapshot take(const std::string& folder, std::size_t entries_max = 10'000);

  bool is_whole() const { return is_whole_; }
  // "makes NAME", "changes NAME", "removes NAME", by name; at most ten, none where one of the two
  // is not whole. A file that was changed back within its time stamp is not told from one that was
  // left alone.
  std::vector<std::string> changes_until(const FolderSnapshot& later) const;

 private:
  struct Entry {
    std::uint64_t inode = 0, bytes = 0;
    std::int64_t changed_ns = 0;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  std::map<std::string, Entry> entries_;
  bool is_whole_ = true;
};

}  // namespace assay::cli
