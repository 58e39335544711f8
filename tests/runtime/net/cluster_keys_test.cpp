#include "runtime/net/cluster_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runtime/core/file.h"
#include "tests/support/temporary_folder.h"

namespace assay::net {
namespace {

class Keys : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    ASSERT_TRUE(write_file_durably(path(name), text));
    ASSERT_EQ(::chmod(path(name).c_str(), mode), 0);
  }
  // What reading says about a file of this text.
  Error refusal(const std::string& text, mode_t mode = 0600) {
    write("some.key", text, mode);
    const Result<ClusterKeys> keys = read_cluster_keys(path("some.key"));
    EXPECT_FALSE(keys) << text;
    return keys ? Error{} : keys.error();
  }

  assay::testing::TemporaryFolder folder_;
};

TEST_F(Keys, EveryRoleHasAFileOfItsOwnThatNobodyElseCanRead) {
  const std::vector<ClusterKeys> made = make_cluster_keys();
  ASSERT_TRUE(write_cluster_keys(made, path("keys")));

  for (const ClusterKeys& keys : made) {
    const std::string file = path("keys/" + std::string(to_string(keys.role)) + ".key");
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0) << file;
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    const Result<ClusterKeys> read = read_cluster_keys(file);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->role, keys.role);
    EXPECT_EQ(read->public_key, keys.public_key);
    EXPECT_EQ(read->secret_key, keys.secret_key);
    EXPECT_EQ(read->head_public_key(), made.front().public_key);
    EXPECT_EQ(read->peers.size(), keys.role == PeerRole::kHead ? 3u : 1u);
  }
}

// A running cluster may be using them.
TEST_F(Keys, FilesThatAreThereAreNotOverwritten) {
  ASSERT_TRUE(write_cluster_keys(make_cluster_keys(), path("keys")));
  const std::string before = *read_file(path("keys/head.key"), 1 << 16);

  const Result<void> again = write_cluster_keys(make_cluster_keys(), path("keys"));

  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("is there already"), std::string::npos);
  EXPECT_EQ(*read_file(path("keys/head.key"), 1 << 16), before);
}

TEST_F(Keys, AFileThatOthersCanReadIsRefusedWithTheRemedy) {
  const Error error = refusal("role node\n", 0640);
  EXPECT_NE(error.message.find("can be read by others"), std::string::npos);
  EXPECT_EQ(error.remedy, "chmod 600 " + path("some.key"));
}

TEST_F(Keys, AMalformedFileIsRefusedWithItsLine) {
  EXPECT_EQ(refusal("# fine\nrole king\n").place, path("some.key") + ":2");
  EXPECT_EQ(refusal("role node\npublic short\n").place, path("some.key") + ":2");
  EXPECT_EQ(refusal("colour blue\n").place, path("some.key") + ":1");
  EXPECT_EQ(refusal("peer node short\n").place, path("some.key") + ":1");
  EXPECT_NE(refusal("role node\n").message.find("holds role, public, secret and peer"),
            std::string::npos);
}

TEST_F(Keys, AMissingFileIsSaidToBeMissing) {
  EXPECT_EQ(read_cluster_keys(path("absent.key")).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace assay::net
