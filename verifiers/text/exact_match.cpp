#include "verifiers/text/exact_match.h"

#include <algorithm>
#include <string>

#include "runtime/core/limits.h"
#include "verifiers/option_reader.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

class ExactMatch final : public Verifier {
 public:
  ExactMatch(bool ignores_case, bool trims) : ignores_case_(ignores_case), trims_(trims) {}

  std::string identity() const override { return "exact/1"; }

  wire::Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return stamped(judge(prompt.reference, completion), identity(), completion);
  }

 private:
  wire::Verdict judge(std::string_view reference, std::string_view completion) const {
    if (completion.size() > limits::kCompletionBytesMax) {
      return wire::Verdict::incorrect(wire::VerdictCode::kOutputLimit,
                                      "the completion has " + std::to_string(completion.size()) +
                                          " bytes, more than " +
                                          std::to_string(limits::kCompletionBytesMax));
    }
    const std::string_view expected = trims_ ? trimmed(reference) : reference;
    const std::string_view given = trims_ ? trimmed(completion) : completion;
    const bool is_equal =
        expected.size() == given.size() &&
        std::equal(expected.begin(), expected.end(), given.begin(), [this](char a, char b) {
          return ignores_case_ ? lower(a) == lower(b) : a == b;
        });
    if (is_equal) return wire::Verdict::correct("the completion is " + quoted(expected));
    if (given.empty()) {
      return wire::Verdict::incorrect(wire::VerdictCode::kNoAnswer, "the completion is empty");
    }
    return wire::Verdict::incorrect(
        wire::VerdictCode::kWrongAnswer,
        "the completion is " + quoted(given) + ", expected " + quoted(expected));
  }

  bool ignores_case_;
  bool trims_;
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_exact_match(std::string_view options_json) {
  OptionReader options("exact", options_json);
  const bool ignores_case = options.read_bool("ignore_case", false);
  const bool trims = options.read_bool("trim", true);
  if (auto finished = options.finish(); !finished) return finished.error();
  return std::unique_ptr<Verifier>(std::make_unique<ExactMatch>(ignores_case, trims));
}

}  // namespace assay::verifiers
