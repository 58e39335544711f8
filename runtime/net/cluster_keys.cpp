#include "runtime/net/cluster_keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <span>
#include <sstream>

#include "runtime/core/check.h"
#include "runtime/core/file.h"

namespace assay::net {

namespace {

constexpr std::size_t kKeyTextBytes = 40;
constexpr std::size_t kKeyFileBytesMax = 64 * 1024;
constexpr std::array<std::string_view, 4> kRoleNames{"head", "node", "verifier", "client"};

ClusterKeys fresh_pair(PeerRole role) {
  std::array<char, kKeyTextBytes + 1> public_text{}, secret_text{};
  ASSAY_CHECK(zmq_curve_keypair(public_text.data(), secret_text.data()) == 0,
              "the system's libzmq can make CURVE keys");
  ClusterKeys keys;
  keys.role = role;
  keys.public_key = public_text.data();
  keys.secret_key = secret_text.data();
  return keys;
}

bool is_key(const std::string& text) {
  std::array<std::uint8_t, 32> raw;
  return text.size() == kKeyTextBytes && zmq_z85_decode(raw.data(), text.c_str()) != nullptr;
}

std::string file_text(const ClusterKeys& keys) {
  std::string text = "# Key of an assay cluster. Secret: whoever holds it may speak as its role.\n";
  text += "role " + std::string(to_string(keys.role)) + "\n";
  text += "public " + keys.public_key + "\nsecret " + keys.secret_key + "\n";
  for (const PeerKey& peer : keys.peers) {
    text += "peer " + std::string(to_string(peer.role)) + " " + peer.public_key + "\n";
  }
  return text;
}

Error malformed(const std::string& path, std::size_t line, const std::string& what) {
  return {ErrorCode::kInvalidInput,
          what,
          "make keys anew with `assay keys init`",
          path + ":" + std::to_string(line),
          {}};
}

Result<void> check_private(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno_error("read key", path);
  const bool is_shared = (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
  if (!is_shared && (status.st_uid == ::geteuid() || status.st_uid == 0)) return {};
  return Error{ErrorCode::kInvalidInput,
               "the key " + path + " can be read by others",
               "chmod 600 " + path,
               path,
               {}};
}

// A new file that nobody else could read at any moment.
Result<void> write_secret(const std::string& path, const std::string& text) {
  const FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return errno_error("write key", path);
  if (auto written = write_all(file.get(), std::as_bytes(std::span(text)), path); !written) {
    return written;
  }
  if (::fsync(file.get()) != 0) return errno_error("write key", path);
  return {};
}

// Takes one line in; returns what is wrong with it.
std::string read_line(const std::string& line, ClusterKeys& keys) {
  std::istringstream words(line);
  std::string word, first, second, rest;
  words >> word >> first >> second >> rest;
  if (word.empty() || word.front() == '#') return {};
  if (word == "role") {
    const auto role = parse_peer_role(first);
    if (!role || !second.empty()) return "'" + first + "' is no role";
    keys.role = *role;
  } else if (word == "public" || word == "secret") {
    if (!is_key(first) || !second.empty()) return "the " + word + " key is not 40 letters of Z85";
    (word == "public" ? keys.public_key : keys.secret_key) = first;
  } else if (word == "peer") {
    const auto role = parse_peer_role(first);
    if (!role || !is_key(second) || !rest.empty()) return "this is no peer and its key";
    keys.peers.push_back({*role, second});
  } else {
    return "'" + word + "' means nothing here";
  }
  return {};
}

}  // namespace

std::string_view to_string(PeerRole role) {
  return kRoleNames.at(static_cast<std::size_t>(role));
}

std::optional<PeerRole> parse_peer_role(std::string_view name) {
  const auto found = std::find(kRoleNames.begin(), kRoleNames.end(), name);
  if (found == kRoleNames.end()) return std::nullopt;
  return static_cast<PeerRole>(found - kRoleNames.begin());
}

std::string ClusterKeys::head_public_key() const {
  if (role == PeerRole::kHead) return public_key;
  const auto head = std::find_if(peers.begin(), peers.end(),
                                 [](const PeerKey& peer) { return peer.role == PeerRole::kHead; });
  return head == peers.end() ? std::string() : head->public_key;
}

std::vector<ClusterKeys> make_cluster_keys() {
  std::vector<ClusterKeys> all{fresh_pair(PeerRole::kHead)};
  for (const PeerRole role : {PeerRole::kNode, PeerRole::kVerifier, PeerRole::kClient}) {
    ClusterKeys keys = fresh_pair(role);
    keys.peers.push_back({PeerRole::kHead, all.front().public_key});
    all.front().peers.push_back({role, keys.public_key});
    all.push_back(std::move(keys));
  }
  return all;
}

Result<void> write_cluster_keys(const std::vector<ClusterKeys>& keys, const std::string& folder) {
  if (auto made = make_folders(folder); !made) return made.error();
  const auto path_of = [&](const ClusterKeys& one) {
    return folder + "/" + std::string(to_string(one.role)) + ".key";
  };
  for (const ClusterKeys& one : keys) {
    if (!path_exists(path_of(one))) continue;
    return Error{ErrorCode::kInvalidInput,
                 path_of(one) + " is there already",
                 "a cluster may be using it: choose another folder, or delete it first",
                 {},
                 {}};
  }
  for (const ClusterKeys& one : keys) {
    if (auto written = write_secret(path_of(one), file_text(one)); !written) return written;
  }
  return sync_folder(folder);
}

Result<ClusterKeys> read_cluster_keys(const std::string& path) {
  if (auto is_private = check_private(path); !is_private) return is_private.error();
  const Result<std::string> text = read_file(path, kKeyFileBytesMax);
  if (!text) return text.error();
  ClusterKeys keys;
  std::istringstream lines(*text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (const std::string wrong = read_line(line, keys); !wrong.empty()) {
      return malformed(path, number, wrong);
    }
  }
  if (keys.public_key.empty() || keys.secret_key.empty() || keys.peers.empty()) {
    return malformed(path, number, "a key file holds role, public, secret and peer");
  }
  return keys;
}

}  // namespace assay::net
