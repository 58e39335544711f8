#include "actors/cli/ledger_command.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "actors/cli/option_set.h"
#include "actors/cli/run_audit.h"
#include "actors/cli/text_layout.h"
#include "runtime/core/json.h"
#include "runtime/store/ledger_checker.h"
#include "runtime/store/ledger_reader.h"
#include "runtime/store/run_folder.h"

namespace assay::cli {

namespace {

struct NamedLedger {
  std::string path;
  store::LedgerReader reader;
};

// A ledger file stands for itself; a run for its own ledger, the one of `arm`, or all of them.
Result<std::vector<NamedLedger>> open_ledgers(const std::optional<store::RunPaths>& run,
                                              const std::string& file, const std::string& arm) {
  std::vector<std::string> paths = {file};
  if (run) paths = arm.empty() ? store::find_ledgers(*run) : std::vector{run->ledger(arm)};
  std::vector<NamedLedger> ledgers;
  for (const std::string& path : paths) {
    Result<store::LedgerReader> reader = store::LedgerReader::open(path);
    if (!reader) return reader.error();
    ledgers.push_back({path, std::move(*reader)});
  }
  return ledgers;
}

ExitCode export_events(CommandContext& context, store::LedgerReader& reader) {
  const Result<void> read =
      reader.for_each_event([&context](const store::LedgerEvent& event) -> Result<void> {
        context.out << store::to_json_line(event) << '\n';
        // A closed pipe (`| head`) ends the export early.
        if (!context.out)
          return Error{ErrorCode::kUnavailable, "standard output is closed", {}, {}, {}};
        return {};
      });
  if (!context.out) return ExitCode::kDone;
  return read ? ExitCode::kDone : fail(context, read.error(), ExitCode::kFailed);
}

std::string_view word_of(store::CheckState state) {
  switch (state) {
    case store::CheckState::kHolds:
      return "ok";
    case store::CheckState::kViolated:
      return "violated";
    case store::CheckState::kNotChecked:
      return "not_checked";
  }
  return "unknown";
}

struct CheckedLedger {
  std::string path;
  std::string arm;
  store::CheckReport report;
};

nlohmann::ordered_json to_json(const CheckedLedger& checked) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const store::InvariantReport& one : checked.report.invariants) {
    rows.push_back({{"id", store::id_of(one.invariant)},
                    {"state", word_of(one.state)},
                    {"violations", one.violation_count},
                    {"first_seqs", one.first_seqs},
                    {"text", one.text},
                    {"description", store::description_of(one.invariant)}});
  }
  return {{"arm", checked.arm},
          {"path", checked.path},
          {"is_clean", checked.report.is_clean()},
          {"is_finished", checked.report.is_finished},
          {"events", checked.report.event_count},
          {"open_groups", checked.report.open_groups},
          {"invariants", rows}};
}

// All ledgers together first, then each.
void print_json(std::ostream& out, const std::vector<CheckedLedger>& all, bool is_clean) {
  nlohmann::ordered_json ledgers = nlohmann::ordered_json::array();
  bool is_finished = true;
  std::uint64_t events = 0, open_groups = 0;
  for (const CheckedLedger& checked : all) {
    ledgers.push_back(to_json(checked));
    is_finished = is_finished && checked.report.is_finished;
    events += checked.report.event_count;
    open_groups += checked.report.open_groups;
  }
  const nlohmann::ordered_json json = {
      {"assay", 1},       {"is_clean", is_clean},       {"is_finished", is_finished},
      {"events", events}, {"open_groups", open_groups}, {"ledgers", ledgers}};
  out << json_text(json) << "\n";
}

void print_row(const CommandContext& context, const store::InvariantReport& one) {
  std::string word(word_of(one.state));
  if (one.state == store::CheckState::kNotChecked) word = "not checked";
  const std::string label = fmt::format("{}  {:<11}  ", store::id_of(one.invariant), word);
  std::string text(store::description_of(one.invariant));
  if (one.state == store::CheckState::kNotChecked) text += ": " + one.text;
  if (one.state == store::CheckState::kViolated) {
    text += fmt::format(": {} time{}, first at event{}", one.violation_count,
                        one.violation_count == 1 ? "" : "s", one.first_seqs.size() == 1 ? "" : "s");
    for (const std::uint64_t seq : one.first_seqs) text += ' ' + std::to_string(seq);
    text += ": " + one.text;
  }
  context.out << label << wrapped(one_line(text), context.out_columns(), label.size()) << "\n";
}

void print_table(const CommandContext& context, const CheckedLedger& checked) {
  context.out << checked.path << "\n";
  for (const store::InvariantReport& one : checked.report.invariants) print_row(context, one);
  context.out << fmt::format("{} events, {} open groups, {}: {}\n", checked.report.event_count,
                             checked.report.open_groups,
                             checked.report.is_finished ? "finished" : "not finished",
                             checked.report.is_clean() ? "clean" : "NOT CLEAN");
}

