// How several verdicts of one completion become one. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/wire/verdict.h"

namespace assay::verifiers {

enum class CompositionRule {
  kAll,       // correct when every part is; the reward is the product of theirs
  kWeighted,  // the reward is the weighted mean; correct from the threshold on
  kMin,       // the reward is the least of theirs; correct from the threshold on
  kCascade,   // as kAll, but the first part that fails ends it: cheap ones come first
};

enum class PartRole {
  kScore,     // takes part in the rule
  kGate,      // must pass, or the reward is 0: a format, an intent that any honest solution has
  kTripwire,  // must pass, or the completion is `rejected`: nothing honest looks like this
};
// A tripwire that a completion does not pass because it is empty, no text or too long (no_answer,
// malformed, output_limit) is to it what a gate is. One inside a part that is itself composed
// rejects the whole as well, whatever the rule.

// What a part that could not judge does.
enum class Abstention {
  kUnscored,  // leaves the whole unscored
  kSkip,      // is left out; without any part left the whole is unscored
  kFail,      // counts as 0; only where the config says so
};

struct CompositionOptions {
  CompositionRule rule = CompositionRule::kAll;
  Abstention abstention = Abstention::kUnscored;
  double threshold = 1.0;  // of kWeighted and kMin; a hair below is enough
};

struct JudgedPart {
  std::string name;
  PartRole role = PartRole::kScore;
  double weight = 1.0;                   // positive
  std::optional<wire::Verdict> verdict;  // absent: not asked, because an earlier part decided
};

// Whether the parts so far decide: a gate or tripwire did not pass, or a part of a cascade failed.
// Those behind need not be asked.
bool is_decided(const CompositionOptions& options, const std::vector<JudgedPart>& parts);

// The whole. Its checks are those of every part, named "part" and "part/check"; its code and reason
// those of the part that decided; its isolation that of the first part that ran foreign code. Gates
// and tripwires that abstain leave the whole unscored, whatever `abstention` says of scores.
wire::Verdict compose(const CompositionOptions& options, const std::vector<JudgedPart>& parts);

}  // namespace assay::verifiers
