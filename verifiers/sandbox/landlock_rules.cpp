#include "verifiers/sandbox/landlock_rules.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "runtime/core/file.h"

namespace assay::sandbox {

namespace {

// The kernel's structure as of version 6; older headers lack the later members.
struct Ruleset {
  std::uint64_t files = 0;
  std::uint64_t ports = 0;
  std::uint64_t scopes = 0;
};

constexpr std::uint64_t kFirstVersionRights = (std::uint64_t{1} << 13) - 1;
constexpr std::uint64_t kRefer = std::uint64_t{1} << 13;     // version 2
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;  // version 3
constexpr std::uint64_t kDevices = std::uint64_t{1} << 15;   // version 5
constexpr std::uint64_t kPorts = 3;                          // version 4: bind, connect
constexpr std::uint64_t kScopes = 3;                         // version 6: abstract sockets, signals

constexpr std::uint64_t kRead =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                                 LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE;

Ruleset ruleset_of(int version) {
  Ruleset rules{kFirstVersionRights, 0, 0};
  if (version >= 2) rules.files |= kRefer;
  if (version >= 3) rules.files |= kTruncate;
  if (version >= 4) rules.ports = kPorts;
  if (version >= 5) rules.files |= kDevices;
  if (version >= 6) rules.scopes = kScopes;
  return rules;
}

Result<void> allow_below(int ruleset, const std::string& path, std::uint64_t rights) {
  const FileDescriptor folder(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!folder.is_open()) return errno_error("open", path);
  landlock_path_beneath_attr below{};
  below.allowed_access = rights;
  below.parent_fd = folder.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) != 0) {
    return errno_error("allow access below", path);
  }
  return {};
}

}  // namespace

int landlock_version() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return static_cast<int>(std::max(version, 0L));
}

Result<void> restrict_paths(const LandlockPaths& paths) {
  const int version = landlock_version();
  if (version == 0) return errno_error("use", "landlock");
  const Ruleset rules = ruleset_of(version);
  const std::size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const FileDescriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size, 0)));
  if (!ruleset.is_open()) return errno_error("make", "landlock rules");
  for (const std::string& path : paths.readable) {
    if (auto allowed = allow_below(ruleset.get(), path, kRead); !allowed) return allowed;
  }
  const std::uint64_t truncate = version >= 3 ? kTruncate : 0;
  for (const std::string& path : paths.writable) {
    if (auto allowed = allow_below(ruleset.get(), path, kWrite | truncate); !allowed) {
      return allowed;
    }
  }
  constexpr std::uint64_t kUse = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
  for (const std::string& path : paths.files) {
    if (auto allowed = allow_below(ruleset.get(), path, kUse | truncate); !allowed) return allowed;
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return errno_error("obey", "landlock rules");
  }
  return {};
}

}  // namespace assay::sandbox
