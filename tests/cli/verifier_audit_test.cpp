// The audit: counts and gates worked by hand, with judges whose faults are known.
#include "actors/cli/verifier_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "actors/cli/audit_report.h"
#include "runtime/core/json.h"
#include "tests/support/temporary_folder.h"
#include "verifiers/registry.h"

namespace assay::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using verifiers::Case;
using wire::Outcome;
using wire::Verdict;

class FunctionVerifier final : public verifiers::Verifier {
 public:
  using Function = std::function<Verdict(const wire::Prompt&, std::string_view)>;
  explicit FunctionVerifier(Function function) : function_(std::move(function)) {}
  Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return function_(prompt, completion);
  }
  std::string identity() const override { return "function/1"; }

 private:
  Function function_;
};

// One that was seen to write a file.
class TellingVerifier final : public verifiers::Verifier {
 public:
  Verdict verify(const wire::Prompt&, std::string_view) const override {
    return Verdict::incorrect(wire::VerdictCode::kWrongAnswer, "no");
  }
  std::string identity() const override { return "telling/1"; }
  std::vector<std::string> side_effects() const override { return {"writes a file: 'x'"}; }
};

Verdict wrong(const std::string& reason = "no") {
  return Verdict::incorrect(wire::VerdictCode::kWrongAnswer, reason);
}

std::shared_ptr<const verifiers::Verifier> judge(FunctionVerifier::Function function) {
  return std::make_shared<const FunctionVerifier>(std::move(function));
}

Case make_case(const std::shared_ptr<const verifiers::Verifier>& verifier,
               const std::string& completion, Outcome expected, const std::string& category = "") {
  Case one;
  one.id = completion;
  one.category = category;
  one.completion = completion;
  one.prompt.reference = "72";
  one.expect = {expected};
  one.verifier = verifier;
  return one;
}

AuditOptions without_mutants() {
  AuditOptions options;
  options.has_mutants = false;
  return options;
}

TEST(Audit, CountsErrorsCaughtAndRightOnesRefused) {
  const auto holds_72 = judge([](const wire::Prompt&, std::string_view text) {
    return text.find("72") != std::string_view::npos ? Verdict::correct("yes") : wrong();
  });
  std::vector<Case> cases = {make_case(holds_72, "it is 72", Outcome::kCorrect, "plain"),
                             make_case(holds_72, "seventy-two", Outcome::kCorrect, "words"),
                             make_case(holds_72, "it is 71", Outcome::kIncorrect, "plain"),
                             make_case(holds_72, "720", Outcome::kIncorrect, "digits")};
  cases.push_back(make_case(holds_72, "72?", Outcome::kCorrect));
  cases.back().expect = {Outcome::kCorrect, Outcome::kIncorrect};

  const AuditReport report = audit(cases, without_mutants());

  EXPECT_EQ(report.caught.total, 2u);
  EXPECT_EQ(report.caught.hits, 1u);
  EXPECT_EQ(report.refused.total, 2u);
  EXPECT_EQ(report.refused.hits, 1u);
  EXPECT_EQ(report.agreed.hits, 3u);
  EXPECT_EQ(report.undecided, 1u);
  EXPECT_EQ(report.strata.at("plain").caught.hits, 1u);
  EXPECT_EQ(report.strata.at("digits").caught.hits, 0u);
  ASSERT_EQ(report.false_accepts.size(), 1u);
  EXPECT_EQ(report.false_accepts[0].completion, "720");
  EXPECT_EQ(report.false_rejects.at(0).completion, "seventy-two");
}

TEST(Audit, AFailureOfTheJudgeIsNeitherCaughtNorRefused) {
  const auto away = judge([](const wire::Prompt&, std::string_view) {
    return Verdict::unscored(wire::VerdictCode::kJudgeUnavailable, "away");
  });
  const AuditReport report =
      audit({make_case(away, "72", Outcome::kCorrect), make_case(away, "71", Outcome::kIncorrect)},
            without_mutants());

  EXPECT_EQ(report.caught.total, 0u);
  EXPECT_EQ(report.caught.unscored, 1u);
  EXPECT_EQ(report.refused.unscored, 1u);
  EXPECT_THAT(report.warnings, Contains(HasSubstr("2 checks failed")));
}

