#include "verifiers/arithmetic/chain_verifier.h"

#include <utility>

#include "verifiers/arithmetic/chain_check.h"
#include "verifiers/option_reader.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

class ChainVerifier final : public Verifier {
 public:
  std::string identity() const override { return "chain/1"; }

  wire::Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return stamped(judge(prompt, completion), identity(), completion);
  }

 private:
  static wire::Verdict judge(const wire::Prompt& prompt, std::string_view completion) {
    const auto own_reference = check_chain(prompt.text, prompt.reference);
    if (!own_reference) {
      return wire::Verdict::unscored(wire::VerdictCode::kInternalError,
                                     own_reference.error().message);
    }
    if (!own_reference->is_answer_correct) {
      return wire::Verdict::unscored(wire::VerdictCode::kInternalError,
                                     "the reference " + quoted(prompt.reference) +
                                         " is not the result of " + quoted(prompt.text));
    }
    const ChainCheck check = *check_chain(prompt.text, completion);
    wire::Verdict verdict = judge_answer(check, prompt, completion);
    verdict.checks.push_back(
        {"answer", check.is_answer_correct, check.is_answer_correct ? 1.0 : 0.0,
         check.is_answer_correct ? "the last state is right" : "the last state is not right"});
    verdict.checks.push_back({"chain", check.is_chain_correct, check.is_chain_correct ? 1.0 : 0.0,
                              check.is_chain_correct ? "every state is written and right"
                                                     : "not every state is written and right"});
    return verdict;
  }

  static wire::Verdict judge_answer(const ChainCheck& check, const wire::Prompt& prompt,
                                    std::string_view completion) {
    if (check.is_answer_correct) {
      return wire::Verdict::correct("the answer is " + prompt.reference);
    }
    if (!check.is_well_formed) {
      return wire::Verdict::incorrect(
          wire::VerdictCode::kNoAnswer,
          "the completion " + quoted(completion) + " is not a list of two-digit states");
    }
    return wire::Verdict::incorrect(
        wire::VerdictCode::kWrongAnswer,
        "the completion " + quoted(completion) + " does not end in " + quoted(prompt.reference));
  }
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_chain_verifier(std::string_view options_json) {
  OptionReader options("chain", options_json);
  if (auto finished = options.finish(); !finished) return finished.error();
  return std::unique_ptr<Verifier>(std::make_unique<ChainVerifier>());
}

}  // namespace assay::verifiers
