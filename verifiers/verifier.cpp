#include "verifiers/verifier.h"

namespace assay::verifiers {

std::vector<wire::Verdict> Verifier::verify_all(std::span<const Judgement> items) const {
  std::vector<wire::Verdict> verdicts;
  for (const Judgement& item : items) verdicts.push_back(verify(*item.prompt, item.completion));
  return verdicts;
}

}  // namespace assay::verifiers
