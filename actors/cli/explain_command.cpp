#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "actors/cli/commands.h"
#include "actors/cli/error_table.h"
#include "actors/cli/option_set.h"
#include "actors/cli/text_layout.h"
#include "runtime/core/json.h"
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

// A label of eleven columns, then the text, wrapped beside it.
void print_labelled(const CommandContext& context, const std::string& label,
                    const std::string& text) {
  context.out << fmt::format("{:<11}", label) << wrapped(one_line(text), context.out_columns(), 11)
              << "\n";
}

// `only`: the one rollout that was asked for; absent: all of the group.
void print_group(const CommandContext& context, store::LedgerReader& reader,
                 const store::GroupRecord& group, std::optional<std::size_t> only) {
  if (Result<wire::Prompt> prompt = reader.prompt(group.prompt); prompt) {
    print_labelled(context, "prompt", prompt->text);
    print_labelled(context, "expected", prompt->reference);
    print_labelled(context, "source",
                   prompt->source + (prompt->stratum.empty() ? "" : ", " + prompt->stratum));
  }
  for (std::size_t i = 0; i < group.rollouts.size(); ++i) {
    if (!group.rollouts[i] || (only && *only != i)) continue;
    print_labelled(context, "rollout " + std::to_string(i),
                   fmt::format("{:?}", group.rollouts[i]->completion));
    if (!group.verdicts[i]) continue;
    const wire::Verdict& verdict = *group.verdicts[i];
    print_labelled(context, "", std::string(to_string(verdict.outcome)) + ": " + verdict.reason);
  }
}

bool is_error_id(const std::string& text) {
  return text.size() == 4 && text[0] == 'E' &&
         std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

nlohmann::ordered_json error_json(const ErrorKind& kind) {
  return {
      {"id", kind.id}, {"title", kind.title}, {"meaning", kind.meaning}, {"remedy", kind.remedy}};
}

ExitCode list_errors(const CommandContext& context) {
  if (context.format == OutputFormat::kJson) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const ErrorKind& kind : error_kinds()) all.push_back(error_json(kind));
    context.out << json_text(OrderedJson{{"assay", 1}, {"errors", all}}) << "\n";
    return ExitCode::kDone;
  }
  for (const ErrorKind& kind : error_kinds()) {
    context.out << kind.id << "  " << kind.title << "\n";
  }
  return ExitCode::kDone;
}

ExitCode explain_error(CommandContext& context, const std::string& id) {
  const ErrorKind* kind = find_error_kind(id);
  if (kind == nullptr) {
    return fail(context,
                Error{ErrorCode::kNotFound,
                      "assay has no error " + id,
                      "`assay explain --errors` lists them all",
                      {},
                      {}},
                ExitCode::kUsage);
  }
  if (context.format == OutputFormat::kJson) {
    context.out << json_text(error_json(*kind)) << "\n";
    return ExitCode::kDone;
  }
  const auto columns = context.out_columns();
  context.out << kind->id << ": " << kind->title << "\n  " << wrapped(kind->meaning, columns, 2)
              << "\n  = help: " << wrapped(kind->remedy, columns, 10) << "\n";
  return ExitCode::kDone;
}

// What the running process adds: where an open group is right now.
void print_live(const CommandContext& context, const store::RunPaths& paths, GroupId group) {
  Result<net::StatusClient> client = net::StatusClient::connect(paths.status_socket());
  if (!client) return;
  const nlohmann::json question = {{"get", "describe"}, {"group", to_string(group)}};
  Result<std::string> answer =
      client->request(json_text(question), std::chrono::milliseconds(2000));
  if (!answer) return;
  const nlohmann::json live = parse_json(*answer);
  const auto text = live.is_object() ? live.find("open") : live.end();
  if (text == live.end() || !text->is_string() || text->empty()) return;
  print_labelled(context, "now", text->get<std::string>());
}

}  // namespace

ExitCode explain_command(CommandContext& context) {
  std::string run, id, arm = "true";
  bool is_list = false;
  OptionSet options("explain", "Tells the whole story of a group or a rollout, or of an error.");
  options.positional("run", run, "the run's folder or name under outputs/; or an error, as E103",
                     OptionSet::Presence::kOptional);
  options.positional("id", id, "a group id, or a rollout id `<group>:<index>`",
                     OptionSet::Presence::kOptional);
  options.option("--arm", arm, "the arm whose ledger to read");
  options.flag("--errors", is_list, "list every numbered error");
  options.example("assay explain first 7f3a0c1d2e4b5a69:5");
  options.example("assay explain E103");
  options.example("assay explain --errors");
  if (auto stop = options.parse(context)) return *stop;
  if (is_list) return list_errors(context);
  if (id.empty() && is_error_id(run)) return explain_error(context, run);
  if (run.empty() || id.empty()) {
    return fail(context,
                Error{ErrorCode::kInvalidInput,
                      "assay explain needs a run and an id, or an error's number",
                      "assay explain RUN 7f3a0c1d2e4b5a69:5, or assay explain E103",
                      {},
                      {}},
                ExitCode::kUsage);
  }
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
  std::optional<std::size_t> only;
  if (is_rollout) {
    Result<RolloutId> rollout = parse_rollout_id(id);
    if (!rollout) return fail(context, rollout.error(), ExitCode::kUsage);
    only = rollout->index;
    events = reader->history(*rollout);
  } else {
    events = reader->history(group);
  }
  if (!events) return fail(context, events.error());
  if (context.format == OutputFormat::kJson) {
    for (const store::LedgerEvent& event : *events) context.out << to_json_line(event) << "\n";
    return ExitCode::kDone;
  }
  print_group(context, *reader, *record, only);
  print_live(context, *paths, group);
  context.out << "\n";
  print_events(context.out, *events);
  return ExitCode::kDone;
}

}  // namespace assay::cli
