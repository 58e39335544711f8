// How a verb of `assay` looks: a name, a line of help and one function.
//
// Standard output is data, standard error is talk. A verb writes only to the two streams of its
// context, so that tests can read what it says. It parses its arguments with OptionSet, reports
// failures with print_error, and returns an ExitCode.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/cli/exit_code.h"
#include "runtime/core/result.h"

namespace assay::cli {

enum class OutputFormat { kTable, kWide, kJson };

// What a verb may know of its surroundings. OptionSet::parse fills format, verbosity and colour
// from the global options.
struct CommandContext {
  std::vector<std::string> args;  // what follows the verb
  std::ostream& out;
  std::ostream& err;
  bool is_out_terminal = false;
  bool is_err_terminal = false;
  bool has_color = false;  // standard error is a terminal, NO_COLOR is unset, no --no-color
  int columns = 80;        // width of the terminal
  OutputFormat format = OutputFormat::kTable;
  int verbosity = 0;  // -1 with -q, 1 with -v

  bool is_quiet() const { return verbosity < 0; }
  // Where text is wrapped: at the terminal's width, in a pipe nowhere.
  std::size_t out_columns() const { return columns_of(is_out_terminal); }
  std::size_t err_columns() const { return columns_of(is_err_terminal); }

 private:
  std::size_t columns_of(bool is_terminal) const {
    constexpr std::size_t kUnlimited = std::size_t{1} << 30;
    return is_terminal ? static_cast<std::size_t>(std::max(columns, 20)) : kUnlimited;
  }
};

// One row of the table in main.cpp. Verbs of one group stand together in `assay --help`.
struct Command {
  std::string_view name;
  std::string_view group;
  std::string_view summary;  // one line, no full stop
  ExitCode (*run)(CommandContext& context);
};

// Prints to context.err: `error[E103]: ...`, the place with its source line and a caret where the
// place is a readable text file, and the help line.
void print_error(CommandContext& context, const Error& error);

// Prints the error and returns `code`, so that a verb can say `return fail(context, error)`.
// Without a code: kUsage for errors of a config (ids E1xx), kUnreachable for kUnavailable, else
// kFailed.
ExitCode fail(CommandContext& context, const Error& error);
ExitCode fail(CommandContext& context, const Error& error, ExitCode code);

// Finds the verb and runs it; prints the overview for no verb or --help, "did you mean" for an
// unknown one (kUsage). `context.args` holds everything after the program's name.
ExitCode run_program(CommandContext& context, std::span<const Command> commands);

}  // namespace assay::cli
