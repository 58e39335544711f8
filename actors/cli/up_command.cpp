// `assay up @ run.toml @ cluster.toml`: a run whose workers live on several nodes.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "actors/cli/cluster_config.h"
#include "actors/cli/commands.h"
#include "actors/cli/node_processes.h"
#include "actors/cli/option_set.h"
#include "actors/cli/provenance.h"
#include "actors/cli/run_launch.h"
#include "actors/cli/version.h"
#include "actors/node.h"

namespace assay::cli {

namespace {

struct Cluster {
  ClusterSettings settings;
  net::ClusterKeys head;
  std::string node_key;  // path of the nodes' key file, here
};

// Keys of the config's folder, or keys for this run alone in the run's own folder.
Result<Cluster> keys_for(const ClusterSettings& settings, const store::RunPaths& paths) {
  Cluster cluster{settings, {}, {}};
  std::string folder = settings.keys;
  if (folder.empty()) {
    folder = paths.root() + "/keys";
    for (const char* role : {"head", "node", "verifier", "client"}) {
      ::unlink((folder + "/" + role + ".key").c_str());
    }
    if (auto made = net::write_cluster_keys(net::make_cluster_keys(), folder); !made) {
      return made.error();
    }
  }
  Result<net::ClusterKeys> head = net::read_cluster_keys(folder + "/head.key");
  if (!head) return head.error();
  cluster.head = std::move(*head);
  cluster.node_key = folder + "/node.key";
  return cluster;
}

std::string own_program() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "assay";
}

std::string pools_text(const flow::PoolCapacities& pools) {
  std::string text;
  for (const auto& [pool, count] : pools) {
    text += (text.empty() ? "" : ",") + pool + "=" + std::to_string(count);
  }
  return text;
}

// The words that start a node over there, for a shell.
std::string shell_words(const std::vector<std::string>& words) {
  return shell_line(words);
}

NodeCommand command_for(const NodeSettings& node, const Cluster& cluster, std::uint16_t port,
                        const store::RunPaths& paths) {
  const std::string advertised =
      cluster.settings.advertise.empty() ? cluster.settings.listen : cluster.settings.advertise;
  const std::string key = node.key_file.empty() ? cluster.node_key : node.key_file;
  const bool is_remote = node.launch == "ssh";
  std::vector<std::string> words = {is_remote ? node.program : own_program(),
                                    "node",
                                    "--head",
                                    advertised + ":" + std::to_string(port),
                                    "--key",
                                    key,
                                    "--name",
                                    node.name,
                                    "--pools",
                                    pools_text(*parse_pools(node.pools, node.name))};
  NodeCommand command{node.name, words, paths.root() + "/logs/node-" + node.name + ".log"};
  if (!is_remote) command.words.push_back("--with-parent");
  if (is_remote) {
    std::string line = node.folder.empty() ? "" : "cd " + shell_words({node.folder}) + " && ";
    command.words = {"ssh", "-o", "BatchMode=yes", node.ssh, line + "exec " + shell_words(words)};
  }
  return command;
}

// A pool that no node is to host would wait for ever.
Result<void> check_hosted(const RunSetup& setup, const ClusterSettings& settings) {
  flow::Placement plan;
  plan.node_joined("local", *parse_pools(settings.pools, "cluster"));
  for (const NodeSettings& node : settings.nodes) {
    plan.node_joined(node.name, *parse_pools(node.pools, node.name));
  }
  std::vector<std::string> pools{"generator"};
  for (const SourceSettings& source : setup.config.curator.train) pools.push_back(source.verifier);
  for (const std::string& pool : pools) {
    if (plan.is_hosted(pool)) continue;
    return Error{ErrorCode::kInvalidInput,
                 "no node hosts the pool '" + pool + "'",
                 "give a [[cluster.node]], or [cluster] itself, pools = { " + pool + " = 1 }",
                 {},
                 "E112"};
  }
  return {};
}

Result<WorkPlace> open_cluster(CommandContext& context, const ClusterSettings& settings,
                               const RunSetup& setup, const LoadedConfig& loaded,
                               const store::RunPaths& paths) {
  if (auto hosted = check_hosted(setup, settings); !hosted) return hosted.error();
  const Result<Cluster> cluster = keys_for(settings, paths);
  if (!cluster) return cluster.error();
  actors::ClusterHeadOptions options;
  options.host = settings.listen;
  options.control_port = static_cast<std::uint16_t>(settings.control_port);
  options.bulk_port = static_cast<std::uint16_t>(settings.bulk_port);
  options.keys = cluster->head;
  options.version = kVersion;
  options.run = setup.name;
  options.config = loaded.resolved.to_toml();
  options.versions_kept = std::uint64_t{setup.config.curator.max_off_policy_steps} + 2;
  Result<std::shared_ptr<actors::ClusterHead>> head = actors::ClusterHead::start(options);
  if (!head) return head.error();
  WorkPlace place;
  place.cluster = *head;
  place.local = *parse_pools(settings.pools, "cluster");
  if (auto made = make_folders(paths.root() + "/logs"); !made) return made.error();
  std::vector<NodeCommand> commands;
  for (const NodeSettings& node : settings.nodes) {
    if (node.launch == "hand") continue;
    commands.push_back(command_for(node, *cluster, (*head)->control_port(), paths));
  }
  if (!context.is_quiet()) {
    context.err << fmt::format("head: listens on {}:{}, {} nodes are started here\n",
                               settings.listen, (*head)->control_port(), commands.size());
  }
  const bool is_quiet = context.is_quiet();
  place.nodes = std::make_shared<NodeProcesses>(std::move(commands),
                                                [&context, is_quiet](const std::string& text) {
                                                  if (!is_quiet)
                                                    context.err << text + "\n" << std::flush;
                                                });
  return place;
}

}  // namespace

ExitCode up_command(CommandContext& context) {
  RunLaunch launch;
  launch.command = "assay up " + shell_line(context.args);
  OptionSet options("up", "Runs on a cluster: this process leads, nodes host the workers.");
  options.config(launch.request);
  options.flag("--dry-run", launch.is_dry, "check everything, start nothing");
  options.flag("--resume", launch.is_resume, "go on where this run stopped");
  options.flag("--clean", launch.is_clean, "delete an earlier run of this name first");
  options.example("assay up @ configs/arithmetic.toml @ configs/cluster.toml");
  options.example("assay up @ configs/arithmetic.toml @ configs/cluster.toml --dry-run");
  options.example("assay up @ configs/arithmetic.toml @ configs/cluster.toml --resume");
  if (auto stop = options.parse(context)) return *stop;
  std::vector<std::string> cluster_files;
  for (const std::string& file : launch.request.files) {
    const Result<bool> is_cluster = is_cluster_file(file);
    if (!is_cluster) return fail(context, is_cluster.error(), ExitCode::kUsage);
    if (*is_cluster) cluster_files.push_back(file);
  }
  std::erase_if(launch.request.files, [&](const std::string& file) {
    return std::find(cluster_files.begin(), cluster_files.end(), file) != cluster_files.end();
  });
  const Result<ClusterSettings> settings = load_cluster_config(cluster_files);
  if (!settings) return fail(context, settings.error(), ExitCode::kUsage);
  launch.open_place = [&](const RunSetup& setup, const LoadedConfig& loaded,
                          const store::RunPaths& paths) {
    return open_cluster(context, *settings, setup, loaded, paths);
  };
  return launch_run(context, launch);
}

}  // namespace assay::cli
