#include "actors/node_host.h"

#include <caf/exit_reason.hpp>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "actors/generator.h"
#include "actors/worker_state.h"
#include "runtime/core/limits.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<NodeHostState>*;
using wire::MessageKind;

// So that one report stays far below the largest frame.
constexpr std::size_t kReportBytes = std::size_t{4} << 20;

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// What cannot be sent is lost with the link, which ends this node.
template <class Message>
void control(Self self, const Message& message) {
  static_cast<void>(self->state.setup.links.control->send(wire::encode_message(message)));
}
template <class Message>
void bulk(Self self, const Message& message) {
  static_cast<void>(self->state.setup.links.bulk->send(wire::encode_message(message)));
}

void report_failure(Self self, const std::string& worker, const std::string& why) {
  self->state.setup.tell(worker + " failed: " + why);
  control(self, wire::WorkerReport{worker, wire::WorkerEvent::kFailed, 0,
                                   why.substr(0, limits::kReasonBytesMax)});
}

// ---- workers

void adopt(Self self, const std::string& id, const caf::actor& worker) {
  self->monitor(worker);
  self->state.names[worker.address()] = id;
  self->state.workers[id] = worker;
  self->state.setup.tell(id + " started");
}

void start_verifier(Self self, const std::string& id) {
  const Workshop& shop = *self->state.setup.workshop;
  const std::string pool = flow::pool_of(id);
  const auto found = shop.verifiers.find(pool);
  if (found == shop.verifiers.end()) {
    return report_failure(self, id, "this run has no verifier named '" + pool + "'");
  }
  const VerifierTable own = {{pool, found->second}};
  const caf::actor me = caf::actor_cast<caf::actor>(self);
  VerifierSetup setup{id, pool, verifier_window(own), own, {}};
  adopt(self, id,
        longest_check(own).count() > 0
            ? self->spawn<caf::detached>(verifier, std::move(setup), me, me)
            : self->spawn(verifier, std::move(setup), me, me));
}

void start_generator(Self self, const wire::WorkerOrder& order) {
  const Workshop& shop = *self->state.setup.workshop;
  NodeHostState& state = self->state;
  GeneratorSetup setup;
  setup.id = order.worker;
  setup.run_seed = shop.run_seed;
  setup.groups_max = std::max<std::uint32_t>(
      1, static_cast<std::uint32_t>(shop.generator.max_sequences) / shop.group_size);
  setup.is_pinned = shop.is_deterministic;
  setup.staleness_max = shop.staleness_max;
  setup.sampling = shop.sampling;
  setup.tokenizer = shop.tokenizer;
  const auto& first = setup.is_pinned ? *state.weights.begin() : *state.weights.rbegin();
  setup.version = first.first;
  if (setup.is_pinned) setup.weights = state.weights;
  Result<std::unique_ptr<gpu::Generator>> engine =
      gpu::make_generator(shop.backend, first.second, shop.generator);
  if (!engine) return report_failure(self, order.worker, engine.error().message);
  setup.engine = std::move(*engine);
  const caf::actor me = caf::actor_cast<caf::actor>(self);
  adopt(self, order.worker, self->spawn<caf::detached>(generator, std::move(setup), me, me, me));
}

// In deterministic mode every version counts, else the newest that is here will do.
bool has_weights_for(const NodeHostState& state, const wire::WorkerOrder& order) {
  if (state.weights.empty()) return false;
  if (!state.setup.workshop->is_deterministic) return true;
  return std::all_of(order.versions.begin(), order.versions.end(),
                     [&](std::uint64_t version) { return state.weights.contains(version); });
}

void start_waiting(Self self) {
  NodeHostState& state = self->state;
  for (auto order = state.waiting.begin(); order != state.waiting.end();) {
    if (!has_weights_for(state, *order)) {
      ++order;
      continue;
    }
    start_generator(self, *order);
    order = state.waiting.erase(order);
  }
}

void stop_worker(Self self, const std::string& id) {
  NodeHostState& state = self->state;
  std::erase_if(state.waiting, [&](const auto& order) { return order.worker == id; });
  const auto worker = state.workers.find(id);
  if (worker == state.workers.end()) return;
  self->demonitor(worker->second.address());
  state.names.erase(worker->second.address());
  caf::anon_send<caf::message_priority::high>(
      worker->second, caf::exit_msg{caf::actor_addr{}, caf::exit_reason::user_shutdown});
  state.workers.erase(worker);
  state.setup.tell(id + " stopped");
}

