#include "actors/cli/ledger_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "actors/cli/option_set.h"
#include "runtime/store/ledger_checker.h"
#include "runtime/store/ledger_reader.h"
#include "runtime/store/run_folder.h"

namespace assay::cli {

namespace {

Result<store::LedgerReader> open_ledger(const std::string& run, const std::string& arm) {
  if (run.ends_with(".sqlite")) return store::LedgerReader::open(run);
  Result<store::RunPaths> paths = store::find_run(run);
  if (!paths) return paths.error();
  return store::LedgerReader::open(paths->ledger(arm));
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
      return "holds";
    case store::CheckState::kViolated:
      return "violated";
    case store::CheckState::kNotChecked:
      return "not checked";
  }
  return "unknown";
}

nlohmann::ordered_json to_json(const store::CheckReport& report) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const store::InvariantReport& one : report.invariants) {
    rows.push_back({{"id", store::id_of(one.invariant)},
                    {"state", word_of(one.state)},
                    {"violations", one.violation_count},
                    {"first_seqs", one.first_seqs},
                    {"text", one.text},
                    {"description", store::description_of(one.invariant)}});
  }
  return {{"assay", 1},
          {"is_clean", report.is_clean()},
          {"is_finished", report.is_finished},
          {"events", report.event_count},
          {"open_groups", report.open_groups},
          {"invariants", rows}};
}

void print_row(std::ostream& out, const store::InvariantReport& one) {
  out << fmt::format("{}  {:<11}  {}\n", store::id_of(one.invariant), word_of(one.state),
                     store::description_of(one.invariant));
  if (one.state == store::CheckState::kNotChecked) out << "       " << one.text << "\n";
  if (one.state != store::CheckState::kViolated) return;
  out << fmt::format("       {} time{}, first at event", one.violation_count,
                     one.violation_count == 1 ? "" : "s");
  for (const std::uint64_t seq : one.first_seqs) out << ' ' << seq;
  out << ": " << one.text << "\n";
}

ExitCode check(CommandContext& context, store::LedgerReader& reader) {
  const Result<store::CheckReport> report = store::check_ledger(reader, {});
  if (!report) return fail(context, report.error(), ExitCode::kFailed);
  if (context.format == OutputFormat::kJson) {
    context.out << to_json(*report).dump(-1, ' ', false,
                                         nlohmann::ordered_json::error_handler_t::replace)
                << "\n";
  } else {
    for (const store::InvariantReport& one : report->invariants) print_row(context.out, one);
    context.out << fmt::format("{} events, {} open groups, {}: {}\n", report->event_count,
                               report->open_groups,
                               report->is_finished ? "finished" : "not finished",
                               report->is_clean() ? "clean" : "NOT CLEAN");
  }
  return report->is_clean() ? ExitCode::kDone : ExitCode::kGate;
}

}  // namespace

ExitCode ledger_command(CommandContext& context) {
  std::string action, run, arm = "true";
  OptionSet options("ledger", "Shows a run's history as data, or checks that it can be trusted.");
  options.positional("action", action, "export or check");
  options.positional("run", run, "a run's name or folder, or a ledger file");
  options.option("--arm", arm, "the run itself (true) or a control");
  options.example("assay ledger check arithmetic");
  options.example("assay ledger export arithmetic | head -3");
  options.example("assay ledger check arithmetic -o json");
  if (const auto stop = options.parse(context)) return *stop;
  if (action != "export" && action != "check") {
    return fail(context,
                Error{ErrorCode::kInvalidInput,
                      "ledger cannot '" + action + "'",
                      "say `assay ledger export RUN` or `assay ledger check RUN`",
                      {},
                      {}},
                ExitCode::kUsage);
  }
  Result<store::LedgerReader> reader = open_ledger(run, arm);
  if (!reader) return fail(context, reader.error(), ExitCode::kFailed);
  return action == "export" ? export_events(context, *reader) : check(context, *reader);
}

}  // namespace assay::cli
