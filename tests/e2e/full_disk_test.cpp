// A disk that fills up at any moment of a run: one clear error, and once there is space again the
// run goes on as if nothing had happened.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/e2e/tiny_run.h"

namespace assay::e2e {
namespace {

namespace fs = std::filesystem;

// Puts this process into a mount namespace of its own, as root of it. False, with the reason, where
// the machine does not allow it.
bool enter_own_mounts(std::string& reason) {
  static std::optional<std::string> refusal;
  if (!refusal) {
    const uid_t user = ::getuid();
    const bool is_root = ::geteuid() == 0;
    refusal = "";
    if (::unshare(is_root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) {
      refusal = std::string("unshare: ") + std::strerror(errno);
    } else {
      if (!is_root) std::ofstream("/proc/self/uid_map") << "0 " << user << " 1\n";
      if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        refusal = std::string("mount: ") + std::strerror(errno);
      }
    }
  }
  reason = *refusal;
  return refusal->empty();
}

// A disk in memory, gone with this object.
class SmallDisk {
 public:
  SmallDisk(std::string place, std::uint64_t bytes) : place_(std::move(place)) {
    fs::create_directories(place_);
    is_there_ = ::mount("small", place_.c_str(), "tmpfs", 0, options(bytes).c_str()) == 0;
  }
  ~SmallDisk() {
    if (is_there_) ::umount2(place_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_there() const { return is_there_; }
  bool resize(std::uint64_t bytes) const {
    return ::mount("small", place_.c_str(), "tmpfs", MS_REMOUNT, options(bytes).c_str()) == 0;
  }

 private:
  static std::string options(std::uint64_t bytes) { return "size=" + std::to_string(bytes); }

  std::string place_;
  bool is_there_ = false;
};

class FullDisk : public TinyRun {
 protected:
  void SetUp() override {
    std::string reason;
    if (!enter_own_mounts(reason)) GTEST_SKIP() << "no file system of our own: " << reason;
  }

  static std::vector<std::string> args(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--deterministic", "true"});
    return more;
  }

  std::uint64_t bytes_below(const std::string& folder) const {
    std::uint64_t bytes = 0;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) bytes += (entry.file_size() + 4095) / 4096 * 4096;
    }
    return bytes;
  }
};

TEST_F(FullDisk, AtEveryStageIsOneErrorAndCostsNothing) {
  constexpr std::uint64_t kPlenty = 64 << 20;
  ASSERT_EQ(run(args()).exit_code, 0);
  const std::vector<RecordedStep> expected = steps(), control = steps("random_permute");
  const std::uint64_t needed = bytes_below(folder_.root());
  std::set<std::string> failed_at;
  for (const double share : {0.0, 0.004, 0.06, 0.12, 0.3, 0.6, 0.9, 1.2, 1.5, 1.8}) {
    SCOPED_TRACE("room for " + std::to_string(share) + " of the run");
    home_ = folder_.path("disk");
    const auto room = static_cast<std::uint64_t>(share * static_cast<double>(needed));
    // tmpfs counts whole pages, and its root and folders none; size 0 would mean no limit.
    const SmallDisk disk(home_, std::max<std::uint64_t>(room, 4096));
    ASSERT_TRUE(disk.is_there());

    const ProgramOutcome full = run(args());

    if (full.exit_code == 0) break;
    expect_one_error(
        full, 1, {"No space left|disk is full", "outputs/tiny/", "help: free space on that disk"});
    failed_at.insert(full.err.substr(full.err.rfind("error")).substr(0, 60));

    ASSERT_TRUE(disk.resize(kPlenty));
    // Reading a history takes a page of its own, so it is looked at once there is one.
    std::vector<std::string> known;
    if (path_exists(in_run("ledger.sqlite"))) known = exported_lines();
    std::vector<std::string> again = args();
    if (path_exists(in_run(".assay-run"))) again.push_back("--resume");
    expect_finished(run(again));
    EXPECT_TRUE(steps() == expected) << "other weights";
    EXPECT_TRUE(steps("random_permute") == control) << "other weights";
    const std::vector<std::string> lines = exported_lines();
    ASSERT_GE(lines.size(), known.size());
    EXPECT_TRUE(std::equal(known.begin(), known.end(), lines.begin())) << "history has changed";
    if (HasFailure()) break;
  }
  EXPECT_GE(failed_at.size(), 4u) << "the disk filled up at different places";
}

}  // namespace
}  // namespace assay::e2e
