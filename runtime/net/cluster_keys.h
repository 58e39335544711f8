// Keys of a cluster: who may speak on its ports, and as what.
//
// One CURVE25519 pair a role, one file a role. A file holds a secret: it is written with mode 0600
// and refused when others could read it. Lines of words, '#' begins a comment:
//
//   role node
//   public <40 characters of Z85>
//   secret <40 characters of Z85>
//   peer head <public key>        the head's file lists every role that may speak to it
//
// Taking a line out of the head's file shuts that key out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"

namespace assay::net {

// What a key may do: host any worker, host verifiers alone, or only look.
enum class PeerRole : std::uint8_t { kHead, kNode, kVerifier, kClient };

std::string_view to_string(PeerRole role);  // "head", "node", "verifier", "client"
std::optional<PeerRole> parse_peer_role(std::string_view name);

struct PeerKey {
  PeerRole role = PeerRole::kClient;
  std::string public_key;  // Z85
};

struct ClusterKeys {
  PeerRole role = PeerRole::kClient;  // whose file this is
  std::string public_key, secret_key;
  std::vector<PeerKey> peers;  // the head's: who may speak to it; else the head alone

  // The head's public key; empty when the file does not name it.
  std::string head_public_key() const;
};

// Fresh keys: the head's first, then one for each other role.
std::vector<ClusterKeys> make_cluster_keys();

// Writes <folder>/<role>.key for each. Errors: kInvalidInput when one is there already (a running
// cluster may use it); errno codes.
Result<void> write_cluster_keys(const std::vector<ClusterKeys>& keys, const std::string& folder);

// Errors: kInvalidInput for a file that others may read, with the command that mends it, and for
// one that is malformed, with the line.
Result<ClusterKeys> read_cluster_keys(const std::string& path);

}  // namespace assay::net
