#include "actors/curator_status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

nlohmann::json queue_json(const char* name, const flow::QueueView& view, std::size_t consumers,
                          double seconds) {
  const double span = std::max(seconds, 1e-3);
  return {{"name", name},
          {"ready", view.ready},
          {"unacked", view.unacked},
          {"limit", view.limit},
          {"bytes", view.bytes},
          {"limit_bytes", view.limit_bytes},
          {"oldest_s", view.oldest_s},
          {"in_per_s", static_cast<double>(view.in) / span},
          {"out_per_s", static_cast<double>(view.out) / span},
          {"redelivered", view.redelivered},
          {"dead", view.dead},
          {"consumers", consumers}};
}

}  // namespace

std::string status_json(const CuratorState& state) {
  const flow::GroupFlow& flow = *state.setup.flow;
  const SteadyTime time = SystemClock().now();
  const double seconds = seconds_since(state.started);
  const auto count = [&](std::string_view role) {
    return static_cast<std::size_t>(
        std::count_if(state.workers.begin(), state.workers.end(),
                      [&](const auto& entry) { return entry.first.starts_with(role); }));
  };
  const flow::QueueView prompts = flow.prompts_queue(time), verify = flow.to_verify_queue(time),
                        train = flow.to_train_queue(time);
  const flow::Accounting accounting = flow.accounting();
  nlohmann::json dropped = nlohmann::json::object();
  for (const auto& [reason, groups] : accounting.dropped) {
    dropped[std::string(wire::to_string(reason))] = groups;
  }
  const std::string bottleneck = train.ready + train.unacked > 0 ? "learner"
                                 : verify.ready > 0              ? "to_verify"
                                                                 : "generator";
  const nlohmann::json status = {{"step", flow.version().value},
                                 {"policy_version", flow.version().value},
                                 {"uptime_s", seconds},
                                 {"state", state.is_draining ? "draining" : "running"},
                                 {"queues",
                                  {queue_json("prompts", prompts, count("generator"), seconds),
                                   queue_json("to_verify", verify, count("verifier"), seconds),
                                   queue_json("to_train", train, 1, seconds)}},
                                 {"waiting", flow.waiting_sentence()},
                                 {"bottleneck", bottleneck},
                                 {"accounting",
                                  {{"issued", accounting.issued},
                                   {"consumed", accounting.consumed},
                                   {"dropped", dropped},
                                   {"open", accounting.open}}}};
  return status.dump();
}

}  // namespace assay::actors
