// OptionSet: the options of one verb, typed, with help, examples and "did you mean".
//
//   std::uint32_t prompts = 64;
//   bool is_greedy = false;
//   config::Request request;
//   OptionSet options("eval", "Measures pass@k of a policy.");
//   options.option("-n,--prompts", prompts, "prompts per source");
//   options.flag("--greedy", is_greedy, "take the likeliest token");
//   options.config(request);
//   options.example("assay eval @ configs/arithmetic.toml -n 16");
//   if (auto stop = options.parse(context)) return *stop;
//
// Bound variables keep their value where the option is not given; that value is shown as the
// default. Every verb also understands -h/--help, -o/--output, -q, -v and --no-color.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/cli/command.h"
#include "runtime/config/request.h"

namespace assay::cli {

class OptionSet {
 public:
  OptionSet(std::string_view verb, std::string_view description);
  ~OptionSet();

  // `names` as "-n,--prompts" or "--prompts".
  void flag(std::string_view names, bool& value, std::string_view help);
  void option(std::string_view names, std::string& value, std::string_view help);
  void option(std::string_view names, std::uint32_t& value, std::string_view help);
  void option(std::string_view names, std::uint64_t& value, std::string_view help);
  void option(std::string_view names, double& value, std::string_view help);
  // One of the given words; anything else is wrong usage.
  void choice(std::string_view names, std::string& value, std::vector<std::string> choices,
              std::string_view help);
  // May be repeated, and takes comma-separated values.
  void multi(std::string_view names, std::vector<std::string>& values, std::string_view help);
  void multi(std::string_view names, std::vector<std::uint32_t>& values, std::string_view help);

  // Arguments without a dash, in the order of these calls. `name` is shown in capitals in the
  // usage line.
  enum class Presence { kRequired, kOptional };
  void positional(std::string_view name, std::string& value, std::string_view help,
                  Presence presence = Presence::kRequired);
  void positionals(std::string_view name, std::vector<std::string>& values, std::string_view help);

  // Lets the verb take a config: `@ FILE`, `-c FILE`, `--learner.optim.lr 1e-4`, `key=value`.
  void config(config::Request& request);

  // A runnable command line for the help text.
  void example(std::string_view command_line);

  // Parses context.args and sets the bound variables and the context's global options. Returns the
  // exit code when the verb has nothing left to do: help was printed (kDone) or the usage was wrong
  // and has been explained (kUsage).
  std::optional<ExitCode> parse(CommandContext& context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay::cli
