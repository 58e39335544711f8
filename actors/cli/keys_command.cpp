// `assay keys init DIR`: the keys of a cluster, one file a role.
#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "runtime/net/cluster_keys.h"

namespace assay::cli {

ExitCode keys_command(CommandContext& context) {
  std::string action, folder = "keys";
  OptionSet options("keys",
                    "Makes the keys with which the processes of a cluster know each other.");
  options.positional("action", action, "init: make fresh keys");
  options.positional("folder", folder, "where to; default: keys", OptionSet::Presence::kOptional);
  options.example("assay keys init");
  options.example("assay keys init /etc/assay");
  options.example("assay keys init keys-of-second-cluster");
  if (auto stop = options.parse(context)) return *stop;
  if (action != "init") {
    return fail(context,
                Error{ErrorCode::kInvalidInput,
                      "`" + action + "` is nothing that keys can do",
                      "assay keys init",
                      {},
                      {}},
                ExitCode::kUsage);
  }
  const auto keys = net::make_cluster_keys();
  if (auto written = net::write_cluster_keys(keys, folder); !written) {
    return fail(context, written.error(), ExitCode::kUsage);
  }
  for (const net::ClusterKeys& one : keys) {
    const char* use = one.role == net::PeerRole::kHead       ? "stays with the head"
                      : one.role == net::PeerRole::kNode     ? "may host any worker"
                      : one.role == net::PeerRole::kVerifier ? "may host verifiers alone"
                                                             : "may look";
    context.out << folder << "/" << to_string(one.role) << ".key  " << use << "\n";
  }
  return ExitCode::kDone;
}

}  // namespace assay::cli
