// OptionReader: reads a verifier's options from a JSON object and refuses what nobody asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"

namespace assay::verifiers {

// Each read names an option and its default; finish() then reports the first mistake of any kind:
// text that is not one JSON object, a wrong type or range, an option that was never read.
class OptionReader {
 public:
  OptionReader(std::string_view verifier, std::string_view options_json);
  ~OptionReader();

  bool read_bool(std::string_view name, bool fallback);
  std::int64_t read_integer(std::string_view name, std::int64_t fallback, std::int64_t least,
                            std::int64_t most);
  // Each element must be one of `allowed`.
  std::vector<std::string> read_words(std::string_view name,
                                      const std::vector<std::string>& allowed);

  // Errors: kInvalidInput E403.
  Result<void> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The candidate nearest to a misspelt word; empty where none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace assay::verifiers
