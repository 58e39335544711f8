#include "actors/node.h"

#include <sys/random.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "actors/scheduling.h"

namespace assay::actors {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBulkFrameBytesMax = std::size_t{16} << 20;
constexpr std::chrono::milliseconds kLookInterval{100};
constexpr std::chrono::milliseconds kRetryFirst{200}, kRetryLast{3000};

// What comes from the links before and after the host's actor is there.
class Inbox {
 public:
  void push(std::string frame) {
    const std::lock_guard lock(mutex_);
    if (host_) {
      caf::anon_send(host_, HeadSpoke{std::move(frame)});
    } else {
      waiting_.push_back(std::move(frame));
      changed_.notify_all();
    }
  }
  void lose(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (!lost_) lost_ = why;
    changed_.notify_all();
  }

  // The first frame of the head; nothing when none comes in time or the link is lost.
  std::optional<std::string> first(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return lost_ || !waiting_.empty(); });
    if (waiting_.empty()) return std::nullopt;
    std::string frame = std::move(waiting_.front());
    waiting_.pop_front();
    return frame;
  }
  void hand_over_to(const caf::actor& host) {
    const std::lock_guard lock(mutex_);
    host_ = host;
    for (std::string& frame : waiting_) caf::anon_send(host_, HeadSpoke{std::move(frame)});
    waiting_.clear();
  }
  // Ends the delivery; nothing refers to the actor afterwards.
  void close() {
    const std::lock_guard lock(mutex_);
    host_ = nullptr;
  }
  std::optional<std::string> lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
  }
  bool wait_for_loss(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return lost_.has_value(); });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  std::optional<std::string> lost_;
  caf::actor host_;
};

std::string fresh_incarnation() {
  std::uint64_t value = 0;
  ASSAY_CHECK(::getrandom(&value, sizeof(value), 0) == sizeof(value),
              "the kernel has random bytes");
  return to_hex(value);
}

// The same for all processes of one boot of one machine.
std::string machine_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

net::DialerEvents events_of(const std::shared_ptr<Inbox>& inbox) {
  net::DialerEvents events;
  events.on_frame = [inbox](std::string frame) { inbox->push(std::move(frame)); };
  events.on_lost = [inbox](const std::string& why) { inbox->lose(why); };
  return events;
}

struct Joined {
  std::string incarnation;
  wire::NodeWelcome welcome;
  HeadLinks links;
};

wire::NodeHello hello_of(const NodeOptions& options, const std::string& incarnation) {
  wire::NodeHello hello{options.version, options.name, incarnation, machine_id(), {}};
  for (const auto& [pool, workers] : options.capacities)
    hello.capacities.push_back({pool, workers});
  return hello;
}

// A head that has just lost this node may not know it yet: then the name is free again soon.
Error refusal(const std::optional<std::string>& why) {
  const bool is_passing = !why || why->find("is here already") != std::string::npos;
  return {is_passing ? ErrorCode::kUnavailable : ErrorCode::kInvalidInput,
          "the head does not welcome this node: " + why.value_or("it gave no answer"),
          {},
          {},
          "E604"};
}

// Says hello on the control link and opens the bulk link.
Result<Joined> join(const NodeOptions& options, const std::shared_ptr<Inbox>& inbox) {
  Joined joined;
  joined.incarnation = fresh_incarnation();
  auto control = net::PeerDialer::dial(options.host, options.port, options.keys, options.link,
                                       events_of(inbox));
  if (!control) return control.error();
  joined.links.control = std::move(*control);
  const wire::NodeHello hello = hello_of(options, joined.incarnation);
  if (auto sent = joined.links.control->send(wire::encode_message(hello)); !sent) {
    return sent.error();
  }
  const std::optional<std::string> answer = inbox->first(options.link.patience);
  if (!answer) return refusal(inbox->lost());
  auto welcome = wire::decode_message<wire::NodeWelcome>(*answer);
  if (!welcome) return welcome.error();
  joined.welcome = std::move(*welcome);
  net::LinkOptions bulk_link = options.link;
  bulk_link.frame_bytes_max = kBulkFrameBytesMax;
  auto bulk = net::PeerDialer::dial(options.host, joined.welcome.bulk_port, options.keys, bulk_link,
                                    events_of(inbox));
  if (!bulk) return bulk.error();
  joined.links.bulk = std::move(*bulk);
  return joined;
}

// Hosts workers until the head is lost or somebody interrupts. Returns why the head was lost.
std::string host_workers(const NodeOptions& options, const std::shared_ptr<Inbox>& inbox,
                         Joined joined, std::shared_ptr<const Workshop> workshop,
                         const std::atomic<bool>& interrupt) {
  caf::actor_system_config config;
  set_scheduling(config);
  caf::actor_system system(config);
  const caf::actor host = system.spawn<caf::detached>(
      node_host, NodeHostSetup{std::move(workshop), joined.links, options.tell});
  inbox->hand_over_to(host);
  while (!interrupt && !inbox->wait_for_loss(kLookInterval)) {
  }
  inbox->close();
  caf::anon_send<caf::message_priority::high>(
      host, caf::exit_msg{caf::actor_addr{}, caf::exit_reason::user_shutdown});
  system.await_all_actors_done();
  return inbox->lost().value_or("interrupted");
}

// One life as a node of the cluster. True when there is nothing left to do.
Result<bool> live_once(const NodeOptions& options, std::shared_ptr<const Workshop>& workshop,
                       std::string& config, const std::atomic<bool>& interrupt) {
  const auto inbox = std::make_shared<Inbox>();
  Result<Joined> joined = join(options, inbox);
  if (!joined) return joined.error();
  if (workshop == nullptr || joined->welcome.config != config) {
    config = joined->welcome.config;
    Result<Workshop> made = options.open_workshop(config);
    if (!made) return made.error();
    workshop = std::make_shared<const Workshop>(std::move(*made));
  }
  // Only now is it ready for work, so only now the head hears that it has joined.
  const wire::BulkHello ready{options.name, joined->incarnation};
  if (auto sent = joined->links.bulk->send(wire::encode_message(ready)); !sent) {
    return sent.error();
  }
  options.tell("joined run " + joined->welcome.run);
  const std::string why = host_workers(options, inbox, std::move(*joined), workshop, interrupt);
  if (interrupt) return true;
  options.tell(why);
  return why.find(kRunIsOver) != std::string::npos;
}

bool is_worth_another_try(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kNotFound;
}

}  // namespace

Result<void> run_node(const NodeOptions& options, const std::atomic<bool>& interrupt) {
  std::shared_ptr<const Workshop> workshop;
  std::string config;
  auto pause = kRetryFirst;
  Clock::time_point give_up = Clock::now() + options.first_patience;
  while (!interrupt) {
    const Result<bool> over = live_once(options, workshop, config, interrupt);
    if (over && *over) return {};
    if (over) {
      give_up = Clock::now() + options.patience;
      pause = kRetryFirst;
    } else if (!is_worth_another_try(over.error()) || Clock::now() > give_up) {
      return over.error();
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kRetryLast);
  }
  return {};
}

}  // namespace assay::actors
