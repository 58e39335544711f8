#include "actors/cli/verifier_audit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "actors/cli/folder_snapshot.h"
#include "verifiers/audit/mutant.h"

namespace assay::cli {

namespace {

using verifiers::Case;
using wire::Outcome;

constexpr std::size_t kFindingsMax = 10;
constexpr double kSlowMs = 100, kVerySlowMs = 1000;  // a check that people and policies wait for

enum class Truth { kRight, kWrong, kEither };

// One completion to judge.
struct Trial {
  const Case* origin = nullptr;
  std::string id, stratum, completion;
  Truth truth = Truth::kEither;
  bool is_mutant = false;
  bool is_shuffled = false;  // the words of a right completion in another order
};

struct Outcomes {
  wire::Verdict verdict;
  bool is_stable = true;
  std::vector<double> latencies;
};

Truth truth_of(const Case& one) {
  if (one.expect.size() != 1 || one.expect[0] == Outcome::kUnscored) return Truth::kEither;
  return one.expect[0] == Outcome::kCorrect ? Truth::kRight : Truth::kWrong;
}

// The words sorted: a judge that counts words cannot tell it from the original. Nothing where that
// changes little.
std::optional<std::string> shuffled_words(const std::string& completion) {
  constexpr std::size_t kWordsMin = 8;
  std::istringstream stream(completion);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  if (words.size() < kWordsMin) return std::nullopt;
  std::sort(words.begin(), words.end());
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// A judge that tried a completion twice itself, and saw it pass once.
bool is_flaky(const wire::Verdict& verdict) {
  return std::any_of(verdict.checks.begin(), verdict.checks.end(), [](const wire::Check& check) {
    return check.name == "flaky" && !check.is_passed;
  });
}

// A right completion of a problem with another answer, for the same judge.
const Case* other_problem(const std::vector<Case>& cases, const Case& one) {
  const auto found = std::find_if(cases.begin(), cases.end(), [&](const Case& other) {
    return truth_of(other) == Truth::kRight && other.verifier == one.verifier &&
           other.prompt.reference != one.prompt.reference;
  });
  return found == cases.end() ? nullptr : &*found;
}

void add_mutants(const std::vector<Case>& cases, const Case& one, std::vector<Trial>& trials) {
  const Case* other = other_problem(cases, one);
  const verifiers::MutationSeed seed{one.completion, one.prompt.reference, one.prompt.text,
                                     other != nullptr ? other->completion : std::string_view()};
  for (verifiers::Mutant& mutant : verifiers::mutants_of(seed)) {
    trials.push_back({&one, one.id + " " + mutant.operation, "mutant " + mutant.operation,
                      std::move(mutant.completion),
                      mutant.is_breaking ? Truth::kWrong : Truth::kRight, true, false});
  }
  if (auto text = shuffled_words(one.completion)) {
    trials.push_back(
        {&one, one.id + " shuffled", "", std::move(*text), Truth::kEither, true, true});
  }
}

std::vector<Trial> trials_of(const std::vector<Case>& cases, const AuditOptions& options) {
  std::vector<Trial> trials;
  for (const Case& one : cases) {
    trials.push_back({&one, one.id, one.category.empty() ? "suite" : one.category, one.completion,
                      truth_of(one), false, false});
  }
  if (!options.has_mutants) return trials;
  for (const Case& one : cases) {
    if (truth_of(one) == Truth::kRight) add_mutants(cases, one, trials);
  }
  return trials;
}

Outcomes judge_twice(const Trial& trial) {
  Outcomes outcomes;
  std::string record;
  for (int i = 0; i < 2; ++i) {
    wire::Verdict verdict =
        verifiers::timed_verdict(*trial.origin->verifier, trial.origin->prompt, trial.completion);
    outcomes.latencies.push_back(std::exchange(verdict.latency_ms, 0));
    std::string said = verifiers::verdict_record("", verdict);
    const bool is_same = i == 0 || said == record;
    outcomes.is_stable = outcomes.is_stable && is_same && !is_flaky(verdict);
    record = std::move(said);
    if (i == 0) outcomes.verdict = std::move(verdict);
  }
  return outcomes;
}

std::vector<Outcomes> judge_all(const std::vector<Trial>& trials, std::uint32_t thread_count) {
  std::vector<Outcomes> outcomes(trials.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < trials.size(); i = next++) {
      outcomes[i] = judge_twice(trials[i]);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint32_t i = 1; i < thread_count; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

// Whether a judge ran that could write files: with the rights of whoever started the audit.
bool may_have_written(const std::vector<Outcomes>& outcomes) {
  return std::any_of(outcomes.begin(), outcomes.end(), [](const Outcomes& one) {
    const std::string& isolation = one.verdict.isolation;
    return isolation == "process" ||
           (isolation.starts_with("fence(") && isolation.find("landlock") == std::string::npos);
  });
}

// What each judge was seen to do, once.
std::vector<std::string> effects_of_judges(const std::vector<Case>& cases) {
  std::set<const verifiers::Verifier*> judges;
  std::set<std::string> effects;
  for (const Case& one : cases) {
    if (!judges.insert(one.verifier.get()).second) continue;
    const std::vector<std::string> seen = one.verifier->side_effects();
    effects.insert(seen.begin(), seen.end());
  }
  return {effects.begin(), effects.end()};
}

// The verdict counted among those of one truth; `is_hit` says whether it is what is counted.
void count(AuditCount& total, AuditCount& stratum, const wire::Verdict& verdict, bool is_hit) {
  for (AuditCount* one : {&total, &stratum}) {
    if (!verdict.is_scored()) {
      ++one->unscored;
      continue;
    }
    ++one->total;
    one->hits += is_hit ? 1 : 0;
  }
}

void note(std::vector<AuditFinding>& findings, const Trial& trial, const wire::Verdict& verdict) {
  if (findings.size() >= kFindingsMax) return;
  findings.push_back({trial.id, trial.origin->line, trial.completion, verdict.reason});
}

class Tally {
 public:
  void add(const Trial& trial, const Outcomes& outcomes) {
    latencies_.insert(latencies_.end(), outcomes.latencies.begin(), outcomes.latencies.end());
    report_.unstable += outcomes.is_stable ? 0 : 1;
    const wire::Verdict& verdict = outcomes.verdict;
    if (!trial.is_mutant) count_agreement(trial, verdict);
    if (trial.is_shuffled) return count_shuffled(verdict);
    if (trial.truth == Truth::kEither) {
      ++report_.undecided;
      return;
    }
    AuditStratum& stratum = report_.strata[trial.stratum];
    if (trial.truth == Truth::kWrong) {
      count(report_.caught, stratum.caught, verdict, verdict.outcome == Outcome::kIncorrect);
      if (verdict.outcome == Outcome::kCorrect) note(report_.false_accepts, trial, verdict);
    } else {
      count(report_.refused, stratum.refused, verdict, verdict.outcome == Outcome::kIncorrect);
      if (verdict.outcome == Outcome::kIncorrect) note(report_.false_rejects, trial, verdict);
    }
  }

  AuditReport finish() {
    std::sort(latencies_.begin(), latencies_.end());
    report_.p50_ms = quantile(0.5);
    report_.p95_ms = quantile(0.95);
    report_.p99_ms = quantile(0.99);
    warn();
    return std::move(report_);
  }

  AuditReport& report() { return report_; }

 private:
  void count_agreement(const Trial& trial, const wire::Verdict& verdict) {
    ++report_.agreed.total;
    report_.agreed.hits += verifiers::agrees(*trial.origin, verdict) ? 1 : 0;
    report_.agreed.unscored += verdict.is_scored() ? 0 : 1;
  }
  void count_shuffled(const wire::Verdict& verdict) {
    ++shuffled_;
    shuffled_accepted_ += verdict.outcome == Outcome::kCorrect ? 1 : 0;
  }
  double quantile(double fraction) const {
    if (latencies_.empty()) return 0;
    const auto last = static_cast<double>(latencies_.size() - 1);
    return latencies_[static_cast<std::size_t>(last * fraction + 0.5)];
  }

  void warn() {
    std::vector<std::string>& warnings = report_.warnings;
    if (report_.unstable > 0) {
      warnings.push_back(fmt::format(
          "flaky: {} verdicts differ from one time to the next; the same completion must always "
          "get the same reward",
          report_.unstable));
    }
    if (report_.p95_ms > kSlowMs) {
      warnings.push_back(fmt::format(
          "slow: 95 % of the checks end within {:.0f} ms; {}", report_.p95_ms,
          report_.p95_ms > kVerySlowMs ? "training will wait for them" : "aim at 100 ms"));
    }
    if (!report_.side_effects.empty()) {
      warnings.push_back(fmt::format(
          "side effects: while judging it {}; a judge that leaves traces can judge the next "
          "completion otherwise, and what a fence stops here works where there is none",
          fmt::join(report_.side_effects, "; ")));
    }
    // One in ten sorted texts may end in its answer by chance.
    if (shuffled_ >= 5 && 2 * shuffled_accepted_ > shuffled_) {
      warnings.push_back(fmt::format(
          "keyword matching: {} of {} right completions are accepted with their words in any "
          "order; a policy will learn to list words",
          shuffled_accepted_, shuffled_));
    }
    const std::uint64_t unscored = report_.caught.unscored + report_.refused.unscored;
    if (unscored > 0) {
      warnings.push_back(
          fmt::format("unscored: {} checks failed and say nothing of the completion", unscored));
    }
  }

  AuditReport report_;
  std::vector<double> latencies_;
  std::uint64_t shuffled_ = 0, shuffled_accepted_ = 0;
};

}  // namespace

std::vector<std::string> AuditReport::shut_gates(const AuditOptions& options) const {
  std::vector<std::string> shut;
  const algo::Interval coverage = caught.rate();
  if (options.coverage_min > 0 && coverage.low < options.coverage_min) {
    shut.push_back(fmt::format(
        "it catches {} of {} wrong completions: at least {:.1f} % (95 %), below the gate of "
        "{:.1f} %; {} more wrong completions, all caught, would open it",
        caught.hits, caught.total, 100 * coverage.low, 100 * options.coverage_min,
        missing_cases(caught, options.coverage_min)));
  }
  const algo::Interval rejects = refused.rate();
  if (options.false_rejects_max < 1 && rejects.high > options.false_rejects_max) {
    shut.push_back(fmt::format(
        "it refuses {} of {} right completions: up to {:.1f} % (95 %), above the gate of {:.1f} %",
        refused.hits, refused.total, 100 * rejects.high, 100 * options.false_rejects_max));
  }
  return shut;
}

std::uint64_t missing_cases(const AuditCount& caught, double coverage_min) {
  constexpr std::uint64_t kMissingMax = 1 << 20;
  const auto is_enough = [&](std::uint64_t more) {
    return algo::clopper_pearson(caught.hits + more, caught.total + more).low >= coverage_min;
  };
  if (is_enough(0)) return 0;
  std::uint64_t high = 1;
  while (high < kMissingMax && !is_enough(high)) high *= 2;
  std::uint64_t low = high / 2;  // not enough
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (is_enough(middle) ? high : low) = middle;
  }
  return high;
}

AuditReport audit(const std::vector<Case>& cases, const AuditOptions& options) {
  const std::vector<Trial> trials = trials_of(cases, options);
  const bool is_watched = !options.watched_folder.empty();
  FolderSnapshot before, after;
  if (is_watched) before = FolderSnapshot::take(options.watched_folder);
  const std::vector<Outcomes> outcomes = judge_all(trials, options.thread_count);
  Tally tally;
  tally.report().side_effects = effects_of_judges(cases);
  if (is_watched && may_have_written(outcomes)) {
    after = FolderSnapshot::take(options.watched_folder);
    for (std::string& change : before.changes_until(after)) {
      tally.report().side_effects.push_back(std::move(change) + " in the working directory");
    }
  }
  if (!cases.empty()) tally.report().verifier = cases.front().verifier->identity();
  for (std::size_t i = 0; i < trials.size(); ++i) tally.add(trials[i], outcomes[i]);
  return tally.finish();
}

}  // namespace assay::cli
