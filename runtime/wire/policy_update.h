// A policy update: the announcement that new weights exist. The bytes travel elsewhere.
#pragma once

#include <cstdint>

#include "runtime/core/digest.h"
#include "runtime/core/ids.h"

namespace assay::wire {

struct PolicyUpdate {
  PolicyVersion version;
  PolicyVersion base;  // the version it was trained from
  Digest weights;      // hash of all weight bytes in name order
  std::uint64_t weights_bytes = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("version", self.version, "base", self.base, "weights", self.weights, "weights_bytes",
             self.weights_bytes);
  }
};

}  // namespace assay::wire
