// Mutants of a right completion: what a verifier must not mistake for it, and what it must not
// refuse because it looks a little different.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::verifiers {

struct Mutant {
  std::string operation;  // "off_by_one", "thousands_comma", ...
  std::string completion;
  bool is_breaking = false;  // wrong now; otherwise still right
};

struct MutationSeed {
  std::string_view completion;  // known to be right
  std::string_view reference;
  std::string_view prompt;  // may be empty
  std::string_view other;   // a right completion of a problem with another reference; or empty
};

// Every mutant that the seed allows. A number in the reference is changed where it stands alone in
// the completion, so that the rest of it, and with it the style, stays. A mutant that would be the
// seed itself or say the same number is left out. Pure; the same seed gives the same mutants.
std::vector<Mutant> mutants_of(const MutationSeed& seed);

}  // namespace assay::verifiers
