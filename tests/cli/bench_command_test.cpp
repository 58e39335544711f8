#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/program.h"
#include "tests/support/sanitizer.h"
#include "tests/support/temporary_folder.h"

namespace assay::cli {
namespace {

using nlohmann::json;

testing::ProgramOutcome bench(std::vector<std::string> args, const std::string& folder = ".") {
  args.insert(args.begin(), "bench");
  return testing::run_program(ASSAY_PROGRAM, std::move(args), folder);
}

bool is_positive(const json& number) {
  return number.is_number() && std::isfinite(number.get<double>()) && number.get<double>() > 0;
}

void expect_sound(const json& figure) {
  EXPECT_TRUE(is_positive(figure["value"])) << figure;
  EXPECT_FALSE(figure["unit"].get<std::string>().empty()) << figure;
  EXPECT_TRUE(figure["better"] == "higher" || figure["better"] == "lower") << figure;
  EXPECT_EQ(figure["repeats"], 3) << figure;
  EXPECT_TRUE(figure.contains("goal")) << figure;
  double reported = figure["value"];
  if (figure["ceiling"].is_null()) {
    EXPECT_TRUE(figure["ratio"].is_null()) << figure;
  } else {
    EXPECT_TRUE(is_positive(figure["ceiling"]["value"])) << figure;
    EXPECT_FALSE(figure["ceiling"]["name"].get<std::string>().empty()) << figure;
    const double ceiling = figure["ceiling"]["value"];
    EXPECT_NEAR(figure["ratio"].get<double>() / (reported / ceiling), 1, 1e-12) << figure;
    reported = figure["ratio"];
  }
  EXPECT_LE(figure["low"].get<double>(), reported) << figure;
  EXPECT_GE(figure["high"].get<double>(), reported) << figure;
}

// Runs one benchmark quickly, checks the shape of what it says and returns its figures' names.
std::set<std::string> sound_figures(const std::string& name, std::vector<std::string> args = {}) {
  const testing::TemporaryFolder folder;
  args.insert(args.begin(), {name, "--quick", "--repeats", "3", "-o", "json"});
  const testing::ProgramOutcome outcome = bench(args, folder.root());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(std::filesystem::is_empty(folder.root()));

  const json document = json::parse(outcome.out, nullptr, false);
  EXPECT_FALSE(document.is_discarded()) << outcome.out;
  EXPECT_EQ(document["assay"], 1);
  EXPECT_EQ(document["bench"], name);
  EXPECT_EQ(document["quick"], true);
  EXPECT_GE(document["machine"]["threads"], 1);
  EXPECT_GE(document["machine"]["cores"], 1);
  EXPECT_GE(document["machine"]["load"], 0);
  EXPECT_NE(document["machine"]["processor"], "");
  EXPECT_NE(document["machine"]["instruction_set"], "");
  std::set<std::string> names;
  for (const json& figure : document["figures"]) {
    expect_sound(figure);
    EXPECT_TRUE(names.insert(figure["name"]).second) << figure["name"] << " occurs twice";
  }
  return names;
}

void expect_names(const std::set<std::string>& names, const std::vector<std::string>& wanted) {
  for (const std::string& name : wanted) EXPECT_TRUE(names.contains(name)) << name;
}

TEST(Bench, EngineStandsBesideTheMultiplyAddPeak) {
  if (testing::kIsSanitized) GTEST_SKIP() << "a benchmark of sanitizers takes minutes";
  expect_names(sound_figures("engine", {"--neighbour"}),
               {"fma_peak_gflops", "train_a_gflops", "generate_a_batch_256_gflops",
                "train_a_slowdown", "generate_a_batch_64_slowdown"});
}

TEST(Bench, VerifiersStandBesideAnEmptyVerdictAndAFork) {
  // FLINT keeps what it cached for a thread when that thread ends.
  if (testing::kIsSanitized) GTEST_SKIP() << "FLINT's caches of ended threads count as leaks";
  const std::set<std::string> names = sound_figures("verifiers");

  for (const std::string verifier :
       {"chain", "math", "math_algebra", "math_numeric", "math_hard", "sql"}) {
    expect_names(names,
                 {verifier + "_checks_per_s_1_thread", verifier + "_checks_per_s_all_threads",
                  verifier + "_p50_us", verifier + "_p95_us", verifier + "_p99_us"});
  }
  expect_names(names, {"sql_beyond_query_p50_us", "sql_beyond_query_p99_us"});
}

TEST(Bench, TransportStandsBesidePipesSocketsAndMemcpy) {
  expect_names(sound_figures("transport"),
               {"actor_round_trip_p99_us", "detached_round_trip_p99_us", "actor_messages_per_s",
                "zeromq_round_trip_p50_us", "codec_encode_gbps", "codec_decode_gbps"});
}

TEST(Bench, OrchestratorRunsARealArmAndAttachesToIt) {
  expect_names(sound_figures("orchestrator"),
               {"ledger_durable_events_per_s", "ledger_commit_p99_ms", "arm_rollouts_per_s",
                "arm_cpu_us_per_rollout", "status_attach_p50_ms", "status_attach_p99_ms"});
}

TEST(Bench, TableNamesTheMachineAndEveryFigure) {
  const testing::ProgramOutcome table = bench({"transport", "--quick"});
  const testing::ProgramOutcome wide = bench({"transport", "--quick", "-o", "wide"});

  EXPECT_EQ(table.exit_code, 0);
  EXPECT_TRUE(table.out.starts_with("transport: ")) << table.out;
  for (const char* word : {"FIGURE", "MEDIAN", "RATIO", "CEILING", "codec_encode_gbps",
                           "memcpy_gbps", "actor_round_trip_p50_us"}) {
    EXPECT_NE(table.out.find(word), std::string::npos) << word;
  }
  EXPECT_EQ(table.out.find("ROUNDS"), std::string::npos);
  EXPECT_NE(wide.out.find("ROUNDS"), std::string::npos);
}

TEST(Bench, AnUnknownBenchmarkIsWrongUsageAndNamesTheNearest) {
  const testing::ProgramOutcome misspelt = bench({"enigne"});
  const testing::ProgramOutcome unknown = bench({"teapot"});

  EXPECT_EQ(misspelt.exit_code, 2);
  EXPECT_NE(misspelt.err.find("did you mean `assay bench engine`?"), std::string::npos)
      << misspelt.err;
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("orchestrator"), std::string::npos) << unknown.err;
  EXPECT_EQ(bench({}).exit_code, 2);
  EXPECT_EQ(unknown.out, "");
}

TEST(Bench, OptionsOutOfPlaceAreWrongUsage) {
  EXPECT_EQ(bench({"transport", "--neighbour", "--quick"}).exit_code, 2);
  EXPECT_EQ(bench({"transport", "--repeats", "1001"}).exit_code, 2);
  EXPECT_EQ(bench({"transport", "--threads", "257"}).exit_code, 2);
}

TEST(Bench, AFolderThatCannotBeMadeIsAFailureThatNamesIt) {
  const testing::TemporaryFolder folder;
  const std::string file = folder.path("file");
  ASSERT_TRUE(write_file_durably(file, "x"));

  const testing::ProgramOutcome outcome = bench({"transport", "--quick", "--folder", file});

  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.err.find(file), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace assay::cli
