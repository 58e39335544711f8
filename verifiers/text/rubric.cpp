#include "verifiers/text/rubric.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/json.h"
#include "runtime/core/strict_json.h"
#include "verifiers/option_reader.h"
#include "verifiers/text/criterion.h"
#include "verifiers/text/text_input.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

using Criteria = std::vector<std::unique_ptr<Criterion>>;

constexpr std::size_t kCriteriaMax = 256;

struct RubricOptions {
  double threshold = 1;
  bool guards_against_stuffing = true;
  bool gives_partial_credit = true;
};

Result<Criteria> read_criteria(std::string_view rubric_json) {
  const auto refused = [](const std::string& what) {
    return Error{ErrorCode::kInvalidInput, what,
                 R"(write {"name": "'keyword' in first 300 chars", ...}; see verifiers/text/)"
                 "criterion.h",
                 "", "E403"};
  };
  if (auto checked = check_strict_json(rubric_json); !checked) {
    return refused("the rubric is not JSON: " + checked.error().message);
  }
  const Json rubric = parse_json(rubric_json);
  if (!rubric.is_object() || rubric.empty() || rubric.size() > kCriteriaMax) {
    return refused("the rubric is not an object of 1 to 256 criteria");
  }
  Criteria criteria;
  double weight = 0;
  for (const auto& [name, description] : rubric.items()) {
    auto criterion = make_criterion(name, description);
    if (!criterion) return criterion.error();
    weight += (*criterion)->weight;
    criteria.push_back(std::move(*criterion));
  }
  if (weight <= 0) return refused("the criteria weigh nothing together");
  return criteria;
}

class Rubric final : public Verifier {
 public:
  Rubric(std::shared_ptr<const Criteria> criteria, RubricOptions options)
      : criteria_(std::move(criteria)), options_(options) {}

  std::string identity() const override { return "rubric/1"; }

  wire::Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return stamped(judge(prompt, completion), identity(), completion);
  }

  // The reference is a rubric, or not read at all.
  Result<void> check_reference(const wire::Prompt& prompt) const override {
    if (criteria_ != nullptr) return {};
    auto read = read_criteria(prompt.reference);
    if (read) return {};
    Error error = read.error();
    error.id = "E404";
    return error;
  }

 private:
  wire::Verdict judge(const wire::Prompt& prompt, std::string_view completion) const {
    std::shared_ptr<const Criteria> criteria = criteria_;
    if (criteria == nullptr) {
      auto read = read_criteria(prompt.reference);
      if (!read) {
        return wire::Verdict::unscored(wire::VerdictCode::kInternalError,
                                       "the reference holds no rubric: " + read.error().message);
      }
      criteria = std::make_shared<const Criteria>(std::move(*read));
    }
    if (auto refused = refused_input(completion)) return *refused;
    const auto visible = visible_part(completion);
    if (!visible) {
      return wire::Verdict::incorrect(wire::VerdictCode::kNoAnswer,
                                      "the completion ends inside its reasoning");
    }
    return score(*criteria, JudgedText(*visible));
  }

  wire::Verdict score(const Criteria& criteria, const JudgedText& judged) const {
    std::vector<wire::Check> checks;
    double met = 0, all = 0;
    bool is_hard_met = true;
    std::size_t missed = 0;
    for (const auto& criterion : criteria) {
      const CriterionResult result = criterion->judge(judged);
      checks.push_back({criterion->name, result.is_met, result.is_met ? 1.0 : 0.0, result.reason});
      all += criterion->weight;
      if (result.is_met) met += criterion->weight;
      if (!result.is_met) ++missed;
      is_hard_met = is_hard_met && (result.is_met || !criterion->is_hard);
    }
    const auto sign = options_.guards_against_stuffing ? judged.prose.stuffing_sign()
                                                       : std::optional<std::string>();
    if (sign) checks.push_back({"stuffing", false, 0, "the text is stuffed: " + *sign});
    if (is_keyword_presence_alone(criteria)) {
      checks.push_back({"warning", true, 1,
                        "every criterion looks for words or counts them: a text can meet this "
                        "rubric and say nothing"});
    }
    const bool is_void = sign.has_value() || !is_hard_met;
    return verdict(is_void ? 0 : met / all, is_void, criteria.size() - missed, criteria.size(),
                   sign.has_value(), std::move(checks));
  }

  wire::Verdict verdict(double score, bool is_void, std::size_t met_count, std::size_t count,
                        bool is_stuffed, std::vector<wire::Check> checks) const {
    constexpr double kRounding = 1e-9;  // of the sum of weights
    const std::string what =
        std::to_string(met_count) + " of " + std::to_string(count) + " criteria are met" +
        (is_stuffed ? ", by a text that is stuffed" : (is_void ? ", a hard one is not" : ""));
    const bool is_correct = !is_void && score + kRounding >= options_.threshold;
    wire::Verdict made =
        is_correct ? wire::Verdict::correct(what, options_.gives_partial_credit ? score : 1.0)
                   : wire::Verdict::incorrect(wire::VerdictCode::kWrongAnswer, what,
                                              options_.gives_partial_credit ? score : 0.0);
    made.checks = std::move(checks);
    return made;
  }

  static bool is_keyword_presence_alone(const Criteria& criteria) {
    return std::all_of(criteria.begin(), criteria.end(),
                       [](const auto& one) { return one->is_keyword_presence(); });
  }

  std::shared_ptr<const Criteria> criteria_;  // null: the reference holds them
  RubricOptions options_;
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_rubric(std::string_view options_json) {
  OptionReader reader("rubric", options_json);
  RubricOptions options;
  options.threshold = reader.read_number("threshold", 1, 0, 1);
  options.guards_against_stuffing = reader.read_bool("stuffing_guard", true);
  options.gives_partial_credit = reader.read_bool("partial_credit", true);
  const std::string rubric = reader.read_json("rubric");
  std::shared_ptr<const Criteria> criteria;
  if (!rubric.empty()) {
    auto read = read_criteria(rubric);
    if (!read) {
      reader.refuse(read.error().message, read.error().remedy);
    } else {
      criteria = std::make_shared<const Criteria>(std::move(*read));
    }
  }
  if (auto finished = reader.finish(); !finished) return finished.error();
  return std::unique_ptr<Verifier>(std::make_unique<Rubric>(std::move(criteria), options));
}

}  // namespace assay::verifiers
