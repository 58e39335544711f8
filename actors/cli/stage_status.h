// Answers `assay status` while no arm trains: during warm-up, evaluations and the report.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "actors/cli/run_setup.h"
#include "actors/status_plane.h"
#include "runtime/core/clock.h"

namespace assay::cli {

// An arm answers by itself while it trains, on the same socket: leave() before it starts.
class StageStatus {
 public:
  StageStatus(const RunSetup& setup, const store::RunPaths& paths);

  // What the run does now, e.g. "warm-up", after `step` updates; begins to answer if need be.
  void enter(std::string stage, std::uint64_t step);
  // How far it is, for people. Thread-safe.
  void say(std::string progress);
  void leave();

 private:
  std::string document();

  std::string run_, socket_;  // an empty socket: nobody can attach
  std::uint64_t max_steps_ = 0, staleness_bound_ = 0;
  SteadyTime started_ = SystemClock().now();
  std::mutex mutex_;
  std::string stage_, progress_;
  std::uint64_t step_ = 0;
  std::unique_ptr<actors::StatusPlane> plane_;  // last: it uses the others until it is gone
};

}  // namespace assay::cli
