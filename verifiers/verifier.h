// Verifier: judges one completion of one prompt.
//
// verify() is deterministic (everything but latency), keeps no state between calls and may be
// called from several threads. It never evaluates the completion as code in this process, never
// throws, and measures every input against a limit before it works on it. A failure of the judge
// itself is an unscored verdict.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/verdict.h"

namespace assay::verifiers {

// Borrows both.
struct Judgement {
  const wire::Prompt* prompt = nullptr;
  std::string_view completion;
};

using VerdictSink = std::function<void(wire::Verdict)>;

class Verifier {
 public:
  virtual ~Verifier() = default;
  virtual wire::Verdict verify(const wire::Prompt& prompt, std::string_view completion) const = 0;
  // Gives each verdict that verify() would give to the sink, in order and as soon as it is known.
  // Overridden where a call has a cost of its own that several completions can share.
  virtual void verify_all(std::span<const Judgement> items, const VerdictSink& sink) const;
  // The longest that one verify() may take, or pass between two calls of a sink, the end of a
  // process that hangs included; 0 where it is bounded work in this process. A caller that must not
  // be kept waiting needs a thread for it.
  virtual std::chrono::milliseconds longest_check() const { return std::chrono::milliseconds(0); }
  // Whether the prompt's reference is one that completions can be judged by. Unless a verifier
  // reads references in another way, it must accept the reference as a completion of its own
  // prompt. Errors: kInvalidInput E404 with the reason.
  virtual Result<void> check_reference(const wire::Prompt& prompt) const;
  // What its own code was seen to do beside judging, or to try: a sentence each, foreign text
  // inside. Known only of verifiers that were made to watch for it; empty is no proof of innocence.
  virtual std::vector<std::string> side_effects() const { return {}; }
  // Name and version, e.g. "math/1": part of every verdict and of every cache key.
  virtual std::string identity() const = 0;
};

}  // namespace assay::verifiers
