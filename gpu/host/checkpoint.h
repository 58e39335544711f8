// A policy and its optimiser in a folder: model.safetensors, optimiser.safetensors, learner.json.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "gpu/host/layout.h"
#include "runtime/core/ids.h"
#include "runtime/core/result.h"

namespace assay::gpu::host {

inline constexpr const char* kModelFile = "model.safetensors";
inline constexpr const char* kOptimiserFile = "optimiser.safetensors";
inline constexpr const char* kLearnerFile = "learner.json";

// What learner.json holds.
struct LearnerState {
  model::ModelConfig config;
  PolicyVersion version;
  std::uint64_t optimiser_steps = 0;
  std::uint64_t schedule_updates = 0;
};

Result<void> write_learner_state(const std::string& folder, const LearnerState& state);

// Errors: kNotFound; kCorrupt naming the file when a field is missing or of the wrong kind.
Result<LearnerState> read_learner_state(const std::string& folder);

// An arena with a prefix before each tensor's name, e.g. "first." for moments.
struct NamedArena {
  std::string prefix;
  std::span<float> floats;  // [layout.arena_size]
};

// Writes every tensor of the arenas. Errors: errno codes.
Result<void> write_arenas(const std::string& path, const Layout& layout,
                          std::span<const NamedArena> arenas);

// Reads every tensor of the arenas. Errors: kNotFound; kCorrupt when one is missing or differs in
// shape; the arenas are then partly overwritten.
Result<void> read_arenas(const std::string& path, const Layout& layout,
                         std::span<const NamedArena> arenas);

}  // namespace assay::gpu::host
