#include "actors/cli/cluster_config.h"

#include <set>

#include "runtime/config/schema.h"
#include "runtime/config/toml_file.h"
#include "runtime/core/json.h"

namespace assay::cli {

namespace {

using config::Range;
using config::Schema;

constexpr double kPortMax = 65535;

void describe_node(Schema& schema, NodeSettings& node) {
  schema.key("name", node.name, "what the cluster calls it");
  schema.choice("launch", node.launch, {"local", "ssh", "hand"},
                "local: a process here; ssh; hand: somebody runs `assay node` there");
  schema.key("ssh", node.ssh, "where to, as ssh understands it: user@host");
  schema.key("program", node.program, "the program over there");
  schema.key("folder", node.folder, "working folder over there; empty: where ssh lands");
  schema.key("key_file", node.key_file, "over there; empty: <cluster.keys>/node.key");
  schema.object("pools", node.pools,
                "how many workers of each pool it may host; \"*\": every pool");
}

void describe(Schema& schema, ClusterSettings& cluster) {
  schema.table("cluster", "where the head listens");
  schema.key("listen", cluster.listen, "address of the head; any but loopback needs keys");
  schema.key("advertise", cluster.advertise, "what nodes dial; empty: listen");
  schema.key("control_port", cluster.control_port, "0: a free one", Range::between(0, kPortMax));
  schema.key("bulk_port", cluster.bulk_port, "0: a free one", Range::between(0, kPortMax));
  schema.key("keys", cluster.keys, "folder of `assay keys init`; empty: keys for this run alone");
  schema.object("pools", cluster.pools, "what the head's own process hosts");
  schema.items("node", cluster.nodes, "a process that hosts workers", describe_node);
}

Error contradiction(std::string message, std::string remedy) {
  return {ErrorCode::kInvalidInput, std::move(message), std::move(remedy), {}, "E112"};
}

Result<void> check_node(const NodeSettings& node, std::set<std::string>& names) {
  if (node.name.empty()) {
    return contradiction("a [[cluster.node]] has no name", "name it: name = \"n1\"");
  }
  if (node.name == "local" || !names.insert(node.name).second) {
    return contradiction("the node name '" + node.name + "' is taken", "give each its own name");
  }
  if (node.launch == "ssh" && node.ssh.empty()) {
    return contradiction("node " + node.name + " is launched over ssh, and ssh does not say where",
                         "ssh = \"user@host\"");
  }
  const Result<flow::PoolCapacities> pools = parse_pools(node.pools, "node " + node.name);
  return pools ? Result<void>() : pools.error();
}

Result<void> check(const ClusterSettings& cluster) {
  if (!is_loopback(cluster.listen) && cluster.keys.empty()) {
    return contradiction("the head would listen on " + cluster.listen + " without keys",
                         "make them with `assay keys init keys`, set cluster.keys = \"keys\" and "
                         "carry node.key to every node; or listen on 127.0.0.1");
  }
  if (auto pools = parse_pools(cluster.pools, "cluster"); !pools) return pools.error();
  std::set<std::string> names;
  for (const NodeSettings& node : cluster.nodes) {
    if (auto checked = check_node(node, names); !checked) return checked;
  }
  return {};
}

}  // namespace

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

Result<bool> is_cluster_file(const std::string& path) {
  const Result<config::Node> root = config::read_toml(path);
  if (!root) return root.error();
  return root->find_path("cluster") != nullptr;
}

Result<ClusterSettings> load_cluster_config(const std::vector<std::string>& files) {
  config::Node root{config::Table{}, ""};
  for (const std::string& path : files) {
    Result<config::Node> file = config::read_toml(path);
    if (!file) return file.error();
    config::merge(root, std::move(*file));
  }
  ClusterSettings cluster;
  Schema schema;
  describe(schema, cluster);
  if (const auto values = schema.load(root); !values) return values.error();
  if (auto checked = check(cluster); !checked) return checked.error();
  return cluster;
}

Result<flow::PoolCapacities> parse_pools(const std::string& json, const std::string& where) {
  const nlohmann::json object = parse_json(json);
  const Error wrong = contradiction("the pools of " + where + " are not names with counts",
                                    "for example pools = { generator = 1, math = 4 }");
  if (!object.is_object()) return wrong;
  flow::PoolCapacities capacities;
  for (const auto& [pool, count] : object.items()) {
    constexpr std::uint64_t kWorkersMax = 4096;
    if (!count.is_number_unsigned() || count.get<std::uint64_t>() > kWorkersMax) return wrong;
    capacities[pool] = count.get<std::uint32_t>();
  }
  return capacities;
}

}  // namespace assay::cli
