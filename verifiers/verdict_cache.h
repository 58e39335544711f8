// Verdicts that were given once need not be worked out again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "verifiers/verifier.h"

namespace assay::verifiers {

struct CacheCounters {
  std::uint64_t hits = 0, misses = 0;
};

// A verifier that remembers the verdicts of another. The key is the hash of the judge's identity,
// all of the prompt that a judge may read, and the exact bytes of the completion, so no other text
// can meet it. Scored verdicts only: a judge that failed is asked again. The verdicts used longest
// ago are forgotten first. Thread-safe.
class CachedVerifier final : public Verifier {
 public:
  // `verdicts_max` at least 1.
  CachedVerifier(std::shared_ptr<const Verifier> judge, std::size_t verdicts_max);
  ~CachedVerifier() override;

  wire::Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override;
  void verify_all(std::span<const Judgement> items, const VerdictSink& sink) const override;
  std::chrono::milliseconds longest_check() const override;
  Result<void> check_reference(const wire::Prompt& prompt) const override;
  std::vector<std::string> side_effects() const override;
  std::string identity() const override;

  CacheCounters counters() const;

 private:
  class Memory;
  std::shared_ptr<const Verifier> judge_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace assay::verifiers
