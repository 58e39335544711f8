#include "actors/web/report_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "actors/web/html_text.h"
#include "runtime/core/file.h"
#include "tests/support/temporary_folder.h"
#include "tests/web/report_fixture.h"

namespace assay::web {
namespace {

bool has(const std::string& page, std::string_view piece) {
  return page.find(piece) != std::string::npos;
}

// Every text of the input that a model, a dataset or a user may have written.
void for_each_text(ReportInput& input, const std::function<void(std::string&)>& visit) {
  for (std::string* text : {&input.run, &input.command, &input.config_sha256}) visit(*text);
  for (ProvenanceFact& fact : input.provenance) visit(fact.name), visit(fact.value);
  for (ReportSource& source : input.sources) {
    visit(source.title);
    for (algo::StratumRates& stratum : source.evaluation.base.strata) visit(stratum.stratum);
  }
  for (ReportControl& control : input.controls) {
    visit(control.arm);
    for (ControlSource& source : control.sources) visit(source.finding.reason);
  }
  for (algo::HealthAlert& alert : input.alerts) visit(alert.signal), visit(alert.advice);
  for (TimeShare& share : input.time_split) visit(share.name);
  for (DropCount& drop : input.accounting.dropped) visit(drop.reason);
  const auto visit_judged = [&](JudgedText& judged) {
    for (std::string* text : {&judged.completion, &judged.outcome, &judged.code, &judged.reason}) {
      visit(*text);
    }
  };
  for (VerdictCount& count : input.verdicts) visit(count.code);
  for (ComparedPrompt& one : input.compared) {
    visit(one.source), visit(one.prompt), visit(one.reference);
    visit_judged(one.before), visit_judged(one.after);
  }
  for (InspectedRollout& one : input.rollouts) {
    visit(one.id), visit(one.why), visit(one.prompt), visit(one.reference);
    visit_judged(one.judged);
  }
}

TEST(Escape, MarkupAndQuotesAreInert) {
  EXPECT_EQ(escape("<a b=\"c\" d='e'>&"), "&#60;a b=&#34;c&#34; d=&#39;e&#39;&#62;&#38;");
}

TEST(Escape, ControlCharactersBecomeVisible) {
  EXPECT_EQ(escape("\x1b[31m"), "&#x241B;[31m");  // SYMBOL FOR ESCAPE
  EXPECT_EQ(escape(std::string_view("\0\n\x7f", 3)), "&#x2400;&#x240A;&#x2421;");
}

TEST(Escape, CharactersThatReorderOrHideTextAreNamed) {
  EXPECT_EQ(escape("\xe2\x80\xae"), "&#x2039;U+202E&#x203A;");  // right-to-left override
  EXPECT_EQ(escape("\xe2\x80\x8b"), "&#x2039;U+200B&#x203A;");  // zero-width space
  EXPECT_EQ(escape("\xc2\x9b"), "&#x2039;U+009B&#x203A;");      // one-byte CSI of a terminal
}

TEST(Escape, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(escape("a\xff"), "a&#xFFFD;");
  EXPECT_EQ(escape("\xc3"), "&#xFFFD;");                       // cut short
  EXPECT_EQ(escape("\xc0\xbc"), "&#xFFFD;&#xFFFD;");           // overlong "<"
  EXPECT_EQ(escape("\xed\xa0\x80").substr(0, 8), "&#xFFFD;");  // a surrogate
  EXPECT_EQ(escape("é→😀"), "é→😀");
  EXPECT_EQ(escape("\xe0\x80\xbc").substr(0, 8), "&#xFFFD;");  // overlong in three bytes
}

TEST(EscapeBlock, KeepsLinesAndSaysWhatItCut) {
  EXPECT_EQ(escape_block("a\n<b", 100), "a\n&#60;b");
  EXPECT_EQ(escape_block("abcdef", 2), "ab<i> … 4 more bytes</i>");
  EXPECT_EQ(escape_block("", 2), "");
}

TEST(Numbers, CarryARealMinusAndNoSignedZero) {
  EXPECT_EQ(signed_points(0.271), "+27.1");
  EXPECT_EQ(signed_points(-0.004), "−0.4");
  EXPECT_EQ(signed_points(-0.0001), "0.0");
  EXPECT_EQ(decimal(-0.09), "−0.09");
  EXPECT_EQ(whole(1234567), "1\u202f234\u202f567");
  EXPECT_EQ(whole(-123), "−123");
}

TEST(ReportPage, EveryTextOfTheInputIsEscaped) {
  ReportInput input = finished_run();
  const std::string hostile = "<script>x</script><img src=x onerror=y>\"'\x1b[0m";
  for_each_text(input, [&](std::string& text) { text = hostile; });

  const std::string page = report_page(input);
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_FALSE(has(page, "<img"));
  EXPECT_FALSE(has(page, "\x1b"));
  EXPECT_TRUE(has(page, "&#60;script&#62;"));
}

TEST(ReportPage, LoadsNothingAndRunsNothing) {
  const std::string page = report_page(finished_run());
  for (const char* piece : {"http:", "https:", "src=", "href=", "@import", "url(", "<script",
                            "<link", "<iframe", " onclick", " onload"}) {
    EXPECT_FALSE(has(page, piece)) << piece;
  }
  EXPECT_TRUE(has(page, "Content-Security-Policy"));
  EXPECT_TRUE(has(page, "default-src 'none'"));
}

TEST(ReportPage, SameInputSameBytes) {
  EXPECT_EQ(report_page(finished_run()), report_page(finished_run()));
}

TEST(ReportPage, OpensWithTheVerdict) {
  const ReportInput input = finished_run();
  const std::string page = report_page(input);
  const std::size_t verdict = page.find("Training made the first try better");
  ASSERT_NE(verdict, std::string::npos);
  EXPECT_LT(verdict, page.find("<svg"));
}

TEST(ReportPage, MarksTheReadingThatApplies) {
  ReportInput input = finished_run();
  input.sources[0].evaluation.comparison->reading = algo::Reading::kNarrowing;
  const std::string page = report_page(input);
  const std::size_t mark = page.find("<tr class=here>");
  ASSERT_NE(mark, std::string::npos);
  EXPECT_EQ(page.find("<tr class=here>", mark + 1), std::string::npos);
  EXPECT_LT(page.find("compression with narrowing", mark), page.find("</tr>", mark));
}

TEST(ReportPage, AMissingValueIsADashWithItsReason) {
  ReportInput input = finished_run();
  algo::Comparison& comparison = *input.sources[0].evaluation.comparison;
  comparison.ratio = {};
  comparison.ratio.null_reason = "no_gap";
  const std::string page = report_page(input);
  EXPECT_TRUE(has(page, "– <small>the base policy had no gap beyond the noise</small>"));
  EXPECT_TRUE(has(page, "– <small>not measured</small>"));  // tokens trained a second
  EXPECT_FALSE(has(page, "nan"));
}

TEST(ReportPage, ARunThatMeasuredOnceClaimsNothing) {
  const ReportInput input = bare_evaluation();
  EXPECT_TRUE(has(verdict_sentence(input), "nothing can be said about a gain"));
  const std::string page = report_page(input);
  EXPECT_TRUE(has(page, "No control was run"));
  EXPECT_TRUE(has(page, "No update was made"));
  EXPECT_FALSE(has(page, "<tr class=here>"));
}

TEST(ReportPage, AnEmptyInputIsStillAPage) {
  EXPECT_TRUE(has(report_page({}), "Nothing was evaluated"));
}

TEST(ReportPage, BooksThatDoNotCloseAreSaidAloud) {
  ReportInput input = finished_run();
  EXPECT_FALSE(has(report_page(input), "books do not close"));
  input.accounting.consumed += 1;
  EXPECT_TRUE(has(report_page(input), "books do not close"));
}

TEST(ReportPage, StalenessBeyondTheBoundIsCalledADefect) {
  ReportInput input = finished_run();
  EXPECT_FALSE(has(report_page(input), "a defect</text>"));
  input.staleness.overflow = 1;
  EXPECT_TRUE(has(report_page(input), "a defect</text>"));
}

TEST(Verdict, FollowsTheIntervalsNotTheSigns) {
  ReportInput input = finished_run();
  algo::Comparison& comparison = *input.sources[0].evaluation.comparison;
  comparison.pass_1 = algo::Direction::kFlat;
  comparison.compression_gain = {0.03, -0.01, 0.07};
  EXPECT_TRUE(has(verdict_sentence(input), "did not change the first try beyond the noise"));
}

TEST(Verdict, SaysWhenEmptyRewardsHelpedToo) {
  ReportInput input = finished_run();
  EXPECT_TRUE(has(verdict_sentence(input), "the gain is the verifier's doing"));
  input.controls[0].sources[0].finding.verdict = algo::ControlVerdict::kFlag;
  EXPECT_TRUE(has(verdict_sentence(input), "Beware"));
  input.controls.clear();
  EXPECT_TRUE(has(verdict_sentence(input), "No control was run"));
}

TEST(Verdict, AGainThatMoreTriesWouldHaveFoundIsCalledSearch) {
  ReportInput input = finished_run();
  algo::Comparison& comparison = *input.sources[0].evaluation.comparison;
  ASSERT_EQ(comparison.gain_curve.back().k, 16u);
  comparison.pass_k = algo::Direction::kUp;
  comparison.capability_gain = {0.2, 0.1, 0.3};
  comparison.gain_curve.back().rate = {0.01, -0.02, 0.04};
  EXPECT_TRUE(has(verdict_sentence(input), "the base policy finds as much, given tries enough"));
  comparison.gain_curve.back().rate = {0.05, 0.02, 0.08};
  EXPECT_TRUE(has(verdict_sentence(input), "it is still ahead"));
  EXPECT_TRUE(has(verdict_sentence(input), "but by less"));
  comparison.gain_curve.back().rate = {-0.05, -0.08, -0.02};
  EXPECT_TRUE(has(verdict_sentence(input), "variety was lost"));
  comparison.pass_k = algo::Direction::kFlat;  // then nothing is claimed that needs a caution
  EXPECT_FALSE(has(verdict_sentence(input), "Over 16 tries"));
}

void set_ratio(algo::RatioEstimate& ratio, double value, double low, double high) {
  ratio = {};
  ratio.value = value;
  ratio.low = low;
  ratio.high = high;
}

TEST(Verdict, SaysOfTheGapWhatTheRatioAllows) {
  ReportInput input = finished_run();
  algo::RatioEstimate& ratio = input.sources[0].evaluation.comparison->ratio;
  set_ratio(ratio, 1.15, 1.06, 1.26);
  EXPECT_TRUE(has(verdict_sentence(input), "one try now does better than 8 tries did before"));
  set_ratio(ratio, 0.71, 0.6, 0.8);
  EXPECT_TRUE(has(verdict_sentence(input), "one try closed 71 %, 95 % interval 60 to 80 %"));
  set_ratio(ratio, -0.3, -0.5, -0.1);
  EXPECT_TRUE(has(verdict_sentence(input), "grew instead of closing"));
  ratio = {};
  ratio.null_reason = "no_gap";
  EXPECT_TRUE(has(verdict_sentence(input), "no gap beyond the noise"));
}

TEST(Verdict, SaysWhenBlindGuessingWouldReachAsMuch) {
  ReportInput input = finished_run();
  algo::SourceEvaluation& longer = input.sources[1].evaluation;
  for (algo::FloorPoint& point : longer.guess_floors) point.floor = 0.9;
  EXPECT_TRUE(has(verdict_sentence(input), "blind guessing would reach as much"));
  for (algo::FloorPoint& point : longer.guess_floors) point.floor = 0;
  EXPECT_FALSE(has(verdict_sentence(input), "blind guessing"));
}

TEST(WriteReport, LeavesPageSummaryAndInput) {
  const assay::testing::TemporaryFolder folder;
  ASSERT_TRUE(write_report(finished_run(), folder.path("report")));
  for (const char* name : {"index.html", "summary.json", "report_input.json"}) {
    EXPECT_TRUE(path_exists(folder.path("report/") + name)) << name;
  }
}

}  // namespace
}  // namespace assay::web
