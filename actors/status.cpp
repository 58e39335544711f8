#include "actors/status.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <utility>

#include "runtime/core/clock.h"
#include "runtime/core/json.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<StatusState>*;
using nlohmann::json;

constexpr std::size_t kAlertsKept = 64;

SteadyTime now() {
  return SystemClock().now();
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

StatusFacts facts_of(const ArmOptions& options) {
  StatusFacts facts;
  facts.run = options.ledger.run;
  facts.arm = options.ledger.arm;
  facts.max_steps = options.flow.dispatch.step_count;
  facts.staleness_bound = options.flow.dispatch.staleness_max;
  facts.staleness.resize(facts.staleness_bound + 1);
  for (const auto& [pool, plan] : options.pools) {
    facts.pools.push_back({pool == kGeneratorPool ? "generator" : "verifier", pool, plan.replicas});
  }
  facts.pools.push_back({"learner", "learner", 1});
  return facts;
}

std::string full_status(StatusFacts& facts, const std::string& curator) {
  facts.resident_bytes = resident_bytes();
  return status_document(facts, curator, now());
}

void note_worker(StatusFacts& facts, const WorkerState& reported) {
  const SteadyTime time = now();
  // The last word of a worker may come after the news that it left.
  const bool is_known = facts.workers.contains(reported.id) || reported.role == "learner";
  if (!is_known) return;
  WatchedWorker& worker = facts.workers.try_emplace(reported.id, facts.started).first->second;
  // What keeps a worker alive, only its supervisor knows.
  const WorkerState before = std::exchange(worker.last, reported);
  worker.last.state = before.state;
  worker.last.restarts = before.restarts;
  worker.last.node = before.node;
  worker.busy.add(time, busy_seconds(reported, time));
}

void note_life(StatusFacts& facts, const WorkerLife& life) {
  if (life.state == "LEFT") {
    facts.workers.erase(life.id);
    return;
  }
  WorkerState& worker = facts.workers.try_emplace(life.id, facts.started).first->second.last;
  worker.id = life.id;
  worker.role = life.role;
  worker.state = life.state;
  worker.restarts = life.restarts;
  worker.node = life.node;
  worker.is_busy = false;
  worker.doing.clear();
}

void note_size(StatusFacts& facts, const PoolSize& size) {
  for (PoolOptions& pool : facts.pools) {
    if (pool.name == size.pool) pool.desired = size.wanted;
  }
}

void remember(StatusFacts& facts, std::vector<algo::HealthAlert> alerts) {
  for (algo::HealthAlert& alert : alerts) facts.alerts.push_back(std::move(alert));
  if (facts.alerts.size() > kAlertsKept) {
    facts.alerts.erase(facts.alerts.begin(), facts.alerts.end() - kAlertsKept);
  }
}

void count_staleness(StatusFacts& facts, const std::vector<std::uint64_t>& histogram) {
  if (facts.staleness.size() < histogram.size()) facts.staleness.resize(histogram.size());
  for (std::size_t i = 0; i < histogram.size(); ++i) facts.staleness[i] += histogram[i];
}

// A text of a request, which is foreign: empty when there is none.
std::string word_of(const json& request, const char* key) {
  if (!request.is_object()) return "";
  const auto found = request.find(key);
  return found != request.end() && found->is_string() ? found->get<std::string>() : "";
}

// {"scale": {"math": 8}}: the sizes asked for, by pool.
Result<ResizePools> sizes_of(const json& request) {
  ResizePools sizes;
  const json& asked = request.at("scale");
  const auto is_size = [](const json& value) { return value.is_number_unsigned(); };
  if (!asked.is_object() || asked.empty() || !std::all_of(asked.begin(), asked.end(), is_size)) {
    return Error{ErrorCode::kInvalidInput,
                 "a request to scale names pools and their sizes",
                 "ask for example for {\"scale\": {\"math\": 8}}",
                 {},
                 {}};
  }
  for (const auto& [pool, size] : asked.items()) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    sizes.sizes[pool] = static_cast<std::uint32_t>(std::min(size.get<std::uint64_t>(), kMost));
  }
  return sizes;
}

std::string refusal_text(const Error& error) {
  return json_text(json({{"assay", 1},
                         {"error", error.message},
                         {"remedy", error.remedy},
                         {"is_refused", error.code == ErrorCode::kInvalidInput}}));
}

std::string resized_text(const PoolsResized& resized) {
  if (resized.refusal) return refusal_text(*resized.refusal);
  json pools = json::object();
  for (const auto& [pool, sizes] : resized.sizes) {
    pools[pool] = {{"before", sizes.first}, {"desired", sizes.second}};
  }
  return json_text(json({{"assay", 1}, {"pools", std::move(pools)}}));
}

}  // namespace

caf::behavior status(Self self, std::shared_ptr<const ArmOptions> options, caf::actor observer) {
  self->state.facts = facts_of(*options);
  return {
      [=](const Watch& watch) {
        self->state.curator = watch.curator;
        self->state.supervisor = caf::actor_cast<caf::actor>(self->current_sender());
      },
      [=](const WorkerLife& life) { note_life(self->state.facts, life); },
      [=](const PoolSize& size) { note_size(self->state.facts, size); },
      [=](const ReportState& report) { note_worker(self->state.facts, report.state); },
      [=](const StepDone& done) {
        count_staleness(self->state.facts, done.report.batch.staleness_histogram);
        self->send(observer, done);
      },
      [=](const Observed& seen) {
        remember(self->state.facts, seen.finding.alerts);
        if (seen.finding.decision == StepDecision::kStop) {
          self->send(self->state.supervisor, StopRun{ArmEnd::kStoppedByObserver});
        }
      },
      // Answered once every step before has been passed on.
      [=](GetStatus) { return CuratorStatus{}; },
      [=](const StatusQuery& query) {
        auto promise = self->make_response_promise<StatusAnswer>();
        const json request = parse_json(query.body);
        const std::string verb = word_of(request, "get");
        const auto explain = [=](const CuratorStatus& answer) mutable {
          promise.deliver(StatusAnswer{json_text(json({{"open", answer.json}}))});
        };
        const auto answer_status = [=](const CuratorStatus& answer) mutable {
          promise.deliver(StatusAnswer{full_status(self->state.facts, answer.json)});
        };
        const auto no_answer = [=](caf::error&) mutable {
          promise.deliver(StatusAnswer{
              json_text(json({{"assay", 1}, {"error", "the curator gave no answer within 1 s"}}))});
        };
        if (request.is_object() && request.contains("scale")) {
          const Result<ResizePools> sizes = sizes_of(request);
          if (!sizes) {
            promise.deliver(StatusAnswer{refusal_text(sizes.error())});
            return promise;
          }
          const auto tell = [=](const PoolsResized& resized) mutable {
            promise.deliver(StatusAnswer{resized_text(resized)});
          };
          const auto give_up = [=](caf::error&) mutable {
            promise.deliver(StatusAnswer{refusal_text({ErrorCode::kUnavailable,
                                                       "the supervisor gave no answer within 5 s",
                                                       "ask again",
                                                       {},
                                                       {}})});
          };
          self->request(self->state.supervisor, std::chrono::seconds(5), *sizes)
              .then(tell, give_up);
        } else if (verb == "describe") {
          const Result<std::uint64_t> group = parse_hex(word_of(request, "group"));
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