TEST(Audit, MissingCasesAreThoseOfTheExactInterval) {
  // From the article's table: 29 wrong completions without a miss, 46 with one, 61 with two.
  EXPECT_EQ(missing_cases({0, 0, 0}, 0.90), 36u);  // two-sided 95 %: 0.025^(1/36) is 0.9026
  EXPECT_EQ(missing_cases({35, 35, 0}, 0.90), 1u);
  EXPECT_EQ(missing_cases({36, 36, 0}, 0.90), 0u);
  const std::uint64_t more = missing_cases({40, 39, 0}, 0.90);
  EXPECT_LT(algo::clopper_pearson(39 + more - 1, 40 + more - 1).low, 0.90);
  EXPECT_GE(algo::clopper_pearson(39 + more, 40 + more).low, 0.90);
}

TEST(Audit, AShutGateSaysWhatIsMissing) {
  const auto lenient =
      judge([](const wire::Prompt&, std::string_view) { return Verdict::correct("always"); });
  AuditOptions options = without_mutants();
  options.coverage_min = 0.9;
  options.false_rejects_max = 0.5;
  const AuditReport report = audit(
      {make_case(lenient, "72", Outcome::kCorrect), make_case(lenient, "71", Outcome::kIncorrect)},
      options);

  const std::vector<std::string> shut = report.shut_gates(options);

  ASSERT_EQ(shut.size(), 2u);  // one right completion alone proves nothing either
  EXPECT_THAT(shut[0], HasSubstr("catches 0 of 1 wrong completions"));
  EXPECT_THAT(shut[0], HasSubstr("more wrong completions, all caught"));
  EXPECT_THAT(report.shut_gates(without_mutants()), IsEmpty());
}

// Ten of ten are a rate of 1, and at least 0.69: 0.025^(1/10).
TEST(Audit, AGateIsMetByTheBoundAndNotByTheRate) {
  const auto strict = judge([](const wire::Prompt&, std::string_view) { return wrong(); });
  std::vector<Case> cases;
  for (int i = 0; i < 10; ++i) {
    cases.push_back(make_case(strict, std::to_string(i), Outcome::kIncorrect));
  }
  AuditOptions options = without_mutants();
  options.coverage_min = 0.7;
  const AuditReport report = audit(cases, options);
  EXPECT_EQ(report.caught.rate().value, 1.0);
  EXPECT_EQ(report.shut_gates(options).size(), 1u);
  options.coverage_min = 0.69;
  EXPECT_THAT(report.shut_gates(options), IsEmpty());
}

TEST(Audit, WarnsOfWhatAJudgeSaysOfItself) {
  const std::shared_ptr<const verifiers::Verifier> teller = std::make_shared<TellingVerifier>();
  const AuditReport report = audit(
      {make_case(teller, "71", Outcome::kIncorrect), make_case(teller, "7", Outcome::kCorrect)},
      without_mutants());
  EXPECT_THAT(report.side_effects, ElementsAre("writes a file: 'x'"));
  EXPECT_THAT(report.warnings, Contains(HasSubstr("writes a file: 'x'")));
}

TEST(Audit, MutantsFindWhatASmallSuiteDoesNot) {
  const auto holds_72 = judge([](const wire::Prompt&, std::string_view text) {
    return text.find("72") != std::string_view::npos ? Verdict::correct("yes") : wrong();
  });
  const AuditReport report =
      audit({make_case(holds_72, "so the answer is 72", Outcome::kCorrect)}, {});

  EXPECT_EQ(report.strata.at("mutant off_by_one").caught.hits, 1u);
  EXPECT_EQ(report.strata.at("mutant sign_flip").caught.hits, 0u) << "-72 holds 72";
  EXPECT_EQ(report.strata.at("mutant several_answers").caught.hits, 0u);
  EXPECT_EQ(report.strata.at("mutant space_around").refused.hits, 0u);
}

