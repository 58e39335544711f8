// A prompt: the task text, who judges it, and the reference answer that only the verifier may see.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/core/ids.h"

namespace assay::wire {

struct Prompt {
  PromptId id;            // derived from source, text and reference
  std::string source;     // the dataset source it came from
  std::string text;       // what the policy sees, before tokenisation
  std::string verifier;   // name of the verifier that judges its completions
  std::string reference;  // the right answer; never shown to the policy
  std::string stratum;    // sub-population for evaluation, e.g. "n=4"; may be empty
  std::uint64_t row = 0;  // 0-based row in the source
  // The row's other columns as a JSON object, for verifiers that read them (tests, schemas, a
  // function's parameters); empty where the source has none. Never shown to the policy.
  std::string columns;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("id", self.id, "source", self.source, "text", self.text, "verifier", self.verifier,
             "reference", self.reference, "stratum", self.stratum, "row", self.row, "columns",
             self.columns);
  }
};

}  // namespace assay::wire