struct CheckRequest {
  std::optional<store::RunPaths> run;  // absent for a ledger file
  std::optional<std::vector<store::Acknowledgement>> acknowledged;
  std::string acknowledged_arm;  // empty: of the only ledger there is
  bool is_replay_wanted = false;
};

store::CheckOptions options_of(const CheckRequest& request, const std::optional<RunAudit>& audit,
                               const store::LedgerHeader& header) {
  store::CheckOptions options;
  options.no_verify_reason = "a ledger file alone has no verifiers; name its run";
  options.no_replay_reason = "a ledger file alone has no base policy; name its run";
  if (audit) options = audit->options_for(header, request.is_replay_wanted);
  options.no_acknowledged_reason = "no outside record was given; --acknowledged takes one";
  if (!request.acknowledged) return options;
  const bool is_meant = request.acknowledged_arm.empty() || request.acknowledged_arm == header.arm;
  if (is_meant) options.acknowledged = request.acknowledged;
  options.no_acknowledged_reason = "the outside record is of arm " + request.acknowledged_arm;
  return options;
}

ExitCode check(CommandContext& context, std::vector<NamedLedger> ledgers,
               const CheckRequest& request) {
  std::optional<RunAudit> audit;
  if (request.run) audit.emplace(*request.run);
  std::vector<CheckedLedger> all;
  bool is_clean = true;
  for (NamedLedger& ledger : ledgers) {
    const store::LedgerHeader& header = ledger.reader.header();
    const Result<store::CheckReport> report =
        store::check_ledger(ledger.reader, options_of(request, audit, header));
    if (!report) return fail(context, report.error(), ExitCode::kFailed);
    all.push_back({ledger.path, header.arm, *report});
    is_clean = is_clean && report->is_clean();
  }
  if (context.format == OutputFormat::kJson) {
    print_json(context.out, all, is_clean);
  } else {
    for (const CheckedLedger& checked : all) print_table(context, checked);
  }
  return is_clean ? ExitCode::kDone : ExitCode::kGate;
}

struct Arguments {
  std::string action, run, arm, acknowledged;
  bool is_replay_wanted = false;
};

std::optional<ExitCode> parse(CommandContext& context, Arguments& given) {
  OptionSet options("ledger", "Shows a run's history as data, or checks that it can be trusted.");
  options.positional("action", given.action, "export or check");
  options.positional("run", given.run, "a run's name or folder, or a ledger file");
  options.option("--arm", given.arm,
                 "true (the run itself) or a control; check looks at all of them by default");
  options.flag("--replay", given.is_replay_wanted,
               "check: do every update again and compare the weights; takes as long as they did");
  options.option("--acknowledged", given.acknowledged,
                 "check: a record kept outside while the run was alive, JSON lines with seq and "
                 "chain such as an export prints; all of it must still be there, which shows "
                 "whether a crash, or somebody, took back what was promised");
  options.example("assay ledger check first");
  options.example("assay ledger check first --replay");
  options.example("assay ledger export first > seen.jsonl   # while it runs");
  options.example("assay ledger check first --acknowledged seen.jsonl");
  options.example("assay ledger check first -o json");
  return options.parse(context);
}

}  // namespace

ExitCode ledger_command(CommandContext& context) {
  Arguments given;
  if (const auto stop = parse(context, given)) return *stop;
  if (given.action != "export" && given.action != "check") {
    return fail(context,
                Error{ErrorCode::kInvalidInput,
                      "ledger cannot '" + given.action + "'",
                      "say `assay ledger export RUN` or `assay ledger check RUN`",
                      {},
                      {}},
                ExitCode::kUsage);
  }
  const bool is_export = given.action == "export";
  if (is_export && given.arm.empty()) given.arm = "true";

  CheckRequest request;
  request.is_replay_wanted = given.is_replay_wanted;
  if (!given.run.ends_with(".sqlite")) {
    const Result<store::RunPaths> run = store::find_run(given.run);
    if (!run) return fail(context, run.error(), ExitCode::kFailed);
    request.run = *run;
    request.acknowledged_arm = given.arm.empty() ? "true" : given.arm;
  }
  if (!given.acknowledged.empty()) {
    auto acknowledged = read_acknowledged(given.acknowledged);
    if (!acknowledged) return fail(context, acknowledged.error(), ExitCode::kUsage);
    request.acknowledged = std::move(*acknowledged);
  }
  Result<std::vector<NamedLedger>> ledgers = open_ledgers(request.run, given.run, given.arm);
  if (!ledgers) return fail(context, ledgers.error(), ExitCode::kFailed);
  return is_export ? export_events(context, ledgers->front().reader)
                   : check(context, std::move(*ledgers), request);
}

}  // namespace assay::cli