TEST(Audit, WarnsOfFlakySlowAndKeywordJudges) {
  const auto calls = std::make_shared<std::atomic<int>>(0);
  const auto flaky = judge([calls](const wire::Prompt&, std::string_view) {
    return wrong("call " + std::to_string(++*calls));
  });
  EXPECT_THAT(audit({make_case(flaky, "a", Outcome::kIncorrect)}, without_mutants()).warnings,
              Contains(HasSubstr("flaky")));
  const auto same = judge([](const wire::Prompt&, std::string_view) {
    Verdict verdict = wrong();
    verdict.checks.push_back({"flaky", false, 0, "passed a first time"});
    return verdict;
  });
  EXPECT_EQ(audit({make_case(same, "a", Outcome::kIncorrect)}, without_mutants()).unstable, 1u);

  const auto keywords = judge([](const wire::Prompt&, std::string_view text) {
    const bool has_all = text.find("because") != std::string_view::npos &&
                         text.find("therefore") != std::string_view::npos;
    return has_all ? Verdict::correct("both words") : wrong();
  });
  std::vector<Case> cases;
  for (int i = 0; i < 6; ++i) {
    cases.push_back(make_case(
        keywords,
        "because it rains the road is wet and therefore slippery today " + std::to_string(i),
        Outcome::kCorrect));
  }
  EXPECT_THAT(audit(cases, {}).warnings, Contains(HasSubstr("keyword matching: 6 of 6")));
}

// A judge that nothing keeps from writing, and one that is said to be kept from it.
AuditReport audit_of_writer(const std::string& isolation, const std::string& folder) {
  const auto writer = judge([=](const wire::Prompt&, std::string_view text) {
    std::ofstream(folder + "/seen") << text;
    Verdict verdict = wrong();
    verdict.isolation = isolation;
    return verdict;
  });
  AuditOptions options = without_mutants();
  options.watched_folder = folder;
  return audit({make_case(writer, "71", Outcome::kIncorrect)}, options);
}

TEST(Audit, WarnsOfAJudgeThatWritesWhereItWorks) {
  for (const char* open : {"process", "fence(network,seccomp)"}) {
    const testing::TemporaryFolder folder;
    const AuditReport report = audit_of_writer(open, folder.root());
    EXPECT_THAT(report.side_effects, ElementsAre("makes seen in the working directory"));
    EXPECT_THAT(report.warnings, Contains(HasSubstr("side effects: while judging it makes seen")));
    EXPECT_THAT(parse_json(audit_json(report, {})).at("side_effects"), SizeIs(1));
  }
  const testing::TemporaryFolder folder;
  EXPECT_THAT(audit_of_writer("fence(network,landlock,seccomp)", folder.root()).side_effects,
              IsEmpty())
      << "others write there too, and a judge that cannot is not blamed";
}

TEST(Audit, TheMathVerifierPassesAndItsReportIsWhole) {
  const std::shared_ptr<const verifiers::Verifier> math = *verifiers::make_verifier("math");
  std::vector<Case> cases;
  for (int i = 0; i < 4; ++i) {
    cases.push_back(make_case(math, "After step " + std::to_string(i) + " the answer is 72.",
                              Outcome::kCorrect));
  }
  AuditOptions options;
  options.coverage_min = 0.9;
  const AuditReport report = audit(cases, options);

  EXPECT_THAT(report.shut_gates(options), IsEmpty()) << audit_text(report, options, 100);
  EXPECT_EQ(report.unstable, 0u);
  EXPECT_THAT(report.warnings, IsEmpty());
  const Json document = parse_json(audit_json(report, options));
  EXPECT_EQ(document.at("missing_cases"), 0);
  EXPECT_EQ(document.at("error_catch_rate").at("value"), 1.0);
  EXPECT_EQ(document.at("false_reject_rate").at("value"), 0.0);
}

}  // namespace
}  // namespace assay::cli
