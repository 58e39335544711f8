#include "actors/node_hub.h"

#include <chrono>
#include <utility>

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<NodeHubState>*;
using telemetry::LogLevel;
using wire::MessageKind;

struct Team {
  caf::actor curator, supervisor, status;
};

// Who hosts the worker here, if it is this node.
const NodeHubState::Hosted* hosted(const NodeHubState& state, const std::string& worker,
                                   const std::string& node) {
  const auto found = state.workers.find(worker);
  return found != state.workers.end() && found->second.node == node ? &found->second : nullptr;
}

// Decodes a report and hands it on if its node may speak for the worker.
template <class Report, class Take>
void take(Self self, const NodeReported& reported, Take hand_on) {
  NodeHubState& state = self->state;
  Result<Report> report = wire::decode_message<Report>(reported.frame);
  if (!report) {
    state.log.write(LogLevel::kWarn, "node " + reported.node + ": " + report.error().message);
    return;
  }
  const NodeHubState::Hosted* host = hosted(state, report->worker, reported.node);
  // Words of a worker that was sent away may still be on their way.
  if (host == nullptr) return;
  hand_on(*host, std::move(*report));
}

WorkerState state_of(const wire::StateReport& report) {
  const auto now = std::chrono::steady_clock::now();
  WorkerState view;
  view.id = report.worker;
  view.role = is_generator(report.worker) ? "generator" : "verifier";
  view.doing = report.doing;
  view.doing_since = now - std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                               std::chrono::duration<double>(report.doing_s));
  view.busy_s = report.busy_s;
  view.is_busy = report.is_busy;
  view.done = report.done;
  view.failed = report.failed;
  view.p50_ms = report.p50_ms;
  view.p95_ms = report.p95_ms;
  view.policy_version = report.policy_version;
  view.resident_bytes = report.resident_bytes;
  return view;
}

void take_report(Self self, const Team& team, const NodeReported& reported) {
  using Hosted = NodeHubState::Hosted;
  switch (reported.kind) {
    case MessageKind::kWorkerReport:
      return take<wire::WorkerReport>(self, reported, [&](const Hosted& host, auto report) {
        self->send(host.proxy, WorkerSpoke{std::move(report)});
      });
    case MessageKind::kRolloutsReport:
      return take<wire::RolloutsReport>(self, reported, [&](const Hosted&, auto report) {
        RolloutsDrawn drawn{report.worker, {}, report.generated_tokens, report.busy_s};
        for (wire::Rollout& rollout : report.rollouts) {
          drawn.rollouts.push_back(std::make_shared<const wire::Rollout>(std::move(rollout)));
        }
        self->send(team.curator, std::move(drawn));
      });
    case MessageKind::kVerdictsReport:
      return take<wire::VerdictsReport>(self, reported, [&](const Hosted&, auto report) {
        Verdicts verdicts{report.worker, {}, report.busy_s};
        for (wire::JudgedRollout& judged : report.verdicts) {
          verdicts.verdicts.push_back({judged.rollout, judged.attempt, std::move(judged.verdict)});
        }
        self->send(team.curator, std::move(verdicts));
      });
    case MessageKind::kRefusalReport:
      return take<wire::RefusalReport>(self, reported, [&](const Hosted&, auto report) {
        self->send(
            team.curator,
            GenerationRefused{
                report.worker, report.group, {ErrorCode::kInvalidInput, report.why, {}, {}, {}}});
      });
    case MessageKind::kStateReport:
      return take<wire::StateReport>(self, reported, [&](const Hosted&, auto report) {
        self->send(team.status, ReportState{state_of(report)});
      });
    default:
      return;
  }
}

// The events of the cluster as messages to the hub.
ClusterEvents events_for(const caf::actor& hub) {
  ClusterEvents events;
  events.on_joined = [hub](const NodeInfo& node) { caf::anon_send(hub, NodeJoined{node}); };
  events.on_lost = [hub](const std::string& node, const std::string& why) {
    caf::anon_send(hub, NodeGone{node, why});
  };
  events.on_report = [hub](const std::string& node, MessageKind kind, std::string frame) {
    caf::anon_send(hub, NodeReported{node, kind, std::move(frame)});
  };
  return events;
}

}  // namespace

caf::behavior node_hub(Self self, std::shared_ptr<ClusterHead> cluster, telemetry::ActorLog log,
                       caf::actor curator, caf::actor supervisor, caf::actor status) {
  self->state.cluster = cluster;
  self->state.log = std::move(log);
  const Team team{std::move(curator), std::move(supervisor), std::move(status)};
  self->attach_functor([cluster] { cluster->detach(); });
  cluster->attach(events_for(caf::actor_cast<caf::actor>(self)));
  self->set_down_handler([self](const caf::down_msg& down) {
    std::erase_if(self->state.workers,
                  [&](const auto& entry) { return entry.second.proxy.address() == down.source; });
  });

  return {
      [=](const HostedWorker& hosted) {
        self->monitor(hosted.proxy);
        self->state.workers[hosted.worker] = {hosted.node, hosted.proxy};
      },
      [=](const NodeJoined& joined) { self->send(team.supervisor, joined); },
      [=](const NodeGone& gone) {
        // The supervisor first: when the workers fail it must not put them there again.
        self->send(team.supervisor, gone);
        for (const auto& [worker, host] : self->state.workers) {
          if (host.node == gone.node) self->send(host.proxy, gone);
        }
      },
      [=](const NodeReported& reported) { take_report(self, team, reported); },
  };
}

}  // namespace assay::actors
