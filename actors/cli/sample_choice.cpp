#include "actors/cli/sample_choice.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "runtime/core/limits.h"
#include "runtime/flow/batch_builder.h"
#include "runtime/flow/group_flow.h"

namespace assay::cli {

namespace {

using nlohmann::json;

constexpr std::size_t kSamplesBytesMax = 256 * limits::kMiB;
constexpr std::size_t kPromptsOfAKind = 3;
constexpr std::size_t kRolloutsOfAKind = 2;
constexpr double kRiseMin = 0.25;

struct Side {
  std::uint64_t correct = 0, scored = 0;
  std::vector<const Sample*> samples;

  double rate() const {
    return scored == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(scored);
  }

  // The first of the commoner outcome; wrong ones where both are equally common.
  web::JudgedText typical() const {
    const char* wanted = scored == 0 ? "unscored" : 2 * correct > scored ? "correct" : "incorrect";
    for (const Sample* sample : samples) {
      if (sample->judged.outcome == wanted) return sample->judged;
    }
    return samples.empty() ? web::JudgedText{} : samples.front()->judged;
  }
};

struct Pair {
  Side before, after;
  double change() const { return after.rate() - before.rate(); }
};

void add_side(const std::vector<Sample>& samples, Side Pair::*side,
              std::map<std::string, Pair>& pairs) {
  for (const Sample& sample : samples) {
    Side& own = pairs[sample.prompt_id].*side;
    own.samples.push_back(&sample);
    if (sample.judged.outcome == "unscored") continue;
    ++own.scored;
    if (sample.judged.outcome == "correct") ++own.correct;
  }
}

web::ComparedPrompt compared(const std::string& source, const Pair& pair) {
  web::ComparedPrompt one;
  one.source = source;
  one.prompt = pair.before.samples.front()->prompt;
  one.reference = pair.before.samples.front()->reference;
  one.before_correct = pair.before.correct;
  one.before_scored = pair.before.scored;
  one.after_correct = pair.after.correct;
  one.after_scored = pair.after.scored;
  one.before = pair.before.typical();
  one.after = pair.after.typical();
  return one;
}

std::string failed_check(const std::string& name, const std::string& reason) {
  return "; " + name + ": " + reason;
}

// Throws what the JSON library throws for a field that is missing or of another kind.
Sample sample_of(const json& line) {
  Sample sample;
  line.at("prompt_id").get_to(sample.prompt_id);
  line.at("prompt").get_to(sample.prompt);
  line.at("reference").get_to(sample.reference);
  line.at("index").get_to(sample.index);
  line.at("completion").get_to(sample.judged.completion);
  line.at("verdict").get_to(sample.judged.outcome);
  line.at("code").get_to(sample.judged.code);
  line.at("reason").get_to(sample.judged.reason);
  for (const json& check : line.at("checks")) {
    if (check.at("is_passed").get<bool>()) continue;
    sample.judged.reason +=
        failed_check(check.at("name").get<std::string>(), check.at("reason").get<std::string>());
  }
  return sample;
}

double mean_logprob(const wire::Rollout& rollout) {
  if (rollout.logprobs.empty()) return 0;
  double sum = 0;
  for (const float logprob : rollout.logprobs) sum += static_cast<double>(logprob);
  return sum / static_cast<double>(rollout.logprobs.size());
}

bool has_failed_check(const wire::Verdict& verdict) {
  return std::any_of(verdict.checks.begin(), verdict.checks.end(),
                     [](const wire::Check& check) { return !check.is_passed; });
}

web::InspectedRollout inspected(std::uint64_t step, std::string why, const TrainedRollout& one) {
  web::InspectedRollout shown;
  shown.id = to_string(one.rollout.id);
  shown.why = std::move(why);
  shown.step = step;
  shown.prompt = one.prompt.text;
  shown.reference = one.prompt.reference;
  shown.judged = {one.rollout.completion, std::string(wire::to_string(one.verdict.outcome)),
                  std::string(wire::to_string(one.verdict.code)), one.verdict.reason};
  for (const wire::Check& check : one.verdict.checks) {
    if (!check.is_passed) shown.judged.reason += failed_check(check.name, check.reason);
  }
  shown.reward = one.verdict.reward;
  shown.advantage = one.advantage;
  const std::vector<std::uint32_t>& versions = one.rollout.versions;
  if (!versions.empty()) {
    shown.version_first = *std::min_element(versions.begin(), versions.end());
    shown.version_last = *std::max_element(versions.begin(), versions.end());
  }
  return shown;
}

// A kind of rollout that deserves a look.
struct Kind {
  const char* why;
  std::function<bool(const TrainedRollout&)> is_of_kind;
};

std::vector<Kind> kinds() {
  using wire::Outcome;
  return {{"no verdict: the judge failed",
           [](const TrainedRollout& one) { return !one.verdict.is_scored(); }},
          {"judged right, but a check failed",
           [](const TrainedRollout& one) {
             return one.verdict.outcome == Outcome::kCorrect && has_failed_check(one.verdict);
           }},
          {"no answer was found",
           [](const TrainedRollout& one) {
             return one.verdict.outcome == Outcome::kIncorrect &&
                    one.verdict.code != wire::VerdictCode::kWrongAnswer;
           }},
          {"judged wrong, though the policy was sure of it",
           [](const TrainedRollout& one) { return one.verdict.outcome == Outcome::kIncorrect; }},
          {"judged right",
           [](const TrainedRollout& one) { return one.verdict.outcome == Outcome::kCorrect; }}};
}

// The rollouts of an update with the advantages they were trained on.
Result<std::vector<TrainedRollout>> rollouts_of_step(store::LedgerReader& ledger,
                                                     const algo::AdvantageOptions& advantage,
                                                     std::uint64_t step) {
  Result<std::vector<store::GroupRecord>> records = ledger.groups_of_step(step);
  if (!records) return records.error();
  std::vector<flow::TrainGroup> groups;
  std::vector<TrainedRollout> rollouts;
  for (const store::GroupRecord& record : *records) {
    Result<wire::Prompt> prompt = ledger.prompt(record.prompt);
    if (!prompt) return prompt.error();
    flow::TrainGroup& group = groups.emplace_back();
    group.id = record.group;
    std::vector<wire::Verdict> verdicts;
    for (std::size_t i = 0; i < record.rollouts.size(); ++i) {
      if (!record.rollouts[i] || !record.verdicts[i]) {
        return Error{ErrorCode::kCorrupt, "a consumed group lacks a rollout", {}, {}, {}};
      }
      group.rollouts.push_back(std::make_shared<const wire::Rollout>(*record.rollouts[i]));
      verdicts.push_back(*record.verdicts[i]);
      rollouts.push_back({*record.rollouts[i], *record.verdicts[i], *prompt, {}});
    }
    group.rewards = flow::true_rewards(record.group, verdicts);
  }
  Result<flow::BuiltBatch> built =
      flow::build_train_batch(groups, advantage, PolicyVersion{step - 1});
  if (!built) return built.error();
  auto one = rollouts.begin();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t i = 0; i < groups[g].rewards.size(); ++i, ++one) {
      if (groups[g].rewards[i]) one->advantage = built->advantages[g][i];
    }
  }
  return rollouts;
}

