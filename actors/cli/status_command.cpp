#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "runtime/net/socket.h"
#include "runtime/store/run_folder.h"

namespace assay::cli {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kAnswerTimeout{3000};

Result<json> ask(const store::RunPaths& paths, const json& question) {
  Result<net::StatusClient> client = net::StatusClient::connect(paths.status_socket());
  if (!client) return client.error();
  Result<std::string> answer = client->request(question.dump(), kAnswerTimeout);
  if (!answer) return answer.error();
  json status = json::parse(*answer, nullptr, false);
  if (status.is_discarded()) {
    return Error{ErrorCode::kCorrupt, "the run answered something that is not JSON", {}, {}, {}};
  }
  return status;
}

void print_queues(std::ostream& out, const json& status) {
  out << fmt::format("{:<10} {:>7} {:>8} {:>6} {:>8} {:>8} {:>8} {:>8} {:>5}\n", "QUEUE", "READY",
                     "UNACKED", "LIMIT", "OLDEST", "IN/s", "OUT/s", "REDELIV", "DEAD");
  for (const json& queue : status.value("queues", json::array())) {
    const std::string name = queue.value("name", "");
    out << fmt::format("{:<10} {:>7} {:>8} {:>6} {:>7.1f}s {:>8.1f} {:>8.1f} {:>8} {:>5}{}\n", name,
                       queue.value("ready", 0), queue.value("unacked", 0), queue.value("limit", 0),
                       queue.value("oldest_s", 0.0), queue.value("in_per_s", 0.0),
                       queue.value("out_per_s", 0.0), queue.value("redelivered", 0),
                       queue.value("dead", 0),
                       name == status.value("bottleneck", "") ? "  <- bottleneck" : "");
  }
}

void print_actors(std::ostream& out, const json& status) {
  out << fmt::format("{:<14} {:<9} {:>5} {:>8} {:>6} {:>8}  {}\n", "ACTOR", "STATE", "BUSY", "DONE",
                     "FAIL", "VERSION", "DOING");
  for (const json& actor : status.value("actors", json::array())) {
    const json version = actor.value("policy_version", json(nullptr));
    out << fmt::format("{:<14} {:<9} {:>4.0f}% {:>8} {:>6} {:>8}  {}\n", actor.value("id", ""),
                       actor.value("state", ""), 100 * actor.value("busy_fraction", 0.0),
                       actor.value("done", 0), actor.value("failed", 0),
                       version.is_null() ? "-" : "v" + version.dump(), actor.value("doing", ""));
  }
}

void print_status(std::ostream& out, const json& status) {
  out << fmt::format("{}  {}  arm {}  step {}/{}  policy v{}  up {:.1f} s\n\n",
                     status.value("run", "?"), status.value("state", "?"), status.value("arm", "?"),
                     status.value("step", 0), status.value("max_steps", 0),
                     status.value("policy_version", 0), status.value("uptime_s", 0.0));
  print_queues(out, status);
  out << "\n";
  print_actors(out, status);
  out << "\n" << status.value("waiting", "") << "\n";
}

}  // namespace

ExitCode status_command(CommandContext& context) {
  std::string run;
  OptionSet options("status", "Shows the queues and actors of a running job.");
  options.positional("run", run, "the run's folder, or its name under outputs/");
  options.example("assay status first");
  options.example("assay status outputs/first -o json");
  if (auto stop = options.parse(context)) return *stop;
  Result<store::RunPaths> paths = store::find_run(run);
  if (!paths) return fail(context, paths.error(), ExitCode::kUsage);
  Result<json> status = ask(*paths, {{"get", "status"}});
  if (!status) {
    return fail(context,
                Error{ErrorCode::kUnavailable,
                      "no process is running in " + paths->root(),
                      "start or resume the run; what it did is in its report and ledger",
                      {},
                      "E501"},
                ExitCode::kUnreachable);
  }
  if (context.format == OutputFormat::kJson) {
    context.out << status->dump() << "\n";
  } else {
    print_status(context.out, *status);
  }
  return ExitCode::kDone;
}

}  // namespace assay::cli
