#include "verifiers/verifier.h"

namespace assay::verifiers {

void Verifier::verify_all(std::span<const Judgement> items, const VerdictSink& sink) const {
  for (const Judgement& item : items) sink(verify(*item.prompt, item.completion));
}

}  // namespace assay::verifiers