void add_rollouts(const RunSetup& setup, const store::RunPaths& paths, std::uint64_t steps,
                  web::ReportInput& report) {
  if (steps == 0) return;
  Result<store::LedgerReader> ledger = store::LedgerReader::open(paths.ledger());
  const Result<actors::ArmOptions> options = make_arm_options(setup, paths, "true", 0, true);
  if (!ledger || !options) return;
  // The last update first: its verdicts are those the final policy was made by.
  std::vector<std::uint64_t> wanted{steps};
  if (steps > 1) wanted.push_back(1);
  for (const std::uint64_t step : wanted) {
    const Result<std::vector<TrainedRollout>> rollouts =
        rollouts_of_step(*ledger, options->advantage, step);
    if (!rollouts) continue;
    for (web::InspectedRollout& one : choose_rollouts(step, *rollouts)) {
      report.rollouts.push_back(std::move(one));
    }
  }
}

}  // namespace

Result<std::vector<Sample>> read_samples(const std::string& path) {
  const Result<std::string> text = read_file(path, kSamplesBytesMax);
  if (!text) return text.error();
  std::vector<Sample> samples;
  for (std::size_t start = 0; start < text->size();) {
    const std::size_t end = std::min(text->find('\n', start), text->size());
    try {
      samples.push_back(sample_of(parse_json(text->substr(start, end - start))));
    } catch (const json::exception&) {
      return Error{ErrorCode::kCorrupt,
                   "line " + std::to_string(samples.size() + 1) + " is no sample of an evaluation",
                   {},
                   path,
                   {}};
    }
    start = end + 1;
  }
  // The order in which completions ended depends on timing; their numbers do not.
  std::sort(samples.begin(), samples.end(), [](const Sample& left, const Sample& right) {
    return std::tie(left.prompt_id, left.index) < std::tie(right.prompt_id, right.index);
  });
  return samples;
}

