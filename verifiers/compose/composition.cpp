#include "verifiers/compose/composition.h"

#include <algorithm>
#include <utility>

namespace assay::verifiers {

namespace {

using wire::Outcome;
using wire::Verdict;
using wire::VerdictCode;

constexpr double kThresholdSlack = 1e-9;

bool has_failed(const JudgedPart& part) {
  return part.verdict && part.verdict->outcome == Outcome::kIncorrect;
}

// A completion that is empty, no text or too long to look at is no solution, but nor is it proof of
// cheating: to a tripwire it is what it is to a gate.
bool was_looked_at(const Verdict& verdict) {
  return verdict.code != VerdictCode::kNoAnswer && verdict.code != VerdictCode::kMalformed &&
         verdict.code != VerdictCode::kOutputLimit;
}

// A tripwire of its own, or one inside it where the part is itself composed.
bool has_tripped(const JudgedPart& part) {
  if (!has_failed(part)) return false;
  if (part.role == PartRole::kTripwire && was_looked_at(*part.verdict)) return true;
  return !wire::tripped_wires(*part.verdict).empty();
}

bool is_required(const JudgedPart& part) {
  return part.role != PartRole::kScore;
}

template <class Predicate>
const JudgedPart* first_that(const std::vector<JudgedPart>& parts, Predicate holds) {
  const auto found = std::find_if(parts.begin(), parts.end(), holds);
  return found == parts.end() ? nullptr : &*found;
}

std::string told_by(const JudgedPart& part) {
  return part.name + ": " + part.verdict->reason;
}

// Scores of the parts that have one, with their weights.
struct Scores {
  std::vector<double> values, weights;
  const JudgedPart* failed = nullptr;     // the first that is not correct
  const JudgedPart* abstained = nullptr;  // the first that leaves the whole unscored

  double product() const {
    double product = 1;
    for (const double value : values) product *= value;
    return product;
  }
  double mean() const {
    double sum = 0, total = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += weights[i] * values[i];
      total += weights[i];
    }
    return sum / total;
  }
  double least() const { return *std::min_element(values.begin(), values.end()); }
};

Scores scores_of(const CompositionOptions& options, const std::vector<JudgedPart>& parts) {
  Scores scores;
  for (const JudgedPart& part : parts) {
    if (is_required(part) || !part.verdict) continue;
    const bool is_scored = part.verdict->is_scored();
    if (!is_scored && options.abstention == Abstention::kSkip) continue;
    if (!is_scored && options.abstention == Abstention::kUnscored) {
      if (scores.abstained == nullptr) scores.abstained = &part;
      continue;
    }
    const bool is_correct = part.verdict->outcome == Outcome::kCorrect;
    if (!is_correct && scores.failed == nullptr) scores.failed = &part;
    scores.values.push_back(part.verdict->reward.value_or(0.0));
    scores.weights.push_back(part.weight);
  }
  return scores;
}

Verdict judge_scores(const CompositionOptions& options, const Scores& scores) {
  const bool is_strict =
      options.rule == CompositionRule::kAll || options.rule == CompositionRule::kCascade;
  const double reward = is_strict                                    ? scores.product()
                        : options.rule == CompositionRule::kWeighted ? scores.mean()
                                                                     : scores.least();
  const bool is_correct =
      is_strict ? scores.failed == nullptr : reward >= options.threshold - kThresholdSlack;
  if (is_correct) return Verdict::correct("every required part passes", reward);
  if (scores.failed == nullptr) {
    return Verdict::incorrect(VerdictCode::kWrongAnswer, "the parts reach too low a score", reward);
  }
  const Verdict& failed = *scores.failed->verdict;
  return Verdict::incorrect(failed.is_scored() ? failed.code : VerdictCode::kUndecided,
                            told_by(*scores.failed), reward);
}

// The whole without its checks.
Verdict decide(const CompositionOptions& options, const std::vector<JudgedPart>& parts) {
  if (const JudgedPart* tripped = first_that(parts, has_tripped)) {
    return Verdict::incorrect(VerdictCode::kRejected, "tripwire " + told_by(*tripped));
  }
  const auto is_closed = [](const JudgedPart& part) {
    return is_required(part) && has_failed(part);
  };
  if (const JudgedPart* closed = first_that(parts, is_closed)) {
    return Verdict::incorrect(closed->verdict->code, told_by(*closed));
  }
  for (const JudgedPart& part : parts) {
    if (is_required(part) && part.verdict && !part.verdict->is_scored()) {
      return Verdict::unscored(part.verdict->code, told_by(part));
    }
  }
  const Scores scores = scores_of(options, parts);
  // In a cascade the part that failed decides, even where another could not judge.
  const bool has_decided = options.rule == CompositionRule::kCascade && scores.failed != nullptr;
  if (scores.abstained != nullptr && !has_decided) {
    return Verdict::unscored(scores.abstained->verdict->code, told_by(*scores.abstained));
  }
  const bool has_gates_only = std::all_of(parts.begin(), parts.end(), is_required);
  if (scores.values.empty() && has_gates_only) return Verdict::correct("every gate is open");
  if (scores.values.empty()) {
    return Verdict::unscored(VerdictCode::kUndecided, "no part could judge");
  }
  return judge_scores(options, scores);
}

void add_checks(const JudgedPart& part, Verdict& whole) {
  if (!part.verdict) return;
  const Verdict& verdict = *part.verdict;
  const bool is_wire = part.role == PartRole::kTripwire && was_looked_at(verdict);
  const std::string_view kind = is_wire ? wire::kTripwirePrefix : "";
  whole.checks.push_back({std::string(kind) + part.name, verdict.outcome == Outcome::kCorrect,
                          verdict.reward.value_or(0.0),
                          verdict.is_scored() ? verdict.reason : "unscored: " + verdict.reason});
  for (const wire::Check& check : verdict.checks) {
    wire::Check inner = check;
    inner.name = part.name + "/" + check.name;
    whole.checks.push_back(std::move(inner));
  }
}

}  // namespace

bool is_decided(const CompositionOptions& options, const std::vector<JudgedPart>& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](const JudgedPart& part) {
    if (has_tripped(part)) return true;
    if (is_required(part)) return part.verdict && part.verdict->outcome != Outcome::kCorrect;
    return options.rule == CompositionRule::kCascade && has_failed(part);
  });
}

Verdict compose(const CompositionOptions& options, const std::vector<JudgedPart>& parts) {
  Verdict whole = decide(options, parts);
  for (const JudgedPart& part : parts) {
    add_checks(part, whole);
    const bool is_first = whole.isolation == "none" && part.verdict;
    if (is_first) whole.isolation = part.verdict->isolation;
  }
  return whole;
}

}  // namespace assay::verifiers
