#include "actors/actor_bench.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "actors/scheduling.h"
#include "runtime/core/ceiling.h"

namespace assay::actors {

struct CountMessages {};

}  // namespace assay::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(assay::actors::CountMessages)

namespace assay::actors {
namespace {

constexpr std::chrono::seconds kRoundTimeout{60};
constexpr std::size_t kMessageBytes = 128;  // about what one takes, its list node included

using Clock = std::chrono::steady_clock;

// Answers a word with the next one. Every actor here takes an argument, because CAF's own code
// reads through a null pointer where one has none.
caf::behavior echo(caf::event_based_actor*, std::uint64_t step) {
  return {[step](std::uint64_t word) { return word + step; }};
}

// Sends request after request and keeps how long each took.
struct PingState {
  std::shared_ptr<std::vector<double>> times;
  Clock::time_point sent;
  std::uint64_t left = 0;
  caf::response_promise done;
};

void send_next(caf::stateful_actor<PingState>* self, const caf::actor& other) {
  PingState& state = self->state;
  if (state.left == 0) return state.done.deliver(std::uint64_t{0});
  state.sent = Clock::now();
  self->request(other, kRoundTimeout, state.left)
      .then(
          [=](std::uint64_t answer) {
            PingState& now = self->state;
            ASSAY_CHECK(answer == now.left + 1, "an answer belongs to its request");
            const std::chrono::duration<double, std::micro> spent = Clock::now() - now.sent;
            now.times->push_back(spent.count());
            --now.left;
            send_next(self, other);
          },
          [=](caf::error& failure) { self->state.done.deliver(std::move(failure)); });
}

// Answers a count with 0 once that many requests have been answered.
caf::behavior ping(caf::stateful_actor<PingState>* self, caf::actor other,
                   std::shared_ptr<std::vector<double>> times) {
  self->state.times = std::move(times);
  return {[=](std::uint64_t count) {
    self->state.left = count;
    self->state.done = self->make_response_promise();
    send_next(self, other);
    return self->state.done;
  }};
}

struct SinkState {
  std::uint64_t seen = 0;
};

// Counts what arrives, and starts again from `first` whenever it is asked.
caf::behavior sink(caf::stateful_actor<SinkState>* self, std::uint64_t first) {
  self->state.seen = first;
  return {[=](std::uint64_t) { ++self->state.seen; },
          [=](CountMessages) { return std::exchange(self->state.seen, first); }};
}

// Sends as many messages as it is told and answers with how many of them arrived.
caf::behavior flood(caf::event_based_actor* self, caf::actor target) {
  return {[=](std::uint64_t count) {
    auto done = self->make_response_promise<std::uint64_t>();
    for (std::uint64_t i = 0; i < count; ++i) self->send(target, i);
    self->request(target, kRoundTimeout, CountMessages{})
        .then([=](std::uint64_t seen) mutable { done.deliver(seen); },
              [=](caf::error& failure) mutable { done.deliver(std::move(failure)); });
    return done;
  }};
}

// Asks `worker` to do a count of things; its own answer, or that there was none.
Result<std::uint64_t> ask(caf::scoped_actor& self, const caf::actor& worker, std::uint64_t count) {
  Result<std::uint64_t> outcome =
      Error{ErrorCode::kTimedOut, "an actor of the benchmark gave no answer", "", "", ""};
  self->request(worker, 2 * kRoundTimeout, count)
      .receive([&](std::uint64_t answer) { outcome = answer; }, [](caf::error&) {});
  return outcome;
}

// The actors of the benchmark; they leave when it ends, however it ends.
struct Team {
  explicit Team(caf::actor_system& system)
      : echoes{system.spawn(echo, std::uint64_t{1}),
               system.spawn<caf::detached>(echo, std::uint64_t{1})},
        pings{system.spawn(ping, echoes[0], times), system.spawn(ping, echoes[1], times)},
        sink_actor(system.spawn(sink, std::uint64_t{0})),
        flooder(system.spawn(flood, sink_actor)) {}
  ~Team() {
    for (const caf::actor& one : {echoes[0], echoes[1], pings[0], pings[1], sink_actor, flooder}) {
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    }
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  std::shared_ptr<std::vector<double>> times = std::make_shared<std::vector<double>>();
  caf::actor echoes[2], pings[2], sink_actor, flooder;
};

Series latency(const char* name, const char* ceiling, std::optional<Goal> goal = {}) {
  return Series(
      {.name = name, .unit = "us", .ceiling = ceiling, .better = Better::kLower, .goal = goal});
}

}  // namespace

Result<std::vector<Figure>> actor_bench(const ActorBenchOptions& options) {
  constexpr double kGoalUs = 200;
  caf::actor_system_config config;
  set_scheduling(config);
  caf::actor_system system(config);
  caf::scoped_actor self(system);
  const Team team(system);
  Series p50[] = {latency("actor_round_trip_p50_us", "pipe_round_trip_p50_us"),
                  latency("detached_round_trip_p50_us", "pipe_round_trip_p50_us")};
  Series p99[] = {
      latency("actor_round_trip_p99_us", "pipe_round_trip_p99_us", {{Goal::Of::kValue, kGoalUs}}),
      latency("detached_round_trip_p99_us", "pipe_round_trip_p99_us",
              {{Goal::Of::kValue, kGoalUs}})};
  Series rate(
      {.name = "actor_messages_per_s", .unit = "messages/s", .ceiling = "allocations_per_s"});
  for (std::size_t round = 0; round < options.repeats; ++round) {
    for (std::size_t kind = 0; kind < std::size(team.pings); ++kind) {
      const Result<Latency> bare = pipe_round_trip_us(options.requests);
      if (!bare) return bare.error();
      team.times->clear();
      if (auto done = ask(self, team.pings[kind], options.requests); !done) return done.error();
      const Latency ours = latency_of(*team.times);
      p50[kind].add(ours.p50, bare->p50);
      p99[kind].add(ours.p99, bare->p99);
    }
    const double allocations = allocations_per_s(kMessageBytes);
    Result<std::uint64_t> seen{std::uint64_t{0}};
    const double seconds = seconds_of([&] { seen = ask(self, team.flooder, options.messages); });
    if (!seen) return seen.error();
    ASSAY_CHECK(*seen == options.messages, "an actor receives every message that was sent to it");
    rate.add(static_cast<double>(*seen) / seconds, allocations);
  }
  return std::vector<Figure>{p50[0].figure(), p99[0].figure(), p50[1].figure(), p99[1].figure(),
                             rate.figure()};
}

}  // namespace assay::actors