std::vector<web::ComparedPrompt> compare_prompts(const std::string& source,
                                                 const std::vector<Sample>& before,
                                                 const std::vector<Sample>& after,
                                                 std::size_t count) {
  std::map<std::string, Pair> pairs;
  add_side(before, &Pair::before, pairs);
  add_side(after, &Pair::after, pairs);
  std::vector<const Pair*> measured;
  for (const auto& [id, pair] : pairs) {
    if (pair.before.scored > 0 && pair.after.scored > 0) measured.push_back(&pair);
  }
  std::stable_sort(measured.begin(), measured.end(), [](const Pair* left, const Pair* right) {
    return left->change() > right->change();
  });
  std::vector<web::ComparedPrompt> chosen;
  const auto take = [&](auto first, auto last, const auto& is_wanted) {
    std::size_t taken = 0;
    for (; first != last && taken < count; ++first) {
      if (!is_wanted(**first)) continue;
      chosen.push_back(compared(source, **first));
      ++taken;
    }
  };
  take(measured.begin(), measured.end(),
       [](const Pair& pair) { return pair.change() >= kRiseMin; });
  take(measured.rbegin(), measured.rend(), [](const Pair& pair) { return pair.change() < 0; });
  take(measured.begin(), measured.end(),
       [](const Pair& pair) { return pair.before.correct == 0 && pair.after.correct == 0; });
  return chosen;
}

void count_verdicts(const std::vector<Sample>& before, const std::vector<Sample>& after,
                    std::vector<web::VerdictCount>& counts) {
  const auto of = [&](const std::string& code) -> web::VerdictCount& {
    for (web::VerdictCount& one : counts) {
      if (one.code == code) return one;
    }
    return counts.emplace_back(web::VerdictCount{code, 0, 0});
  };
  for (const Sample& sample : before) ++of(sample.judged.code).before;
  for (const Sample& sample : after) ++of(sample.judged.code).after;
  std::stable_sort(counts.begin(), counts.end(),
                   [](const auto& left, const auto& right) { return left.before > right.before; });
}

std::vector<web::InspectedRollout> choose_rollouts(std::uint64_t step,
                                                   const std::vector<TrainedRollout>& rollouts) {
  // The surest first: a wrong verdict on what the policy does often costs most.
  std::vector<const TrainedRollout*> sorted;
  for (const TrainedRollout& one : rollouts) sorted.push_back(&one);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* left, const auto* right) {
    return mean_logprob(left->rollout) > mean_logprob(right->rollout);
  });
  std::vector<web::InspectedRollout> chosen;
  std::set<std::pair<GroupId, std::string>> seen;  // the same words twice teach nothing
  for (const Kind& kind : kinds()) {
    std::size_t taken = 0;
    for (const TrainedRollout*& one : sorted) {
      if (taken == kRolloutsOfAKind) break;
      if (one == nullptr || !kind.is_of_kind(*one)) continue;
      const bool is_new = seen.emplace(one->rollout.id.group, one->rollout.completion).second;
      if (is_new) {
        chosen.push_back(inspected(step, kind.why, *one));
        ++taken;
      }
      one = nullptr;
    }
  }
  return chosen;
}

void add_samples(const RunSetup& setup, const store::RunPaths& paths, std::uint64_t steps,
                 web::ReportInput& report) {
  for (const EvalSet& set : setup.eval_sets) {
    const std::string& name = set.settings.source.name;
    const auto before = read_samples(paths.eval(0, name) + "/samples.jsonl");
    const auto after = read_samples(paths.eval(steps, name) + "/samples.jsonl");
    if (!before || !after) continue;
    count_verdicts(*before, *after, report.verdicts);
    for (web::ComparedPrompt& one : compare_prompts(name, *before, *after, kPromptsOfAKind)) {
      report.compared.push_back(std::move(one));
    }
  }
  add_rollouts(setup, paths, steps, report);
}

}  // namespace assay::cli
