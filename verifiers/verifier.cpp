#include "verifiers/verifier.h"

namespace assay::verifiers {

void Verifier::verify_all(std::span<const Judgement> items, const VerdictSink& sink) const {
  for (const Judgement& item : items) sink(verify(*item.prompt, item.completion));
}

Result<void> Verifier::check_reference(const wire::Prompt& prompt) const {
  const wire::Verdict verdict = verify(prompt, prompt.reference);
  if (verdict.outcome == wire::Outcome::kCorrect) return {};
  return Error{ErrorCode::kInvalidInput, verdict.reason, "correct the reference", "", "E404"};
}

}  // namespace assay::verifiers
