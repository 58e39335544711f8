#include "actors/cli/stage_status.h"

#include <chrono>
#include <utility>

#include "actors/status_view.h"
#include "runtime/core/json.h"

namespace assay::cli {

StageStatus::StageStatus(const RunSetup& setup, const store::RunPaths& paths)
    : run_(setup.name),
      socket_(setup.config.has_status ? paths.status_socket() : ""),
      max_steps_(setup.config.max_steps),
      staleness_bound_(setup.config.curator.max_off_policy_steps) {}

void StageStatus::enter(std::string stage, std::uint64_t step) {
  {
    const std::lock_guard lock(mutex_);
    stage_ = std::move(stage);
    step_ = step;
    progress_.clear();
  }
  if (plane_ != nullptr) return;
  plane_ =
      std::make_unique<actors::StatusPlane>(socket_, [this](const auto&) { return document(); });
}

void StageStatus::say(std::string progress) {
  const std::lock_guard lock(mutex_);
  progress_ = std::move(progress);
}

void StageStatus::leave() {
  plane_.reset();
}

std::string StageStatus::document() {
  actors::StatusFacts facts;
  facts.run = run_;
  facts.max_steps = max_steps_;
  facts.staleness_bound = staleness_bound_;
  facts.staleness.resize(staleness_bound_ + 1);
  const SteadyTime now = SystemClock().now();
  const std::lock_guard lock(mutex_);
  const nlohmann::json curator = {
      {"state", "running"},
      {"stage", stage_},
      {"step", step_},
      {"policy_version", step_},
      {"uptime_s", std::chrono::duration<double>(now - started_).count()},
      {"queues", nlohmann::json::array()},
      {"waiting", progress_}};
  return actors::status_document(facts, json_text(curator), now);
}

}  // namespace assay::cli