void obey(Self self, const wire::WorkerOrder& order) {
  stop_worker(self, order.worker);
  if (!order.is_start) return;
  if (!is_generator(order.worker)) return start_verifier(self, order.worker);
  self->state.waiting.push_back(order);
  start_waiting(self);
}

template <class Message>
void pass_on(Self self, const std::string& worker, Message message) {
  const auto found = self->state.workers.find(worker);
  if (found != self->state.workers.end()) self->send(found->second, std::move(message));
}

// ---- work

void obey(Self self, const wire::GenerateOrder& order) {
  pass_on(self, order.worker,
          Generate{order.group, order.prompt, order.indices, order.prompt_tokens, order.version});
}

void obey(Self self, const wire::CancelOrder& order) {
  pass_on(self, order.worker, Cancel{order.group});
}

void obey(Self self, wire::VerifyOrder order) {
  std::vector<PromptPtr> prompts;
  for (wire::Prompt& prompt : order.prompts) {
    prompts.push_back(std::make_shared<const wire::Prompt>(std::move(prompt)));
  }
  Verify work;
  for (wire::VerifyTask& task : order.tasks) {
    auto rollout = std::make_shared<wire::Rollout>();
    rollout->id = task.rollout;
    rollout->completion = std::move(task.completion);
    work.items.push_back({std::move(rollout), prompts.at(task.prompt), task.attempt});
  }
  pass_on(self, order.worker, std::move(work));
}

// ---- weights

void ask_for_chunks(Self self) {
  for (const wire::WeightsRequest& request : self->state.fetch->next_requests()) {
    bulk(self, request);
  }
}

void begin_fetch(Self self) {
  NodeHostState& state = self->state;
  while (!state.fetch && !state.wanted.empty()) {
    Result<net::WeightFetch> begun =
        net::WeightFetch::begin(state.wanted.front(), net::kWeightsImageBytesMax);
    if (begun) {
      state.fetch = std::move(*begun);
      ask_for_chunks(self);
    } else {
      state.setup.tell(begun.error().message);
      state.wanted.pop_front();
    }
  }
}

void obey(Self self, const wire::WeightsNotice& notice) {
  NodeHostState& state = self->state;
  const auto known = state.weights.find(notice.version.value);
  if (known != state.weights.end() && known->second->digest() == notice.digest) return;
  const auto is_same = [&](const wire::WeightsNotice& other) {
    return other.version == notice.version && other.digest == notice.digest;
  };
  if (std::any_of(state.wanted.begin(), state.wanted.end(), is_same)) return;
  // Where versions are not pinned only the newest is worth its way; the one on its way arrives.
  if (!state.setup.workshop->is_deterministic) {
    while (state.wanted.size() > 1) state.wanted.pop_back();
  }
  state.wanted.push_back(notice);
  begin_fetch(self);
}

void weights_are_here(Self self) {
  NodeHostState& state = self->state;
  const wire::WeightsNotice notice = state.fetch->notice();
  const Workshop& shop = *state.setup.workshop;
  Result<std::shared_ptr<const gpu::Weights>> made =
      gpu::make_weights(shop.backend, shop.model, notice.version, state.fetch->image());
  state.fetch.reset();
  state.wanted.pop_front();
  if (made && (*made)->digest() == notice.digest) {
    // Another arm begins again from the first version.
    if (!state.weights.empty() && notice.version.value < state.weights.begin()->first) {
      state.weights.clear();
    }
    keep_recent(state.weights, *made, shop.is_deterministic ? shop.staleness_max : 0);
    for (const auto& [id, worker] : state.workers) {
      if (is_generator(id)) self->send(worker, NewWeights{*made});
    }
    start_waiting(self);
  } else {
    state.setup.tell("weights of version " + std::to_string(notice.version.value) +
                     (made ? " have another digest than announced" : ": " + made.error().message));
  }
  begin_fetch(self);
}

void take_chunk(Self self, const wire::WeightsChunk& chunk) {
  NodeHostState& state = self->state;
  if (!state.fetch) return;
  if (auto taken = state.fetch->take(chunk); !taken) {
    if (taken.error().code != ErrorCode::kNotFound) return state.setup.tell(taken.error().message);
    state.fetch.reset();  // newer ones exist
    state.wanted.pop_front();
    return begin_fetch(self);
  }
  if (state.fetch->is_complete()) return weights_are_here(self);
  ask_for_chunks(self);
}

// ---- the head speaks

