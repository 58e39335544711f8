#include "actors/status_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "runtime/core/json.h"

namespace assay::actors {

namespace {

using nlohmann::json;

constexpr double kBusyEnough = 0.5;

SteadyTime steady(std::chrono::steady_clock::time_point time) {
  return std::chrono::time_point_cast<std::chrono::microseconds>(time);
}

double seconds_between(SteadyTime from, SteadyTime to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

double busy_fraction(const WatchedWorker& worker, SteadyTime now) {
  return std::clamp(worker.busy.per_s(now, busy_seconds(worker.last, now)), 0.0, 1.0);
}

std::string doing_text(const WorkerState& worker, SteadyTime now) {
  if (worker.doing.empty()) return "";
  char text[32];
  std::snprintf(text, sizeof text, " for %.1f s", seconds_between(steady(worker.doing_since), now));
  return worker.doing + text;
}

json actor_json(const WatchedWorker& watched, std::uint64_t resident_bytes, SteadyTime now) {
  const WorkerState& worker = watched.last;
  return {{"id", worker.id},
          {"role", worker.role},
          {"node", worker.node},
          {"state", worker.state},
          {"busy_fraction", busy_fraction(watched, now)},
          {"done", worker.done},
          {"failed", worker.failed},
          {"p50_ms", worker.p50_ms},
          {"p95_ms", worker.p95_ms},
          {"rss_bytes", worker.resident_bytes > 0 ? worker.resident_bytes : resident_bytes},
          {"restarts", worker.restarts},
          {"policy_version", worker.policy_version ? json(*worker.policy_version) : json(nullptr)},
          {"doing", doing_text(worker, now)}};
}

struct Pool {
  PoolOptions options;
  std::uint64_t alive = 0;
  double busy_fraction = 0;  // mean of its workers
};

Pool pool_of(const StatusFacts& facts, const PoolOptions& options, SteadyTime now) {
  Pool pool{options};
  std::uint64_t known = 0;
  for (const auto& [id, worker] : facts.workers) {
    if (flow::pool_of(id) != options.name) continue;
    ++known;
    if (worker.last.state == "ALIVE") ++pool.alive;
    pool.busy_fraction += busy_fraction(worker, now);
  }
  if (known > 0) pool.busy_fraction /= static_cast<double>(known);
  return pool;
}

json alert_json(const algo::HealthAlert& alert) {
  const auto finite = [](double value) { return std::isfinite(value) ? json(value) : json(); };
  return {{"step", alert.step},
          {"signal", alert.signal},
          {"level", algo::to_string(alert.level)},
          {"value", finite(alert.value)},
          {"threshold", finite(alert.threshold)},
          {"advice", alert.advice}};
}

const char* queue_of(const std::string& role) {
  if (role == "generator") return "prompts";
  return role == "verifier" ? "to_verify" : "to_train";
}

std::uint64_t ready_in(const json& status, const std::string& queue) {
  for (const json& one : status.value("queues", json::array())) {
    if (one.value("name", "") == queue) return one.value("ready", std::uint64_t{0});
  }
  return 0;
}

// What to change, and by which key, so that the busiest pool is no longer in the way.
std::string advice_for(const Pool& pool, std::uint64_t ready) {
  const std::string busy = std::to_string(std::lround(100 * pool.busy_fraction)) + " % busy";
  const std::string more = std::to_string(2 * pool.options.desired);
  if (pool.options.role == "generator") {
    return "drawing is the bottleneck (" + busy + "): `assay scale generator=" + more +
           "` if cores are free";
  }
  if (pool.options.role == "verifier") {
    return "verifying is the bottleneck (" + pool.options.name + " " + busy + ", " +
           std::to_string(ready) + " rollouts wait): `assay scale " + pool.options.name + "=" +
           more + "` if cores are free";
  }
  return "training is the bottleneck (" + busy + ", " + std::to_string(ready) +
         " groups wait): give it more cores (learner.threads); more generators or verifiers would "
         "not help";
}

void add_bottleneck(const std::vector<Pool>& pools, json& status) {
  const auto busiest = std::max_element(
      pools.begin(), pools.end(),
      [](const Pool& left, const Pool& right) { return left.busy_fraction < right.busy_fraction; });
  if (busiest == pools.end() || busiest->busy_fraction < kBusyEnough) {
    status["bottleneck"] = nullptr;
    status["advice"] = "no pool was busy half of the last seconds";
    return;
  }
  const std::string queue = queue_of(busiest->options.role);
  status["bottleneck"] = queue;
  status["advice"] = advice_for(*busiest, ready_in(status, queue));
}

}  // namespace

double busy_seconds(const WorkerState& worker, SteadyTime now) {
  if (!worker.is_busy) return worker.busy_s;
  return worker.busy_s + seconds_between(steady(worker.doing_since), now);
}

std::string status_document(const StatusFacts& facts, std::string_view curator, SteadyTime now) {
  json status = parse_json(curator);
  if (!status.is_object()) status = json::object();
  status["assay"] = 1;
  status["run"] = facts.run;
  status["arm"] = facts.arm;
  status["max_steps"] = facts.max_steps;
  std::vector<Pool> pools;
  for (const PoolOptions& options : facts.pools) pools.push_back(pool_of(facts, options, now));
  status["pools"] = json::array();
  for (const Pool& pool : pools) {
    status["pools"].push_back({{"role", pool.options.role},
                               {"name", pool.options.name},
                               {"desired", pool.options.desired},
                               {"alive", pool.alive},
                               {"busy_fraction", pool.busy_fraction}});
  }
  status["actors"] = json::array();
  for (const auto& [id, worker] : facts.workers) {
    status["actors"].push_back(actor_json(worker, facts.resident_bytes, now));
  }
  status["staleness"] = {{"bound", facts.staleness_bound}, {"histogram", facts.staleness}};
  status["alerts"] = json::array();
  for (const algo::HealthAlert& alert : facts.alerts) {
    status["alerts"].push_back(alert_json(alert));
  }
  add_bottleneck(pools, status);
  return json_text(status);
}

}  // namespace assay::actors
