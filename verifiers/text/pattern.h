// Pattern: a regular expression whose cost is linear in the text, whatever the expression.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/result.h"

namespace assay::verifiers {

// The syntax of RE2: no back-references and no look-around, so no text makes it backtrack. Memory
// and the size of the compiled program are bounded. Copies share the program; safe from several
// threads.
class Pattern {
 public:
  static constexpr std::size_t kBytesMax = 4096;

  // Errors: kInvalidInput with RE2's complaint, for a wrong, too long or too large expression.
  static Result<Pattern> compile(std::string_view expression, bool ignores_case = false);

  bool is_found_in(std::string_view text) const;
  bool matches_all_of(std::string_view text) const;
  // How many matches there are, one after the other, counted up to `most`.
  std::size_t count_in(std::string_view text, std::size_t most) const;

 private:
  struct Program;
  explicit Pattern(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace assay::verifiers
