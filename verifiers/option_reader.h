// OptionReader: reads a verifier's options from a JSON object and refuses what nobody asked for.
#pragma once

#include <cstddef>
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
  double read_number(std::string_view name, double fallback, double least, double most);
  std::string read_text(std::string_view name, std::string_view fallback,
                        std::size_t bytes_max = 64 * 1024);
  // One of `allowed`.
  std::string read_word(std::string_view name, std::string_view fallback,
                        const std::vector<std::string>& allowed);
  std::vector<std::string> read_texts(std::string_view name, std::size_t count_max = 1024);
  // A nested value of any kind as JSON text, for a reader of its own; empty where it is absent.
  std::string read_json(std::string_view name);
  // Each element must be one of `allowed`.
  std::vector<std::string> read_words(std::string_view name,
                                      const std::vector<std::string>& allowed);

  // Records a mistake that only the verifier can see, e.g. options that exclude each other.
  void refuse(std::string what, std::string remedy);

  // Errors: kInvalidInput E403.
  Result<void> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The candidate nearest to a misspelt word; empty where none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace assay::verifiers
