// The seed of property tests: ASSAY_SEED replays one, and a failure prints it.
#pragma once

#include <cstdlib>
#include <string>

#include "runtime/core/rng.h"

namespace assay {

inline std::uint64_t test_seed() {
  const char* text = std::getenv("ASSAY_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 20260101;
}

inline std::string seed_text() {
  return "ASSAY_SEED=" + std::to_string(test_seed());
}

inline Rng test_rng(std::uint64_t stream = 0) {
  return Rng(test_seed(), stream);
}

}  // namespace assay
