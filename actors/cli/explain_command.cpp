#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "runtime/net/socket.h"
#include "runtime/store/ledger_reader.h"
#include "runtime/store/run_folder.h"

namespace assay::cli {

namespace {

void print_events(std::ostream& out, const std::vector<store::LedgerEvent>& events) {
  const std::int64_t start = events.empty() ? 0 : events.front().t_ms;
  for (const store::LedgerEvent& event : events) {
    std::string line = fmt::format("{:>8} ms  {:<13}", event.t_ms - start, to_string(event.kind));
    if (event.index) line += fmt::format(" rollout {}", *event.index);
    if (!event.actor.empty()) line += "  by " + event.actor;
    if (event.attempt > 1) line += fmt::format("  attempt {}", event.attempt);
    if (event.kind == store::EventKind::kGenerated) {
      line += fmt::format("  policy v{}", event.policy_version.value);
    }
    if (event.step > 0) line += fmt::format("  step {}", event.step);
    if (!event.reason.empty()) line += "  (" + event.reason + ")";
    out << line << "\n";
  }
}

void print_group(std::ostream& out, store::LedgerReader& reader, const store::GroupRecord& group) {
  if (Result<wire::Prompt> prompt = reader.prompt(group.prompt); prompt) {
    out << "prompt     " << prompt->text << "   reference " << prompt->reference << "   ("
        << prompt->source << (prompt->stratum.empty() ? "" : ", " + prompt->stratum) << ")\n";
  }
  for (std::size_t i = 0; i < group.rollouts.size(); ++i) {
    if (!group.rollouts[i]) continue;
    out << fmt::format("rollout {:>2} {:?}", i, group.rollouts[i]->completion);
    if (group.verdicts[i]) {
      out << "  " << to_string(group.verdicts[i]->outcome) << ": " << group.verdicts[i]->reason;
    }
    out << "\n";
  }
}

// What the running process adds: where an open group is right now.
void print_live(std::ostream& out, const store::RunPaths& paths, GroupId group) {
  Result<net::StatusClient> client = net::StatusClient::connect(paths.status_socket());
  if (!client) return;
  const nlohmann::json question = {{"get", "describe"}, {"group", to_string(group)}};
  Result<std::string> answer = client->request(question.dump(), std::chrono::milliseconds(2000));
  if (!answer) return;
  const nlohmann::json live = nlohmann::json::parse(*answer, nullptr, false);
  const std::string text = live.is_object() ? live.value("open", "") : "";
  if (!text.empty()) out << "now        " << text << "\n";
}

}  // namespace

ExitCode explain_command(CommandContext& context) {
  std::string run, id, arm = "true";
  OptionSet options("explain", "Tells the whole story of a group or a rollout.");
  options.positional("run", run, "the run's folder, or its name under outputs/");
  options.positional("id", id, "a group id, or a rollout id `<group>:<index>`");
  options.option("--arm", arm, "the arm whose ledger to read");
  options.example("assay explain first 7f3a0c1d2e4b5a69:5");
  if (auto stop = options.parse(context)) return *stop;
  Result<store::RunPaths> paths = store::find_run(run);
  if (!paths) return fail(context, paths.error(), ExitCode::kUsage);
  Result<store::LedgerReader> reader = store::LedgerReader::open(paths->ledger(arm));
  if (!reader) return fail(context, reader.error());

  const bool is_rollout = id.find(':') != std::string::npos;
  Result<std::uint64_t> group_value = parse_hex(id.substr(0, id.find(':')));
  if (!group_value) return fail(context, group_value.error(), ExitCode::kUsage);
  const GroupId group{*group_value};
  Result<store::GroupRecord> record = reader->group(group);
  if (!record) return fail(context, record.error(), ExitCode::kUsage);
  Result<std::vector<store::LedgerEvent>> events = Error{};
  if (is_rollout) {
    Result<RolloutId> rollout = parse_rollout_id(id);
    if (!rollout) return fail(context, rollout.error(), ExitCode::kUsage);
    events = reader->history(*rollout);
  } else {
    events = reader->history(group);
  }
  if (!events) return fail(context, events.error());
  if (context.format == OutputFormat::kJson) {
    for (const store::LedgerEvent& event : *events) context.out << to_json_line(event) << "\n";
    return ExitCode::kDone;
  }
  print_group(context.out, *reader, *record);
  print_live(context.out, *paths, group);
  print_events(context.out, *events);
  return ExitCode::kDone;
}

}  // namespace assay::cli
