#include <gtest/gtest.h>

#include <unistd.h>

#include "actors/web/report_page.h"
#include "runtime/core/file.h"
#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"
#include "tests/web/report_fixture.h"

namespace assay::web {
namespace {

constexpr const char* kBrowser = "/usr/bin/chromium";

// The page as a real browser lays it out. The browser is no dependency: without it the tests skip.
class ReportInABrowser : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access(kBrowser, X_OK) != 0) {
      GTEST_SKIP() << "no " << kBrowser << ": the report was not opened in a browser "
                   << "(apt-get install chromium)";
    }
  }

  // The document after loading, as text. `script` runs in a copy of the page without its
  // Content-Security-Policy, which allows none.
  std::string dom(const std::string& page, const std::string& script, int width,
                  const std::string& scheme = "--blink-settings=preferredColorScheme=1") {
    std::string copy = page;
    const std::size_t policy = copy.find("<meta http-equiv=Content-Security-Policy");
    EXPECT_NE(policy, std::string::npos);
    if (!script.empty()) {
      copy.erase(policy, copy.find('>', policy) + 1 - policy);
      copy.insert(copy.find("</body>"), "<script>" + script + "</script>");
    }
    EXPECT_TRUE(write_file_durably(folder_.path("page.html"), copy));
    const testing::ProgramOutcome outcome = testing::run_program(
        kBrowser, {"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--user-data-dir=" + folder_.path("profile"), "--virtual-time-budget=2000",
                   "--window-size=" + std::to_string(width) + ",1200", scheme, "--dump-dom",
                   "file://" + folder_.path("page.html")});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  }

  // What the script left in the document's title.
  std::string measured(const std::string& page, const std::string& expression, int width,
                       const std::string& scheme = "--blink-settings=preferredColorScheme=1") {
    const std::string out = dom(page, "document.title='['+(" + expression + ")+']'", width, scheme);
    const std::size_t open = out.find("<title>[");
    if (open == std::string::npos) return "no title: " + out.substr(0, 200);
    return out.substr(open + 8, out.find("]</title>", open) - open - 8);
  }

  const testing::TemporaryFolder folder_;
};

TEST_F(ReportInABrowser, IsNoWiderThanAPhone) {
  const std::string page = report_page(finished_run());
  // A headless window is at least 500 wide, so the body is measured in a frame of 400.
  const std::string widest =
      "(()=>{document.documentElement.style.width='400px';let w=0;"
      "for(const e of document.querySelectorAll('main *')){"
      "if(e.closest('.scroll')||e.closest('svg'))continue;"
      "w=Math.max(w,e.getBoundingClientRect().right)}return Math.round(w)})()";
  const std::string width = measured(page, widest, 520);
  ASSERT_NE(width.find_first_of("0123456789"), std::string::npos) << width;
  EXPECT_LE(std::stoi(width), 400);
  EXPECT_GT(std::stoi(width), 300);
}

TEST_F(ReportInABrowser, FollowsTheReadersColours) {
  const std::string page = report_page(finished_run());
  const std::string background = "getComputedStyle(document.body).backgroundColor";
  EXPECT_EQ(measured(page, background, 1000), "rgb(251, 250, 247)");
  EXPECT_EQ(measured(page, background, 1000, "--blink-settings=preferredColorScheme=0"),
            "rgb(19, 22, 25)");
}

TEST_F(ReportInABrowser, HostileTextStaysText) {
  ReportInput input = finished_run();
  const std::string hostile =
      "</code></div><script>document.title='owned'</script>"
      "<img src=x onerror=\"document.title='owned'\">";
  input.run = hostile;
  input.rollouts[0].prompt = hostile;
  input.rollouts[0].judged.completion = hostile;
  input.compared[0].after.completion = hostile;

  // The policy is taken away for the measuring script: escaping alone must hold.
  const std::string found =
      "document.title.includes('owned')&&!document.title.includes('script')?'owned':"
      "document.querySelectorAll('main script,main img').length";
  EXPECT_EQ(measured(report_page(input), found, 1000), "0");
}

TEST_F(ReportInABrowser, ShowsItsChartsWithoutScripts) {
  const std::string page = report_page(finished_run());
  const std::string charts =
      "[...document.querySelectorAll('svg')].filter(s=>s.getBoundingClientRect().height>20).length";
  EXPECT_GE(std::stoi(measured(page, charts, 1000)), 12);
  EXPECT_NE(dom(page, "", 1000).find("Training made the first try better"), std::string::npos);
}

}  // namespace
}  // namespace assay::web
