#include <string>

#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "actors/cli/template.h"
#include "runtime/core/file.h"

namespace assay::cli {

namespace {

// Nothing is written over.
Result<void> write_template(const std::string& folder) {
  for (const TemplateFile& file : template_files()) {
    const std::string path = folder + "/" + std::string(file.path);
    if (!path_exists(path)) continue;
    return Error{ErrorCode::kInvalidInput, path + " exists already; nothing was written",
                 "name another folder: assay init DIR", path, "E804"};
  }
  for (const TemplateFile& file : template_files()) {
    const std::string path = folder + "/" + std::string(file.path);
    if (auto made = make_folders(path.substr(0, path.rfind('/'))); !made) return made.error();
    if (auto written = write_file_durably(path, file.content); !written) return written.error();
  }
  return {};
}

}  // namespace

ExitCode init_command(CommandContext& context) {
  std::string folder = ".";
  OptionSet options("init",
                    "Writes a task of your own to begin with: config, verifier, data and "
                    "the verifier's cases.");
  options.positional("folder", folder, "where, made if it is not there",
                     OptionSet::Presence::kOptional);
  options.example("assay init my_task");
  options.example("assay init");
  options.example("assay init tasks/second");
  if (auto stop = options.parse(context)) return *stop;
  if (auto written = write_template(folder); !written) {
    const bool is_taken = written.error().id == "E804";
    return fail(context, written.error(), is_taken ? ExitCode::kUsage : ExitCode::kFailed);
  }
  for (const TemplateFile& file : template_files())
    context.out << folder << "/" << file.path << "\n";
  if (!context.is_quiet()) {
    const std::string enter = folder == "." ? "" : "  cd " + folder + "\n";
    context.err << "\nNext\n"
                << enter
                << "  assay verify verifier.py --suite tests/adversarial.jsonl --min-coverage 0.9\n"
                   "  assay run @ assay.toml --dry-run\n"
                   "  assay run @ assay.toml\n";
  }
  return ExitCode::kDone;
}

}  // namespace assay::cli
