// `assay node`: hosts workers for the head of a cluster.
#include <fmt/format.h>

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <mutex>

#include "actors/cli/commands.h"
#include "actors/cli/interrupt.h"
#include "actors/cli/option_set.h"
#include "actors/cli/version.h"
#include "actors/cli/workshop.h"
#include "actors/node.h"

namespace assay::cli {

namespace {

struct Place {
  std::string host;
  std::uint16_t port = 0;
};

Result<Place> parse_place(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Place place;
  if (colon != std::string::npos && colon > 0) {
    const std::string digits = text.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), place.port);
    place.host = text.substr(0, colon);
    if (error == std::errc() && end == digits.data() + digits.size() && place.port > 0)
      return place;
  }
  return Error{ErrorCode::kInvalidInput,
               "`" + text + "` is no host and port",
               "--head 10.0.0.1:7711",
               {},
               {}};
}

Result<flow::PoolCapacities> parse_capacities(const std::vector<std::string>& words) {
  flow::PoolCapacities capacities;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string digits = equals == std::string::npos ? "" : word.substr(equals + 1);
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (equals == 0 || error != std::errc() || end != digits.data() + digits.size()) {
      return Error{ErrorCode::kInvalidInput,
                   "`" + word + "` is not a pool and a count",
                   "--pools generator=1,math=4",
                   {},
                   {}};
    }
    capacities[word.substr(0, equals)] = count;
  }
  return capacities;
}

std::string own_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "node";
}

}  // namespace

ExitCode node_command(CommandContext& context) {
  std::string head, key_file = "keys/node.key", name = own_name();
  std::vector<std::string> pools{"*=1"};
  std::uint32_t wait_s = 0, rejoin_s = 60;
  bool is_with_parent = false;
  OptionSet options("node", "Hosts workers of a run whose head is another process.");
  options.option("--head", head, "host:port of the head");
  options.option("--key", key_file, "key file of this cluster");
  options.option("--name", name, "what the cluster calls this node");
  options.multi("--pools", pools, "workers of each pool it may host; *: every pool");
  options.option("--wait", wait_s, "seconds to wait for a head that is not there yet");
  options.option("--rejoin", rejoin_s, "seconds to look for a head that is gone");
  options.flag("--with-parent", is_with_parent, "end when the process that started it ends");
  options.example("assay node --head 127.0.0.1:7711 --name n4 --pools math=4");
  options.example("assay node --head 10.0.0.1:7711 --key verifier.key --pools math=4 --wait 60");
  options.example("assay node --head 10.0.0.1:7711 --key node.key --pools generator=1,math=4");
  if (auto stop = options.parse(context)) return *stop;
  const Result<Place> place = parse_place(head);
  if (!place) return fail(context, place.error(), ExitCode::kUsage);
  const Result<flow::PoolCapacities> capacities = parse_capacities(pools);
  if (!capacities) return fail(context, capacities.error(), ExitCode::kUsage);
  const Result<net::ClusterKeys> keys = net::read_cluster_keys(key_file);
  if (!keys) return fail(context, keys.error(), ExitCode::kUsage);

  // A parent that was gone before this line is found out by the head that nobody is.
  if (is_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  actors::NodeOptions node;
  node.host = place->host;
  node.port = place->port;
  node.keys = *keys;
  node.name = name;
  node.version = kVersion;
  node.capacities = *capacities;
  node.first_patience = std::chrono::seconds(wait_s);
  node.patience = std::chrono::seconds(rejoin_s);
  node.open_workshop = open_workshop;
  std::mutex mutex;
  node.tell = [&](const std::string& text) {
    const std::lock_guard lock(mutex);
    if (!context.is_quiet()) context.err << "node " << name << ": " << text << std::endl;
  };
  const auto done = actors::run_node(node, listen_to_signals());
  if (!done) {
    const bool is_refused = done.error().code == ErrorCode::kInvalidInput;
    return fail(context, done.error(), is_refused ? ExitCode::kUsage : ExitCode::kUnreachable);
  }
  return ExitCode::kDone;
}

}  // namespace assay::cli
