#include "tests/e2e/tiny_run.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <sstream>

namespace assay::e2e {

namespace {

constexpr std::size_t kFileBytesMax = 64 << 20;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<json> objects_of(const std::vector<std::string>& lines) {
  std::vector<json> objects;
  for (const std::string& line : lines) {
    json object = json::parse(line, nullptr, false);
    EXPECT_TRUE(object.is_object()) << "not an object: " << line;
    if (object.is_object()) objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace

std::vector<std::string> TinyRun::run_args(std::vector<std::string> more) {
  std::vector<std::string> args = {"run", "@", ASSAY_SOURCE_DIR "/tests/e2e/tiny.toml"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

StartOptions TinyRun::here() const {
  StartOptions options;
  options.folder = home_;
  return options;
}

std::unique_ptr<RunningProgram> TinyRun::start(std::vector<std::string> more) const {
  return std::make_unique<RunningProgram>(ASSAY_PROGRAM, run_args(std::move(more)), here());
}

ProgramOutcome TinyRun::assay(std::vector<std::string> args) const {
  return testing::run_program(ASSAY_PROGRAM, std::move(args), home_);
}

std::string TinyRun::read(const std::string& path) const {
  const auto text = read_file(path, kFileBytesMax);
  EXPECT_TRUE(text) << text.error().message;
  return text ? *text : "";
}

void TinyRun::write(const std::string& path, const std::string& text) const {
  const auto written = write_file_durably(path, text);
  ASSERT_TRUE(written) << written.error().message;
}

json TinyRun::summary() const {
  return json::parse(read(in_run("report/summary.json")), nullptr, false);
}

std::vector<std::string> TinyRun::exported_lines(const std::string& arm) const {
  const ProgramOutcome outcome = assay({"ledger", "export", "outputs/tiny", "--arm", arm});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return lines_of(outcome.out);
}

std::vector<json> TinyRun::events(const std::string& arm) const {
  return objects_of(exported_lines(arm));
}

std::vector<RecordedStep> TinyRun::steps(const std::string& arm) const {
  std::vector<RecordedStep> steps;
  for (const json& event : events(arm)) {
    if (event.at("kind") != "step") continue;
    steps.push_back(
        {event.at("step").get<std::uint64_t>(), event.at("weights_in"), event.at("weights_out")});
  }
  return steps;
}

std::vector<json> TinyRun::metrics() const {
  return objects_of(lines_of(read(in_run("metrics.jsonl"))));
}

void TinyRun::expect_clean_ledger(const std::string& arm, std::optional<bool> is_finished) const {
  const ProgramOutcome outcome =
      assay({"ledger", "check", "outputs/tiny", "--arm", arm, "--replay", "-o", "json"});
  EXPECT_EQ(outcome.exit_code, 0) << arm << ":\n" << outcome.out << outcome.err;
  const json answer = json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(answer.is_object());
  ASSERT_EQ(answer.at("ledgers").size(), 1u);
  const json& report = answer.at("ledgers").at(0);
  EXPECT_EQ(report.at("is_clean"), true) << report.dump(1);
  if (!is_finished) return;
  EXPECT_EQ(report.at("is_finished"), *is_finished) << arm;
  if (*is_finished) {
    EXPECT_EQ(report.at("open_groups"), 0) << arm;
  }
}

void TinyRun::expect_finished(const ProgramOutcome& outcome) const {
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.out, "report: ")) << outcome.out;
  expect_clean_ledger("true", true);
  expect_clean_ledger("random_permute", true);
  const json counts = summary().at("accounting");
  std::uint64_t ended = counts.at("consumed").get<std::uint64_t>();
  for (const auto& [reason, count] : counts.at("dropped").items()) {
    ended += count.get<std::uint64_t>();
  }
  EXPECT_EQ(counts.at("open"), 0) << counts.dump();
  EXPECT_EQ(counts.at("issued"), ended) << counts.dump();
}

void TinyRun::expect_one_error(const ProgramOutcome& outcome, int exit_code,
                               const std::vector<std::string>& parts) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
  std::size_t errors = 0;
  for (const std::string& line : lines_of(outcome.err)) errors += line.starts_with("error") ? 1 : 0;
  EXPECT_EQ(errors, 1u) << outcome.err;
  for (const std::string& part : parts) {
    const std::size_t bar = part.find('|');
    const bool is_there = holds(outcome.err, part.substr(0, bar)) ||
                          (bar != std::string::npos && holds(outcome.err, part.substr(bar + 1)));
    EXPECT_TRUE(is_there) << "'" << part << "' is missing in:\n" << outcome.err;
  }
}

std::uint64_t chosen_seed() {
  const char* given = std::getenv("ASSAY_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::uint64_t{std::random_device()()};
  std::cout << "ASSAY_SEED=" << seed << "\n";
  return seed;
}

}  // namespace assay::e2e
