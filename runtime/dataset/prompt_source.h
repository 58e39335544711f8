// PromptSource: an endless, ordered supply of prompts with random access.
//
// Which prompt stands at (epoch, index) is a pure function of the source's options, so any host can
// answer it, in any order, after any restart. Implementations are immutable and thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/wire/prompt.h"

namespace assay::dataset {

class PromptSource {
 public:
  virtual ~PromptSource() = default;

  // The prompt at a place. An index past the epoch runs on into the following epochs, so
  // (0, prompts_per_epoch()) is (1, 0).
  virtual wire::Prompt prompt(std::uint64_t epoch, std::uint64_t index) const = 0;

  virtual std::uint64_t prompts_per_epoch() const = 0;  // at least 1

  // What it holds and how it was read, a line a fact: for --dry-run and the log.
  virtual std::string describe() const = 0;
};

}  // namespace assay::dataset
