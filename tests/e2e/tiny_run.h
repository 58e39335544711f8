// A run of about a second (tiny.toml) in a folder of its own, and what a script can read of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/support/program.h"

namespace assay::e2e {

using nlohmann::json;
using testing::ProgramOutcome;
using testing::RunningProgram;
using testing::StartOptions;
using namespace std::chrono_literals;

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What the history says of one update.
struct RecordedStep {
  std::uint64_t step = 0;
  std::string weights_in, weights_out;

  friend bool operator==(const RecordedStep&, const RecordedStep&) = default;
};

class TinyRun : public ::testing::Test {
 protected:
  // `assay run @ tiny.toml` with more arguments.
  static std::vector<std::string> run_args(std::vector<std::string> more = {});

  ProgramOutcome assay(std::vector<std::string> args) const;
  ProgramOutcome run(std::vector<std::string> more = {}) const {
    return assay(run_args(std::move(more)));
  }
  StartOptions here() const;
  // Starts the same in the background.
  std::unique_ptr<RunningProgram> start(std::vector<std::string> more = {}) const;

  // The whole file; fails the test when it cannot be read.
  std::string read(const std::string& path) const;
  void write(const std::string& path, const std::string& text) const;
  std::string path(const std::string& name) const { return home_ + "/" + name; }
  std::string in_run(const std::string& name) const { return path("outputs/tiny/" + name); }

  json summary() const;
  std::vector<std::string> exported_lines(const std::string& arm = "true") const;
  std::vector<json> events(const std::string& arm = "true") const;
  std::vector<RecordedStep> steps(const std::string& arm = "true") const;
  std::vector<json> metrics() const;

  // A run that ended well: exit code, an audit without findings, accounting that closes.
  void expect_finished(const ProgramOutcome& outcome) const;
  // Without `is_finished` either will do.
  void expect_clean_ledger(const std::string& arm, std::optional<bool> is_finished = {}) const;

  // Exactly one error, with everything a person needs to go on. Of "a|b" either will do.
  static void expect_one_error(const ProgramOutcome& outcome, int exit_code,
                               const std::vector<std::string>& parts);

  testing::TemporaryFolder folder_;
  std::string home_ = folder_.root();  // where the program runs; a test may move
};

// ASSAY_SEED from the environment, or one of today; printed either way by the test that uses it.
std::uint64_t chosen_seed();

}  // namespace assay::e2e
