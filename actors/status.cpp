#include "actors/status.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<StatusState>*;
using nlohmann::json;

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

json actor_json(const StatusState& state, const WorkerState& worker, std::uint64_t rss) {
  const double busy = worker.role == "learner" ? 0 : worker.busy_fraction;
  const auto life = state.lives.find(worker.id);
  std::string doing = worker.doing;
  const auto since = state.doing_since.find(worker.id);
  if (!doing.empty() && since != state.doing_since.end()) {
    char text[32];
    std::snprintf(text, sizeof text, " for %.1f s", seconds_since(since->second));
    doing += text;
  }
  return {{"id", worker.id},
          {"role", worker.role},
          {"node", "local"},
          {"state", life == state.lives.end() ? "ALIVE" : life->second.state},
          {"busy_fraction", std::min(1.0, busy / std::max(seconds_since(state.started), 1e-3))},
          {"done", worker.done},
          {"failed", worker.failed},
          {"p50_ms", worker.p50_ms},
          {"p95_ms", worker.p95_ms},
          {"rss_bytes", rss},
          {"restarts", life == state.lives.end() ? 0 : life->second.restarts},
          {"policy_version", worker.policy_version ? json(*worker.policy_version) : json(nullptr)},
          {"doing", doing}};
}

json pool_json(const StatusState& state, const std::string& role, std::uint32_t desired) {
  std::uint64_t alive = 0;
  double busy = 0;
  for (const auto& [id, worker] : state.workers) {
    if (worker.role != role) continue;
    const auto life = state.lives.find(id);
    if (life == state.lives.end() || life->second.state == "ALIVE") ++alive;
    busy += worker.busy_fraction;
  }
  const double span = std::max(seconds_since(state.started), 1e-3) *
                      std::max<double>(1, static_cast<double>(alive));
  return {{"role", role},
          {"name", role},
          {"desired", desired},
          {"alive", alive},
          {"busy_fraction", std::min(1.0, busy / span)}};
}

std::string full_status(const StatusState& state, const ArmOptions& options,
                        const std::string& curator_json) {
  json status = json::parse(curator_json, nullptr, false);
  if (status.is_discarded()) status = json::object();
  const std::uint64_t rss = resident_bytes();
  status["assay"] = 1;
  status["run"] = options.ledger.run;
  status["arm"] = options.ledger.arm;
  status["max_steps"] = options.flow.dispatch.step_count;
  status["pools"] = {pool_json(state, "generator", options.generator_count),
                     pool_json(state, "verifier", options.verifier_count),
                     pool_json(state, "learner", 1)};
  status["actors"] = json::array();
  for (const auto& [id, worker] : state.workers) {
    status["actors"].push_back(actor_json(state, worker, rss));
  }
  status["staleness"] = {{"bound", options.flow.dispatch.staleness_max},
                         {"histogram", state.staleness}};
  status["alerts"] = json::array();
  return status.dump();
}

void count_staleness(StatusState& state, const std::vector<std::uint64_t>& histogram) {
  if (state.staleness.size() < histogram.size()) state.staleness.resize(histogram.size());
  for (std::size_t i = 0; i < histogram.size(); ++i) state.staleness[i] += histogram[i];
}

}  // namespace

caf::behavior status(Self self, std::shared_ptr<const ArmOptions> options, StepObserver observer) {
  self->state.staleness.resize(options->flow.dispatch.staleness_max + 1);
  return {
      [=](const Watch& watch) {
        self->state.curator = watch.curator;
        self->state.supervisor = caf::actor_cast<caf::actor>(self->current_sender());
      },
      [=](const WorkerLife& life) {
        self->state.lives[life.id] = life;
        WorkerState& known = self->state.workers[life.id];
        known.id = life.id;
        known.role = life.role;
      },
      [=](const ReportState& report) {
        WorkerState& known = self->state.workers[report.state.id];
        if (known.doing != report.state.doing) {
          self->state.doing_since[report.state.id] = std::chrono::steady_clock::now();
        }
        known = report.state;
      },
      [=](const StepDone& done) {
        count_staleness(self->state, done.report.batch.staleness_histogram);
        if (observer && observer(done.report) == StepDecision::kStop) {
          self->send(self->state.supervisor, StopRun{ArmEnd::kStoppedByObserver});
        }
      },
      // Answered once everything sent before has been observed.
      [=](GetStatus) { return CuratorStatus{}; },
      [=](const StatusQuery& query) {
        auto promise = self->make_response_promise<StatusAnswer>();
        const json request = json::parse(query.body, nullptr, false);
        const std::string verb =
            request.is_object() ? request.value("get", std::string("status")) : "status";
        const auto explain = [=](const CuratorStatus& answer) mutable {
          promise.deliver(StatusAnswer{json({{"open", answer.json}}).dump()});
        };
        const auto answer_status = [=](const CuratorStatus& answer) mutable {
          promise.deliver(StatusAnswer{full_status(self->state, *options, answer.json)});
        };
        const auto no_answer = [=](caf::error&) mutable {
          promise.deliver(StatusAnswer{
              json({{"assay", 1}, {"error", "the curator gave no answer within 1 s"}}).dump()});
        };
        if (verb == "describe") {
          const Result<std::uint64_t> group = parse_hex(request.value("group", std::string("0")));
          self->request(self->state.curator, std::chrono::seconds(1),
                        DescribeGroup{GroupId{group ? *group : 0}})
              .then(explain, no_answer);
        } else {
          self->request(self->state.curator, std::chrono::seconds(1), GetStatus{})
              .then(answer_status, no_answer);
        }
        return promise;
      },
  };
}

}  // namespace assay::actors
