// The versions of the weights that may still be asked for: the newest, and before it those that
// open groups may be pinned to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "gpu/weights.h"
#include "runtime/flow/dispatch_plan.h"

namespace assay::actors {

using WeightsByVersion = std::map<std::uint64_t, std::shared_ptr<const gpu::Weights>>;

// Takes the weights in, and lets go of what lies more than `versions_behind` before the newest.
inline void keep_recent(WeightsByVersion& known, std::shared_ptr<const gpu::Weights> weights,
                        std::uint64_t versions_behind) {
  const std::uint64_t version = weights->version().value;
  known[version] = std::move(weights);
  while (known.begin()->first + versions_behind < known.rbegin()->first) known.erase(known.begin());
}

// How far back a group may be pinned.
inline std::uint64_t versions_behind(const flow::DispatchOptions& options) {
  return options.is_deterministic ? options.staleness_max : 0;
}

}  // namespace assay::actors
