#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

namespace assay::cli {
namespace {

TEST(Doctor, EveryProblemCarriesAFix) {
  const testing::TemporaryFolder folder;

  const auto outcome = testing::run_program(ASSAY_PROGRAM, {"doctor", "-o", "json"}, folder.root());

  const auto document = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(outcome.exit_code, document["ready"].get<bool>() ? 0 : 3);
  EXPECT_GE(document["checks"].size(), 8u);
  for (const auto& check : document["checks"]) {
    EXPECT_EQ(check["health"] == "good", check["fix"] == "") << check;
    EXPECT_NE(check["found"], "") << check;
  }
}

TEST(Doctor, MeasuresMemory) {
  const auto outcome = testing::run_program(ASSAY_PROGRAM, {"doctor", "-o", "json"});
  const nlohmann::json report = nlohmann::json::parse(outcome.out);

  for (const auto& check : report.at("checks")) {
    if (check["name"] != "memory") continue;
    EXPECT_NE(check["found"], "0.0 GB available");
  }
}

TEST(Doctor, LeavesNoFileBehind) {
  const testing::TemporaryFolder folder;

  const auto outcome = testing::run_program(ASSAY_PROGRAM, {"doctor"}, folder.root());

  EXPECT_NE(outcome.out, "");
  EXPECT_TRUE(std::filesystem::is_empty(folder.root()));
}

}  // namespace
}  // namespace assay::cli
