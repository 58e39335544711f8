#include "actors/curator_status.h"

#include <algorithm>

#include "runtime/core/clock.h"
#include "runtime/core/json.h"

namespace assay::actors {

namespace {

nlohmann::json queue_json(const char* name, const flow::QueueView& view, std::size_t consumers,
                          const QueueRates& rates, SteadyTime time) {
  return {{"name", name},
          {"ready", view.ready},
          {"unacked", view.unacked},
          {"limit", view.limit},
          {"bytes", view.bytes},
          {"limit_bytes", view.limit_bytes},
          {"oldest_s", view.oldest_s},
          {"in_per_s", rates.in.per_s(time, static_cast<double>(view.in))},
          {"out_per_s", rates.out.per_s(time, static_cast<double>(view.out))},
          {"redelivered", view.redelivered},
          {"dead", view.dead},
          {"consumers", consumers}};
}

}  // namespace

void count_queues(CuratorState& state, SteadyTime time) {
  const flow::GroupFlow& flow = *state.setup.flow;
  const auto add = [&](QueueRates& rates, const flow::QueueView& view) {
    rates.in.add(time, static_cast<double>(view.in));
    rates.out.add(time, static_cast<double>(view.out));
  };
  add(state.prompts_rates, flow.prompts_queue(time));
  add(state.to_verify_rates, flow.to_verify_queue(time));
  add(state.to_train_rates, flow.to_train_queue(time));
}

std::string status_json(const CuratorState& state) {
  const flow::GroupFlow& flow = *state.setup.flow;
  const SteadyTime time = SystemClock().now();
  const double seconds = seconds_since(state.started);
  const auto generators = static_cast<std::size_t>(
      std::count_if(state.workers.begin(), state.workers.end(),
                    [](const auto& entry) { return is_generator(entry.first); }));
  nlohmann::json pools = nlohmann::json::object();
  for (const auto& [pool, queue] : flow.to_verify_queues(time)) {
    pools[pool] = {
        {"ready", queue.ready}, {"unacked", queue.unacked}, {"oldest_s", queue.oldest_s}};
  }
  const flow::QueueView prompts = flow.prompts_queue(time), verify = flow.to_verify_queue(time),
                        train = flow.to_train_queue(time);
  const flow::Accounting accounting = flow.accounting();
  nlohmann::json dropped = nlohmann::json::object();
  for (const auto& [reason, groups] : accounting.dropped) {
    dropped[std::string(wire::to_string(reason))] = groups;
  }
  const nlohmann::json status = {
      {"step", flow.version().value},
      {"policy_version", flow.version().value},
      {"uptime_s", seconds},
      {"stage", "training"},
      {"state", state.is_draining ? "draining" : "running"},
      {"queues",
       {queue_json("prompts", prompts, generators, state.prompts_rates, time),
        queue_json("to_verify", verify, state.workers.size() - generators, state.to_verify_rates,
                   time),
        queue_json("to_train", train, 1, state.to_train_rates, time)}},
      {"verifier_queues", pools},
      {"waiting", flow.waiting_sentence()},
      {"accounting",
       {{"issued", accounting.issued},
        {"consumed", accounting.consumed},
        {"dropped", dropped},
        {"open", accounting.open}}}};
  return json_text(status);
}

}  // namespace assay::actors
