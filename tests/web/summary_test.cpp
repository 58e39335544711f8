#include "actors/web/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "actors/web/report_json.h"
#include "actors/web/report_page.h"
#include "tests/web/report_fixture.h"
#include "tests/web/summary_contract.h"

namespace assay::web {
namespace {

using Json = nlohmann::json;

Json summary_of(const ReportInput& input) {
  return Json::parse(summary_json(input));
}

TEST(Summary, HoldsEveryKeyOfTheContract) {
  const Json summary = summary_of(finished_run());
  for (const char* key : {"assay", "run", "config_sha256", "seed", "steps", "wall_s", "eval",
                          "controls", "health", "throughput", "accounting"}) {
    EXPECT_TRUE(summary.contains(key)) << key;
  }
  EXPECT_EQ(summary["assay"], 1);
  for (const char* key : {"total", "sft", "base_eval", "rl", "final_eval"}) {
    EXPECT_TRUE(summary["wall_s"][key].is_number()) << key;
  }
  const Json source = summary["eval"]["in_range"];
  EXPECT_EQ(source["n_prompts"], 240);
  EXPECT_EQ(source["n_samples"], 240 * 32);
  EXPECT_EQ(source["clustered_by"], "prompt");
  for (const char* side : {"base", "after"}) {
    for (const char* part : {"value", "low", "high"}) {
      EXPECT_TRUE(source[side]["pass@8"][part].is_number()) << side << part;
    }
  }
  EXPECT_NEAR(source["guess_floor"]["pass@8"], 0.0773, 1e-4);
  EXPECT_TRUE(source["compression_ratio"]["value"].is_number());
  EXPECT_TRUE(source["compression_ratio"]["null_reason"].is_null());
  EXPECT_TRUE(source["capability_gain"]["low"].is_number());
  EXPECT_EQ(source["reading"], "real capability gain and compression");
  EXPECT_EQ(summary["controls"]["random_permute"]["in_range"]["verdict"], "pass");
  EXPECT_EQ(summary["health"]["alerts"][0]["signal"], "entropy");
  EXPECT_EQ(summary["health"]["alerts"][0]["level"], "warn");
  EXPECT_EQ(summary["accounting"]["dropped"]["zero_variance"], 41);
}

TEST(Summary, KeepsTheContractWhateverWasMeasured) {
  using ::testing::IsEmpty;
  EXPECT_THAT(contract_breaches(summary_of(finished_run())), IsEmpty());
  EXPECT_THAT(contract_breaches(summary_of(bare_evaluation())), IsEmpty());
  EXPECT_THAT(contract_breaches(summary_of({})), IsEmpty());
}

// The path of every value of the contract in a finished run's summary.
void collect(const Json& json, const Json::json_pointer& at, std::vector<Json::json_pointer>& all) {
  for (const auto& [key, value] : json.items()) {
    all.push_back(at / key);
    if (value.is_object()) collect(value, at / key, all);
  }
}

TEST(Summary, TheContractMissesEveryKeyThatIsTakenAway) {
  const Json whole = summary_of(finished_run());
  std::vector<Json::json_pointer> places;
  collect(whole, Json::json_pointer(), places);
  std::set<std::string> missed;
  for (const Json::json_pointer& place : places) {
    Json less = whole;
    less[place.parent_pointer()].erase(place.back());
    for (const std::string& breach : contract_breaches(less)) missed.insert(breach);
  }
  // 11 at the top, 5 of wall_s, 3 of throughput, 4 of accounting, 1 of health. Each of 2 sources
  // has 10 keys, the reason of its null crossing_k, and 3 numbers in each of 2 x 5 pass@k and 2
  // others.
  EXPECT_EQ(missed.size(), 11 + 5 + 3 + 4 + 1 + 2 * (10 + 1 + 3 * 12u));
}

TEST(Summary, ANullWithoutAReasonBreaksTheContract) {
  Json summary = summary_of(finished_run());
  summary["eval"]["in_range"]["crossing_k"] = nullptr;
  summary["eval"]["in_range"].erase("crossing_k_null_reason");

  EXPECT_THAT(contract_breaches(summary),
              ::testing::ElementsAre("/eval/in_range/crossing_k: is null without a reason"));
}

// Looks through every object: a rate outside [0, 1] would be a percentage in disguise.
void expect_fractions(const Json& json, const std::string& path) {
  for (const auto& [key, value] : json.items()) {
    if (value.is_structured()) expect_fractions(value, path + "/" + key);
    const bool is_rate = path.find("pass@") != std::string::npos && key == "value";
    if (is_rate && path.find("/gain/") == std::string::npos) {
      EXPECT_GE(value, 0) << path;
      EXPECT_LE(value, 1) << path;
    }
  }
}

TEST(Summary, RatesAreFractions) {
  expect_fractions(summary_of(finished_run())["eval"], "");
}

TEST(Summary, WhatCannotBeComputedIsNullWithAReason) {
  const Json source = summary_of(bare_evaluation())["eval"]["test"];
  EXPECT_TRUE(source["after"].is_null());
  EXPECT_TRUE(source["compression_ratio"]["value"].is_null());
  EXPECT_EQ(source["compression_ratio"]["null_reason"], "no_evaluation_after_training");
  EXPECT_TRUE(source["reading"].is_null());
  EXPECT_EQ(source["reading_null_reason"], "no_evaluation_after_training");

  ReportInput input = finished_run();
  input.sources[0].evaluation.comparison->ratio = {};
  input.sources[0].evaluation.comparison->ratio.null_reason = "no_gap";
  const Json ratio = summary_of(input)["eval"]["in_range"]["compression_ratio"];
  EXPECT_TRUE(ratio["value"].is_null());
  EXPECT_EQ(ratio["null_reason"], "no_gap");
}

TEST(Summary, APassRateNobodyHasCompletionsForIsNullNotZero) {
  ReportInput input = finished_run();
  algo::PolicyEvaluation& base = input.sources[0].evaluation.base;
  base.pass_curve.back().excluded = base.prompt_count;
  const Json point = summary_of(input)["eval"]["in_range"]["base"]["pass@16"];
  EXPECT_TRUE(point["value"].is_null());
  EXPECT_EQ(point["null_reason"], "too_few_scored_completions");
}

TEST(Summary, FiguresThatAreNotFiniteAreNull) {
  ReportInput input = finished_run();
  input.alerts[0].value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(summary_of(input)["health"]["alerts"][0]["value"].is_null());
}

TEST(ReportJson, RoundTripsToTheSamePage) {
  ReportInput input = finished_run();
  input.alerts[0].value = std::numeric_limits<double>::infinity();
  const std::string text = report_input_to_json(input);

  const ReportInput back = report_input_from_json(text).value();
  EXPECT_EQ(report_input_to_json(back), text);
  EXPECT_EQ(report_page(back), report_page(input));
  EXPECT_EQ(summary_json(back), summary_json(input));
}

TEST(ReportJson, NamesTheFieldThatIsWrong) {
  const auto message = [](const Json& json) {
    return report_input_from_json(json.dump()).error().message;
  };
  const Json good = Json::parse(report_input_to_json(finished_run()));
  Json bad = good;
  bad["sources"][1].erase("title");
  EXPECT_NE(message(bad).find("sources[1].title"), std::string::npos);
  bad = good;
  bad["learning"][3]["entropy"] = "high";
  EXPECT_NE(message(bad).find("learning[3].entropy"), std::string::npos);
  bad = good;
  bad["seed"] = -1;
  EXPECT_NE(message(bad).find("seed"), std::string::npos);
  bad = good;
  bad["sources"][0]["evaluation"]["comparison"]["reading"] = 99;
  EXPECT_NE(message(bad).find("comparison.reading"), std::string::npos);
  EXPECT_EQ(report_input_from_json("{").error().code, ErrorCode::kCorrupt);
}

TEST(ReportJson, TextThatIsNotUtf8DoesNotFail) {
  ReportInput input = bare_evaluation();
  input.rollouts.push_back({});
  input.rollouts[0].judged.completion = "\xff\xfe";
  EXPECT_TRUE(report_input_from_json(report_input_to_json(input)));
}

}  // namespace
}  // namespace assay::web
