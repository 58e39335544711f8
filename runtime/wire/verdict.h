// A verdict: what a verifier says of one completion.
//
// A judge that failed says `unscored`; such a verdict has no reward, so it cannot be trained on as
// a zero by accident. Only `correct` and `incorrect` carry one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/digest.h"
#include "runtime/core/ids.h"

namespace assay::wire {

enum class Outcome : std::uint8_t { kCorrect, kIncorrect, kUnscored };

// The closed list of reasons. The first is the only code of `correct`; judge_unavailable and
// internal_error are always `unscored`; the meaning of the others is the verifier's to declare.
enum class VerdictCode : std::uint8_t {
  kCorrect,
  kWrongAnswer,
  kNoAnswer,
  kUndecided,
  kMalformed,
  kRuntimeError,
  kTimeout,
  kMemoryLimit,
  kOutputLimit,
  kViolation,
  kRejected,
  kJudgeUnavailable,
  kInternalError,
};

std::string_view to_string(Outcome outcome);
std::string_view to_string(VerdictCode code);  // as in `assay verify`: "wrong_answer", ...
std::optional<Outcome> parse_outcome(std::string_view text);
std::optional<VerdictCode> parse_verdict_code(std::string_view text);

// One criterion of a composed verifier.
struct Check {
  std::string name;
  bool is_passed = false;
  double score = 0;  // in [0, 1]
  std::string reason;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("name", self.name, "is_passed", self.is_passed, "score", self.score, "reason",
             self.reason);
  }
};

struct Verdict {
  Outcome outcome = Outcome::kUnscored;
  std::optional<double> reward;  // in [0, 1]; present exactly when outcome is not kUnscored
  VerdictCode code = VerdictCode::kInternalError;
  std::string reason;  // one sentence for people: what was extracted, what was expected
  std::vector<Check> checks;
  std::string isolation = "none";  // how foreign code was contained; "none" where none was run
  std::string verifier;            // name and version of the judge
  Digest judged;                   // hash of the exact completion bytes that were judged
  double latency_ms = 0;

  static Verdict correct(std::string reason, double reward = 1.0);
  static Verdict incorrect(VerdictCode code, std::string reason, double reward = 0.0);
  static Verdict unscored(VerdictCode code, std::string reason);

  bool is_scored() const { return outcome != Outcome::kUnscored; }

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("outcome", self.outcome, "reward", self.reward, "code", self.code, "reason",
             self.reason, "checks", self.checks, "isolation", self.isolation, "verifier",
             self.verifier, "judged", self.judged, "latency_ms", self.latency_ms);
  }
};

// A failed check of this name, or one below it ("part/tripwire:NAME"), says that the completion did
// what nothing honest does.
inline constexpr std::string_view kTripwirePrefix = "tripwire:";

// The names of the tripwires that an incorrect verdict tells of, in the order of its checks; none
// for any other verdict.
std::vector<std::string> tripped_wires(const Verdict& verdict);

}  // namespace assay::wire
