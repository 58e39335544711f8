#include "runtime/wire/verdict.h"

#include <array>
#include <utility>

#include "runtime/core/check.h"

namespace assay::wire {

namespace {

constexpr std::array<std::string_view, 3> kOutcomeNames = {"correct", "incorrect", "unscored"};
constexpr std::array<std::string_view, 13> kCodeNames = {
    "correct",       "wrong_answer",      "no_answer",     "undecided",    "malformed",
    "runtime_error", "timeout",           "memory_limit",  "output_limit", "violation",
    "rejected",      "judge_unavailable", "internal_error"};

template <class Enum, std::size_t kCount>
std::optional<Enum> parse_name(const std::array<std::string_view, kCount>& names,
                               std::string_view text) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  return kOutcomeNames.at(static_cast<std::size_t>(outcome));
}
std::string_view to_string(VerdictCode code) {
  return kCodeNames.at(static_cast<std::size_t>(code));
}
std::optional<Outcome> parse_outcome(std::string_view text) {
  return parse_name<Outcome>(kOutcomeNames, text);
}
std::optional<VerdictCode> parse_verdict_code(std::string_view text) {
  return parse_name<VerdictCode>(kCodeNames, text);
}

Verdict Verdict::correct(std::string reason, double reward) {
  Verdict verdict;
  verdict.outcome = Outcome::kCorrect;
  verdict.code = VerdictCode::kCorrect;
  verdict.reward = reward;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict Verdict::incorrect(VerdictCode code, std::string reason, double reward) {
  ASSAY_CHECK(code != VerdictCode::kJudgeUnavailable && code != VerdictCode::kInternalError,
              "a judge's failure is unscored, never incorrect");
  Verdict verdict;
  verdict.outcome = Outcome::kIncorrect;
  verdict.code = code;
  verdict.reward = reward;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict Verdict::unscored(VerdictCode code, std::string reason) {
  Verdict verdict;
  verdict.code = code;
  verdict.reason = std::move(reason);
  return verdict;
}

std::vector<std::string> tripped_wires(const Verdict& verdict) {
  std::vector<std::string> wires;
  if (verdict.outcome != Outcome::kIncorrect) return wires;
  for (const Check& check : verdict.checks) {
    if (check.is_passed) continue;
    const std::string_view name = check.name;
    const std::size_t slash = name.rfind('/');
    const std::string_view own = slash == std::string_view::npos ? name : name.substr(slash + 1);
    if (own.starts_with(kTripwirePrefix)) {
      wires.emplace_back(own.substr(kTripwirePrefix.size()));
    }
  }
  return wires;
}

}  // namespace assay::wire
