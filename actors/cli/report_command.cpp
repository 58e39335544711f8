// `assay report RUN`: draws the report of a finished run again from what the run kept beside it.
#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "actors/cli/run_report.h"
#include "actors/web/report_json.h"
#include "actors/web/report_page.h"
#include "actors/web/summary.h"
#include "runtime/core/file.h"
#include "runtime/core/limits.h"
#include "runtime/store/run_folder.h"

namespace assay::cli {

namespace {

Result<web::ReportInput> read_input(const store::RunPaths& paths) {
  const std::string path = paths.report() + "/report_input.json";
  Result<std::string> text = read_file(path, limits::kReportBytesMax);
  if (!text) {
    Error error = text.error();
    if (error.code == ErrorCode::kNotFound) {
      error.remedy = "a report exists once its run has finished; `assay run ... --resume` ends one";
    }
    return error;
  }
  Result<web::ReportInput> input = web::report_input_from_json(*text);
  if (input) return input;
  Error error = input.error();
  error.place = path;
  return error;
}

}  // namespace

ExitCode report_command(CommandContext& context) {
  std::string run;
  OptionSet options("report", "Writes the page and the summary of a finished run again.");
  options.positional("run", run, "the run's folder or its name under outputs/");
  options.example("assay report first");
  options.example("assay report outputs/first -o json");
  options.example("assay report first -o json | jq .eval.in_range.reading");
  if (auto stop = options.parse(context)) return *stop;

  Result<store::RunPaths> paths = store::find_run(run);
  if (!paths) return fail(context, paths.error());
  Result<web::ReportInput> input = read_input(*paths);
  if (!input) return fail(context, input.error(), ExitCode::kFailed);
  if (auto written = web::write_report(*input, paths->report()); !written) {
    return fail(context, written.error(), ExitCode::kFailed);
  }
  if (context.format == OutputFormat::kJson) {
    context.out << web::summary_json(*input);
  } else {
    context.out << verdict_lines(*input, context.out_columns())
                << "report: " << paths->report_page() << "\n";
  }
  return ExitCode::kDone;
}

}  // namespace assay::cli
