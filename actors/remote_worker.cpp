#include "actors/remote_worker.h"

#include <map>
#include <utility>

#include "actors/node_hub.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<RemoteWorkerState>*;

void announce(const RemoteWorkerSetup& setup, const std::shared_ptr<const gpu::Weights>& weights) {
  setup.cluster->publish(weights);
  setup.cluster->order(
      setup.node, wire::encode_message(wire::WeightsNotice{weights->version(), weights->digest(),
                                                           weights->image().size()}));
}

void ask_for_worker(const RemoteWorkerSetup& setup) {
  wire::WorkerOrder order;
  order.worker = setup.id;
  for (const auto& [version, weights] : setup.weights) {
    announce(setup, weights);
    order.versions.push_back(version);
  }
  setup.cluster->order(setup.node, wire::encode_message(order));
}

// Cuts work into orders that stay far below the largest frame. Rollouts of one group share their
// prompt.
class OrderCutter {
 public:
  explicit OrderCutter(const RemoteWorkerSetup& setup) : setup_(setup) {}

  void add(const VerifyItem& item) {
    const auto [place, is_new] =
        places_.try_emplace(item.prompt.get(), static_cast<std::uint32_t>(order_.prompts.size()));
    if (is_new) {
      order_.prompts.push_back(*item.prompt);
      bytes_ +=
          item.prompt->text.size() + item.prompt->reference.size() + item.prompt->columns.size();
    }
    order_.tasks.push_back(
        {item.rollout->id, item.attempt, place->second, item.rollout->completion});
    bytes_ += item.rollout->completion.size();
    if (bytes_ >= kOrderBytes) send();
  }

  void send() {
    if (order_.tasks.empty()) return;
    order_.worker = setup_.id;
    setup_.cluster->order_bulk(setup_.node, wire::encode_message(order_));
    order_ = {};
    places_.clear();
    bytes_ = 0;
  }

 private:
  static constexpr std::size_t kOrderBytes = std::size_t{4} << 20;

  const RemoteWorkerSetup& setup_;
  wire::VerifyOrder order_;
  std::map<const wire::Prompt*, std::uint32_t> places_;
  std::size_t bytes_ = 0;
};

}  // namespace

caf::behavior remote_worker(Self self, RemoteWorkerSetup setup, caf::actor hub, caf::actor curator,
                            caf::actor supervisor) {
  self->state.setup = std::move(setup);
  self->send(hub, HostedWorker{self->state.setup.id, self->state.setup.node,
                               caf::actor_cast<caf::actor>(self)});
  ask_for_worker(self->state.setup);
  const auto order = [self](const auto& message) {
    const RemoteWorkerSetup& own = self->state.setup;
    own.cluster->order(own.node, wire::encode_message(message));
  };
  const auto order_bulk = [self](const auto& message) {
    const RemoteWorkerSetup& own = self->state.setup;
    own.cluster->order_bulk(own.node, wire::encode_message(message));
  };
  const auto id = [self] { return self->state.setup.id; };

  self->set_exit_handler([=](const caf::exit_msg& exit) {
    order(wire::WorkerOrder{id(), false, {}});
    self->quit(exit.reason);
  });
  return {
      [=](const Generate& work) {
        order_bulk(wire::GenerateOrder{id(), work.group, work.prompt, work.indices,
                                       work.prompt_tokens, work.version});
      },
      // On the same link, so that it does not overtake what it cancels.
      [=](const Cancel& cancel) {
        order_bulk(wire::CancelOrder{id(), cancel.group});
      },
      [=](const NewWeights& update) { announce(self->state.setup, update.weights); },
      [=](const Verify& work) {
        OrderCutter cutter(self->state.setup);
        for (const VerifyItem& item : work.items) cutter.add(item);
        cutter.send();
      },
      [=](const WorkerSpoke& spoke) {
        const wire::WorkerReport& report = spoke.report;
        if (report.event == wire::WorkerEvent::kFailed) {
          self->send(supervisor,
                     WorkerFailed{id(), {ErrorCode::kUnavailable, report.why, {}, {}, {}}, false});
        } else if (report.event == wire::WorkerEvent::kReady && is_generator(id())) {
          self->send(curator, GeneratorReady{id(), report.window});
        } else if (report.event == wire::WorkerEvent::kReady) {
          self->send(curator, VerifierReady{id(), flow::pool_of(id()), report.window});
        }
      },
      [=](const NodeGone& gone) {
        self->send(supervisor, WorkerFailed{id(),
                                            {ErrorCode::kUnavailable,
                                             "node " + gone.node + " is lost: " + gone.why,
                                             {},
                                             {},
                                             {}},
                                            true});
      },
  };
}

}  // namespace assay::actors
