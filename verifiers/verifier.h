// Verifier: judges one completion of one prompt.
//
// verify() is deterministic (everything but latency), keeps no state between calls and may be
// called from several threads. It never evaluates the completion as code in this process, never
// throws, and measures every input against a limit before it works on it. A failure of the judge
// itself is an unscored verdict.
#pragma once

#include <string>
#include <string_view>

#include "runtime/core/result.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/verdict.h"

namespace assay::verifiers {

class Verifier {
 public:
  virtual ~Verifier() = default;
  virtual wire::Verdict verify(const wire::Prompt& prompt, std::string_view completion) const = 0;
  // Whether the prompt's reference is one that completions can be judged by. Unless a verifier
  // reads references in another way, it must accept the reference as a completion of its own
  // prompt. Errors: kInvalidInput E404 with the reason.
  virtual Result<void> check_reference(const wire::Prompt& prompt) const;
  // Name and version, e.g. "math/1": part of every verdict and of every cache key.
  virtual std::string identity() const = 0;
};

}  // namespace assay::verifiers