template <class Message>
void obey_frame(Self self, const std::string& frame) {
  Result<Message> message = wire::decode_message<Message>(frame);
  if (!message) return self->state.setup.tell(message.error().message);
  obey(self, std::move(*message));
}

void listen_to(Self self, const std::string& frame) {
  const Result<MessageKind> kind = wire::kind_of(frame);
  if (!kind) return self->state.setup.tell(kind.error().message);
  switch (*kind) {
    case MessageKind::kWorkerOrder:
      return obey_frame<wire::WorkerOrder>(self, frame);
    case MessageKind::kGenerateOrder:
      return obey_frame<wire::GenerateOrder>(self, frame);
    case MessageKind::kCancelOrder:
      return obey_frame<wire::CancelOrder>(self, frame);
    case MessageKind::kVerifyOrder:
      return obey_frame<wire::VerifyOrder>(self, frame);
    case MessageKind::kWeightsNotice:
      return obey_frame<wire::WeightsNotice>(self, frame);
    case MessageKind::kWeightsChunk: {
      const auto chunk = wire::decode_message<wire::WeightsChunk>(frame);
      if (chunk) return take_chunk(self, *chunk);
      return self->state.setup.tell(chunk.error().message);
    }
    default:
      return;
  }
}

// ---- workers speak

void report_rollouts(Self self, const RolloutsDrawn& drawn) {
  wire::RolloutsReport report{drawn.worker, {}, drawn.generated_tokens, drawn.busy_s};
  std::size_t bytes = 0;
  for (const RolloutPtr& rollout : drawn.rollouts) {
    report.rollouts.push_back(*rollout);
    bytes += rollout->completion.size() +
             4 * (rollout->prompt_tokens.size() + 3 * rollout->completion_tokens.size());
    if (bytes < kReportBytes) continue;
    bulk(self, report);
    report.rollouts.clear();
    bytes = 0;
  }
  if (!report.rollouts.empty()) bulk(self, report);
}

void report_verdicts(Self self, const Verdicts& answer) {
  wire::VerdictsReport report{answer.worker, {}, answer.busy_s};
  for (const Judged& judged : answer.verdicts) {
    report.verdicts.push_back({judged.rollout, judged.attempt, judged.verdict});
  }
  bulk(self, report);
}

wire::StateReport report_of(const WorkerState& view) {
  wire::StateReport report;
  report.worker = view.id;
  report.doing = view.doing;
  report.doing_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - view.doing_since).count();
  report.busy_s = view.busy_s;
  report.is_busy = view.is_busy;
  report.done = view.done;
  report.failed = view.failed;
  report.p50_ms = view.p50_ms;
  report.p95_ms = view.p95_ms;
  report.policy_version = view.policy_version;
  report.resident_bytes = resident_bytes();
  return report;
}

void worker_died(Self self, const caf::down_msg& down) {
  NodeHostState& state = self->state;
  const auto known = state.names.find(down.source);
  if (known == state.names.end()) return;
  const std::string id = known->second;
  state.names.erase(known);
  state.workers.erase(id);
  report_failure(self, id, "it died: " + to_string(down.reason));
}

}  // namespace

caf::behavior node_host(Self self, NodeHostSetup setup) {
  self->state.setup = std::move(setup);
  self->set_down_handler([self](const caf::down_msg& down) { worker_died(self, down); });
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    for (const auto& [id, worker] : std::map(self->state.workers)) stop_worker(self, id);
    self->quit(exit.reason);
  });

  return {
      [=](const HeadSpoke& spoke) { listen_to(self, spoke.frame); },
      [=](const GeneratorReady& ready) {
        control(self,
                wire::WorkerReport{ready.worker, wire::WorkerEvent::kReady, ready.groups_max, {}});
      },
      [=](const VerifierReady& ready) {
        control(self, wire::WorkerReport{
                          ready.worker, wire::WorkerEvent::kReady, ready.rollouts_max, {}});
      },
      [=](const RolloutsDrawn& drawn) { report_rollouts(self, drawn); },
      [=](const Verdicts& answer) { report_verdicts(self, answer); },
      [=](const GenerationRefused& refused) {
        control(self,
                wire::RefusalReport{refused.worker, refused.group,
                                    refused.error.message.substr(0, limits::kReasonBytesMax)});
      },
      [=](const WorkerFailed& failed) {
        stop_worker(self, failed.worker);
        report_failure(self, failed.worker, failed.error.message);
      },
      [=](const ReportState& report) { control(self, report_of(report.state)); },
  };
}

}  // namespace assay::actors
