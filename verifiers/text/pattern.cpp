#include "verifiers/text/pattern.h"

#include <re2/re2.h>

#include <utility>

namespace assay::verifiers {

namespace {

constexpr std::int64_t kMemoryBytesMax = 8 << 20;
constexpr int kProgramSizeMax = 20'000;  // instructions

RE2::Options options_of(bool ignores_case) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMemoryBytesMax);
  options.set_case_sensitive(!ignores_case);
  options.set_never_capture(true);
  return options;
}

re2::StringPiece piece_of(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

struct Pattern::Program {
  Program(std::string_view expression, bool ignores_case)
      : compiled(piece_of(expression), options_of(ignores_case)) {}
  RE2 compiled;
};

Result<Pattern> Pattern::compile(std::string_view expression, bool ignores_case) {
  const auto refused = [](const std::string& what) {
    return Error{ErrorCode::kInvalidInput, "the regular expression is refused: " + what,
                 "write it in the syntax of RE2 (no back-references, no look-around)", "", ""};
  };
  if (expression.size() > kBytesMax) {
    return refused("it has more than " + std::to_string(kBytesMax) + " bytes");
  }
  auto program = std::make_shared<const Program>(expression, ignores_case);
  if (!program->compiled.ok()) return refused(program->compiled.error());
  if (program->compiled.ProgramSize() > kProgramSizeMax) return refused("it is too large");
  return Pattern(std::move(program));
}

bool Pattern::is_found_in(std::string_view text) const {
  return RE2::PartialMatch(piece_of(text), program_->compiled);
}

bool Pattern::matches_all_of(std::string_view text) const {
  return RE2::FullMatch(piece_of(text), program_->compiled);
}

std::size_t Pattern::count_in(std::string_view text, std::size_t most) const {
  std::size_t count = 0;
  std::size_t place = 0;
  re2::StringPiece match;
  while (count < most && place <= text.size() &&
         program_->compiled.Match(piece_of(text), place, text.size(), RE2::UNANCHORED, &match, 1)) {
    ++count;
    const auto end = static_cast<std::size_t>(match.data() - text.data()) + match.size();
    place = match.empty() ? end + 1 : end;
  }
  return count;
}

}  // namespace assay::verifiers
