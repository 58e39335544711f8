// Checkpoints: folders step_N that are whole or not used, and `latest`, which names the newest.
//
// Order of one checkpoint: the learner saves into folder(step); seal() hashes every file and writes
// checkpoint.json last, durably; the ledger commits the step; publish() moves `latest`. A crash
// between any two leaves the older generation in force. Nothing is used before its digests match.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/digest.h"
#include "runtime/core/ids.h"
#include "runtime/core/result.h"

namespace assay::store {

struct CheckpointFile {
  std::string name;  // relative to the folder, no "..", no leading '/'
  std::uint64_t bytes = 0;
  Digest sha256;

  friend bool operator==(const CheckpointFile&, const CheckpointFile&) = default;
};

struct CheckpointManifest {
  std::uint64_t step = 0;
  PolicyVersion version;
  Digest weights;                     // gpu::Weights::digest()
  std::vector<CheckpointFile> files;  // every file but checkpoint.json, sorted by name

  friend bool operator==(const CheckpointManifest&, const CheckpointManifest&) = default;
};

struct FoundCheckpoint {
  std::string folder;  // empty when none was whole
  CheckpointManifest manifest;
  std::vector<Error> skipped;  // newer ones that were broken, newest first: tell people
};

class CheckpointStore {
 public:
  explicit CheckpointStore(std::string root) : root_(std::move(root)) {}

  std::string name(std::uint64_t step) const { return "step_" + std::to_string(step); }
  std::string folder(std::uint64_t step) const { return root_ + "/" + name(step); }

  // Hashes what the learner saved in folder(step) and writes its manifest.
  Result<CheckpointManifest> seal(std::uint64_t step, PolicyVersion version,
                                  const Digest& weights) const;

  // Points `latest` at folder(step), atomically.
  Result<void> publish(std::uint64_t step) const;

  // Reads the manifest and compares every file's size and digest with it. Errors: kCorrupt naming
  // the file; kNotFound when there is no manifest: it was never finished.
  Result<CheckpointManifest> verify(std::uint64_t step) const;

  // The steps that have a folder, ascending, whole or not.
  Result<std::vector<std::uint64_t>> list() const;

  // The newest whole checkpoint with step <= step_max (the ledger's last step); broken ones are
  // skipped and listed, also when no folder is left to name.
  Result<FoundCheckpoint> newest_whole(std::uint64_t step_max) const;

  // Keeps the newest `count` folders, the newest at or below `needed` (where a resume may have to
  // begin) and the one `latest` names; removes the others. Returns what was removed.
  Result<std::vector<std::uint64_t>> prune(std::size_t count, std::uint64_t needed) const;

  // Removes folders newer than the ledger knows: leftovers of a crash before the step's commit.
  Result<std::vector<std::uint64_t>> remove_after(std::uint64_t step) const;

 private:
  std::string root_;
};

}  // namespace assay::store
