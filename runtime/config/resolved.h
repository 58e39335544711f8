// Resolved: every value of a loaded config as text, with where it came from.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/digest.h"

namespace assay::config {

struct ResolvedValue {
  std::string key;     // "curator.train.source[0].path"
  std::string value;   // canonical TOML
  std::string origin;  // "default", "configs/arithmetic.toml:12", "--learner.optim.lr", ...
  std::string place;   // as `origin` but with the column; empty for defaults
  std::string help;
};

class Resolved {
 public:
  explicit Resolved(std::vector<ResolvedValue> values) : values_(std::move(values)) {}

  const std::vector<ResolvedValue>& values() const { return values_; }

  // The value of a key, or null. The pointer lives as long as this object.
  const ResolvedValue* find(std::string_view key) const;

  // A TOML file that loads to the same config; each value carries its origin as a comment.
  std::string to_toml() const;

  // SHA-256 over the canonical `key = value` pairs; origins do not count. With prefixes, only the
  // keys at or below one of them: {"model", "sft", "seed"} names a warm-up.
  Digest digest(std::span<const std::string_view> prefixes = {}) const;

 private:
  std::vector<ResolvedValue> values_;
};

}  // namespace assay::config
