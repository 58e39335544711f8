#include "actors/cli/command.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "actors/cli/text_layout.h"
#include "runtime/config/nearest.h"
#include "runtime/core/file.h"
#include "runtime/core/limits.h"

namespace assay::cli {
namespace {

struct Place {
  std::string path;
  std::size_t line = 0;
  std::size_t column = 0;
};

// Reads "path:line:column"; line stays 0 for anything else.
Place parse_place(const std::string& text) {
  const std::size_t last = text.rfind(':');
  const std::size_t before = last == std::string::npos ? last : text.rfind(':', last - 1);
  if (before == std::string::npos || before == 0) return {};
  Place place{text.substr(0, before)};
  const char* end = text.data() + text.size();
  std::from_chars(text.data() + before + 1, text.data() + last, place.line);
  if (std::from_chars(text.data() + last + 1, end, place.column).ptr != end) return {};
  return place;
}

std::string line_of(const std::string& text, std::size_t line) {
  std::size_t start = 0;
  for (std::size_t i = 1; i < line && start != std::string::npos; ++i) {
    start = text.find('\n', start);
    if (start != std::string::npos) ++start;
  }
  if (start == std::string::npos) return "";
  return text.substr(start, text.find('\n', start) - start);
}

bool is_word(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '.' ||
         letter == '-' || letter == '"';
}

// The source line with carets under the word at the place; empty when it cannot be shown.
std::string excerpt_of(const Error& error) {
  constexpr std::size_t kLineMax = 160;
  const Place place = parse_place(error.place);
  if (place.line == 0 || place.column == 0) return "";
  const auto text = read_file(place.path, limits::kConfigBytesMax);
  if (!text) return "";
  const std::string line = printable(line_of(*text, place.line));
  if (line.empty() || line.size() > kLineMax || place.column > line.size()) return "";
  std::size_t end = place.column - 1;
  while (end < line.size() && is_word(line[end])) ++end;
  const std::size_t width = std::max<std::size_t>(1, end + 1 - place.column);
  return "   |  " + line + "\n   |  " + std::string(place.column - 1, ' ') +
         std::string(width, '^') + "\n";
}

void print_overview(std::ostream& stream, std::span<const Command> commands) {
  stream << "assay: reinforcement learning with verifiable rewards, on one machine or many\n\n"
            "  assay run @ configs/arithmetic.toml           train a policy, watch it, read the "
            "report\n"
            "  assay config show @ configs/arithmetic.toml   every value and where it comes from\n"
            "  assay doctor                                  is this machine ready?\n";
  std::vector<std::string_view> groups;
  for (const Command& command : commands) {
    if (std::find(groups.begin(), groups.end(), command.group) == groups.end()) {
      groups.push_back(command.group);
    }
  }
  for (const std::string_view group : groups) {
    stream << "\n" << group << "\n";
    for (const Command& command : commands) {
      if (command.group != group) continue;
      const std::string gap(command.name.size() < 12 ? 12 - command.name.size() : 1, ' ');
      stream << "  " << command.name << gap << command.summary << "\n";
    }
  }
  stream << "\nEverywhere: -o table|wide|json, -q, -v, --no-color. "
            "`assay VERB --help` explains a verb.\n";
}

bool is_help(std::string_view word) {
  return word == "-h" || word == "--help" || word == "help";
}

// The index of the verb: the first argument that is not a global option or its value.
std::size_t verb_index(const std::vector<std::string>& args) {
  std::size_t index = 0;
  while (index < args.size() && args[index].starts_with("-") && !is_help(args[index])) {
    const bool has_value = args[index] == "-o" || args[index] == "--output";
    index += has_value ? 2 : 1;
  }
  return std::min(index, args.size());
}

Error unknown_verb(const std::string& verb, std::span<const Command> commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.emplace_back(command.name);
  const auto near = config::nearest_name(verb, names);
  return Error{ErrorCode::kInvalidInput,
               "`" + verb + "` is not a verb of assay",
               near ? "did you mean `assay " + *near + "`?" : "`assay --help` lists the verbs",
               {},
               {}};
}

}  // namespace

void print_error(CommandContext& context, const Error& error) {
  const char* red = context.has_color ? "\x1b[1;31m" : "";
  const char* plain = context.has_color ? "\x1b[0m" : "";
  context.err << red << "error" << (error.id.empty() ? "" : "[" + error.id + "]") << plain << ": "
              << printable(error.message) << "\n";
  if (!error.place.empty()) context.err << "  --> " << error.place << "\n" << excerpt_of(error);
  if (!error.remedy.empty()) context.err << "   = help: " << printable(error.remedy) << "\n";
}

ExitCode fail(CommandContext& context, const Error& error, ExitCode code) {
  print_error(context, error);
  return code;
}

ExitCode fail(CommandContext& context, const Error& error) {
  if (error.id.starts_with("E1")) return fail(context, error, ExitCode::kUsage);
  const bool is_away = error.code == ErrorCode::kUnavailable;
  return fail(context, error, is_away ? ExitCode::kUnreachable : ExitCode::kFailed);
}

ExitCode run_program(CommandContext& context, std::span<const Command> commands) {
  const std::size_t index = verb_index(context.args);
  if (index == context.args.size()) {
    print_overview(context.err, commands);
    return ExitCode::kUsage;
  }
  const std::string verb = context.args[index];
  context.args.erase(context.args.begin() + static_cast<std::ptrdiff_t>(index));
  if (is_help(verb)) {
    if (index == context.args.size()) {
      print_overview(context.out, commands);
      return ExitCode::kDone;
    }
    context.args = {context.args[index], "--help"};
    return run_program(context, commands);
  }
  for (const Command& command : commands) {
    if (command.name == verb) return command.run(context);
  }
  return fail(context, unknown_verb(verb, commands), ExitCode::kUsage);
}

}  // namespace assay::cli
