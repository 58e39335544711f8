#include "verifiers/text/regex_match.h"

#include <optional>
#include <string>
#include <utility>

#include "verifiers/option_reader.h"
#include "verifiers/text/pattern.h"
#include "verifiers/text/text_input.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

struct RegexOptions {
  bool matches_whole = false;
  bool ignores_case = false;
  bool is_negated = false;
};

class RegexMatch final : public Verifier {
 public:
  RegexMatch(std::optional<Pattern> pattern, RegexOptions options)
      : pattern_(std::move(pattern)), options_(options) {}

  std::string identity() const override { return "regex/1"; }

  wire::Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return stamped(judge(prompt, completion), identity(), completion);
  }

  // The reference is a pattern, or not read at all.
  Result<void> check_reference(const wire::Prompt& prompt) const override {
    if (pattern_) return {};
    const auto compiled = Pattern::compile(prompt.reference, options_.ignores_case);
    if (compiled) return {};
    return Error{compiled.error().code, compiled.error().message, compiled.error().remedy, "",
                 "E404"};
  }

 private:
  wire::Verdict judge(const wire::Prompt& prompt, std::string_view completion) const {
    std::optional<Pattern> pattern = pattern_;
    if (!pattern) {
      auto compiled = Pattern::compile(prompt.reference, options_.ignores_case);
      if (!compiled) {
        return wire::Verdict::unscored(wire::VerdictCode::kInternalError,
                                       "the reference is no pattern: " + compiled.error().message);
      }
      pattern = std::move(*compiled);
    }
    if (auto refused = refused_input(completion)) return *refused;
    const bool is_matched = options_.matches_whole ? pattern->matches_all_of(trimmed(completion))
                                                   : pattern->is_found_in(completion);
    const std::string what = "the completion " + quoted(completion) +
                             (is_matched ? " matches" : " does not match") + " the pattern";
    if (is_matched != options_.is_negated) return wire::Verdict::correct(what);
    return wire::Verdict::incorrect(wire::VerdictCode::kWrongAnswer, what);
  }

  std::optional<Pattern> pattern_;  // nothing: the reference is the pattern
  RegexOptions options_;
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_regex_match(std::string_view options_json) {
  OptionReader reader("regex", options_json);
  RegexOptions options;
  options.matches_whole = reader.read_bool("whole", false);
  options.ignores_case = reader.read_bool("ignore_case", false);
  options.is_negated = reader.read_bool("negate", false);
  const std::string expression = reader.read_text("pattern", "", Pattern::kBytesMax);
  std::optional<Pattern> pattern;
  if (!expression.empty()) {
    auto compiled = Pattern::compile(expression, options.ignores_case);
    if (!compiled) {
      reader.refuse(compiled.error().message, compiled.error().remedy);
    } else {
      pattern = std::move(*compiled);
    }
  }
  if (auto finished = reader.finish(); !finished) return finished.error();
  return std::unique_ptr<Verifier>(std::make_unique<RegexMatch>(std::move(pattern), options));
}

}  // namespace assay::verifiers
