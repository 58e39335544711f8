#include "actors/learner.h"

#include <cstdio>

#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<LearnerState>*;

bool is_checkpoint_due(const LearnerState& state, std::uint64_t step) {
  const std::uint64_t interval = state.setup.checkpoint_interval;
  return state.is_finishing || step == state.setup.dispatch.step_count ||
         (interval > 0 && step % interval == 0);
}

// The checkpoint just made is of a step that is not committed yet, so what a resume after the step
// before may need stays as well.
Result<void> prune(const LearnerSetup& setup, const store::CheckpointStore& folders,
                   std::uint64_t step) {
  if (setup.checkpoint_keep == 0) return {};
  const std::uint64_t needed = flow::oldest_version_needed(setup.dispatch, step - 1);
  if (auto pruned = folders.prune(setup.checkpoint_keep, needed); !pruned) return pruned.error();
  return {};
}

Result<Trained> train(LearnerState& state, const Train& work) {
  Trained trained;
  trained.step = work.step;
  trained.wait_s = seconds_since(state.asked);
  trained.weights_in = state.weights;
  const auto start = std::chrono::steady_clock::now();
  Result<gpu::UpdateReport> report =
      state.setup.learner->update(work.built->batch, state.setup.update);
  if (!report) return report.error();
  trained.report = *report;
  trained.weights = state.setup.learner->publish();
  trained.weights_out = trained.weights->digest();
  state.weights = trained.weights_out;
  trained.update_s = seconds_since(start);
  const std::uint64_t step = work.step + 1;
  if (is_checkpoint_due(state, step)) {
    const store::CheckpointStore folders(state.setup.checkpoints_folder);
    if (auto saved = write_checkpoint(*state.setup.learner, folders, step, state.weights); !saved) {
      return saved.error();
    }
    if (auto pruned = prune(state.setup, folders, step); !pruned) return pruned.error();
    trained.checkpoint = folders.name(step);
  }
  return trained;
}

void log_update(const LearnerState& state, const Trained& trained) {
  char text[160];
  std::snprintf(
      text, sizeof text,
      "step %llu: loss %.4g, entropy %.4g, gradient norm %.4g, %.3f s after %.3f s of waiting",
      static_cast<unsigned long long>(trained.step + 1), trained.report.loss,
      trained.report.entropy, trained.report.grad_norm, trained.update_s, trained.wait_s);
  state.setup.log.write(telemetry::LogLevel::kInfo, text);
  if (!trained.checkpoint.empty()) {
    state.setup.log.write(telemetry::LogLevel::kInfo, "checkpoint " + trained.checkpoint);
  }
}

}  // namespace

Result<void> write_checkpoint(const gpu::Learner& learner, const store::CheckpointStore& folders,
                              std::uint64_t step, const Digest& weights) {
  if (auto saved = learner.save(folders.folder(step)); !saved) return saved.error();
  if (auto sealed = folders.seal(step, learner.version(), weights); !sealed) return sealed.error();
  return {};
}

caf::behavior learner(Self self, LearnerSetup setup, caf::actor curator, caf::actor supervisor,
                      caf::actor status) {
  self->state.setup = std::move(setup);
  self->state.weights = self->state.setup.learner->publish()->digest();
  self->state.asked = std::chrono::steady_clock::now();
  self->send(curator, WantBatch{});

  const auto report = [self, status](std::string doing, bool is_busy) {
    const LearnerState& state = self->state;
    WorkerState view;
    view.id = "learner/0";
    view.role = "learner";
    view.doing = std::move(doing);
    view.doing_since = std::chrono::steady_clock::now();
    view.is_busy = is_busy;
    view.busy_s = state.busy_s;
    view.p50_ms = state.durations.quantile_ms(0.5);
    view.p95_ms = state.durations.quantile_ms(0.95);
    view.done = state.setup.learner->version().value;
    view.policy_version = view.done;
    self->send(status, ReportState{view});
  };
  report("waiting for a batch", false);

  return {
      [=](const Train& work) {
        LearnerState& state = self->state;
        report("update " + std::to_string(work.step + 1), true);
        const auto start = std::chrono::steady_clock::now();
        Result<Trained> trained = train(state, work);
        if (!trained) {
          state.setup.log.write(telemetry::LogLevel::kError, trained.error().message);
          self->send(supervisor, Failed{trained.error()});
          return;
        }
        const auto spent = std::chrono::steady_clock::now() - start;
        state.busy_s += std::chrono::duration<double>(spent).count();
        state.durations.add(spent);
        log_update(state, *trained);
        self->send(curator, std::move(*trained));
        report("waiting for a batch", false);
        state.asked = std::chrono::steady_clock::now();
        if (!state.is_finishing) self->send(curator, WantBatch{});
      },
      [=](FinishUp) { self->state.is_finishing = true; },
  };
}

}  // namespace assay::actors
