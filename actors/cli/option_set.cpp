// The only place that knows the option-parsing library.
#include "actors/cli/option_set.h"

#include <CLI/CLI.hpp>

#include "actors/cli/run_config.h"
#include "actors/cli/text_layout.h"
#include "runtime/config/nearest.h"
#include "runtime/config/node.h"
#include "runtime/config/value_text.h"

namespace assay::cli {
namespace {

constexpr std::size_t kHelpColumns = 80;

struct HelpRow {
  std::string names;  // "-n,--prompts N"
  std::string text;
};

std::string option_shown(std::string_view names, std::string_view value) {
  std::string shown(names);
  for (std::size_t comma = shown.find(','); comma != std::string::npos;
       comma = shown.find(',', comma + 2)) {
    shown.replace(comma, 1, ", ");
  }
  return value.empty() ? shown : shown + " " + std::string(value);
}

// "-n,--prompts" -> {"-n", "--prompts"}.
std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> parts;
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    parts.emplace_back(names.substr(0, comma));
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return parts;
}

std::string capitals(std::string_view name) {
  std::string text(name);
  for (char& letter : text) letter = static_cast<char>(std::toupper(letter));
  return text;
}

// True when the word after a config key is that key's value.
bool is_value(const std::string& word) {
  if (word == "@" || word.starts_with("--")) return false;
  const bool is_number =
      word.size() > 1 && word[0] == '-' && (std::isdigit(word[1]) || word[1] == '.');
  return !word.starts_with("-") || is_number;
}

bool is_assignment(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0 || word[0] == '-') return false;
  const std::string key = word.substr(0, equals);
  return key.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
         std::string::npos;
}

// Takes `@ FILE`, `-c FILE`, `--key value`, `--key=value` and `key=value` out of `args`.
class ConfigWords {
 public:
  ConfigWords(config::Request& request, const std::vector<std::string>& own_options)
      : request_(request), own_options_(own_options) {}

  // Returns what is left for the verb. Errors: kInvalidInput for an @ without a file.
  Result<std::vector<std::string>> take(const std::vector<std::string>& args) {
    std::vector<std::string> rest;
    for (std::size_t i = 0; i < args.size(); ++i) {
      const std::string& word = args[i];
      const bool has_next = i + 1 < args.size();
      if (word == "--") {
        rest.insert(rest.end(), args.begin() + static_cast<std::ptrdiff_t>(i), args.end());
        break;
      }
      if (word == "@" || word == "-c") {
        if (!has_next) return no_file(word);
        request_.files.push_back(args[++i]);
      } else if (word.starts_with("@")) {
        request_.files.push_back(word.substr(1));
      } else if (is_key_option(word)) {
        if (take_key(word, has_next ? &args[i + 1] : nullptr)) ++i;
      } else if (is_assignment(word)) {
        const std::size_t equals = word.find('=');
        request_.overrides.push_back({word.substr(0, equals), word.substr(equals + 1), word});
      } else {
        rest.push_back(word);
      }
    }
    return rest;
  }

 private:
  static Error no_file(const std::string& word) {
    return Error{ErrorCode::kInvalidInput,
                 "`" + word + "` needs a config file after it",
                 "e.g. `@ configs/arithmetic.toml`",
                 {},
                 {}};
  }

  // True for `--a.b` and for a key without a dot, unless the verb has an option of that name.
  bool is_key_option(const std::string& word) const {
    if (!word.starts_with("--") || word.size() < 4) return false;
    const std::string name = word.substr(0, word.find('='));
    if (std::find(own_options_.begin(), own_options_.end(), name) != own_options_.end())
      return false;
    return name.find('.') != std::string::npos || is_run_config_key(name.substr(2));
  }

  // Returns whether `next` was used up. A key without a value means true.
  bool take_key(const std::string& word, const std::string* next) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) {
      request_.overrides.push_back(
          {word.substr(2, equals - 2), word.substr(equals + 1), word.substr(0, equals)});
      return false;
    }
    const bool has_value = next != nullptr && is_value(*next);
    request_.overrides.push_back({word.substr(2), has_value ? *next : "true", word});
    return has_value;
  }

  config::Request& request_;
  const std::vector<std::string>& own_options_;
};

}  // namespace

struct OptionSet::State {
  std::string verb;
  std::string description;
  CLI::App app;
  std::vector<HelpRow> positionals;
  std::string usage_words;
  std::vector<HelpRow> rows;
  std::vector<std::string> names;  // every option, for "did you mean"
  std::vector<std::string> examples;
  config::Request* request = nullptr;
  // Of the global options.
  std::string format = "table";
  bool is_quiet = false;
  bool is_verbose = false;
  bool has_no_color = false;

  void add_row(std::string_view option_names, std::string_view value, std::string text) {
    rows.push_back({option_shown(option_names, value), std::move(text)});
    for (std::string& name : split_names(option_names)) names.push_back(std::move(name));
  }

  template <class T>
  void add_option(std::string_view option_names, T& value, std::string_view help,
                  std::string_view shown_value, const std::string& shown_default) {
    app.add_option(std::string(option_names), value);
    std::string text(help);
    if (!shown_default.empty()) text += " [" + shown_default + "]";
    add_row(option_names, shown_value, std::move(text));
  }

  template <class T>
  void add_multi(std::string_view option_names, std::vector<T>& values, std::string_view help,
                 std::string_view shown_value) {
    app.add_option(std::string(option_names), values)->delimiter(',');
    app.get_option(split_names(option_names).back())
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
    add_row(option_names, shown_value, std::string(help) + "; may be repeated");
  }

  void print_help(std::ostream& stream) const;
  Error explain(const std::string& fault, const std::vector<std::string>& args) const;
};

void OptionSet::State::print_help(std::ostream& stream) const {
  stream << description << "\n\nusage: assay " << verb << usage_words
         << (request == nullptr ? "" : " [@ CONFIG]... [--KEY VALUE]...") << " [options]\n";
  if (!examples.empty()) stream << "\nexamples\n";
  for (const std::string& example : examples) stream << "  " << example << "\n";
  std::vector<HelpRow> all = positionals;
  all.insert(all.end(), rows.begin(), rows.end());
  if (request != nullptr) {
    all.push_back({"@ FILE, -c FILE", "a config; later files win"});
    all.push_back({"--KEY VALUE, KEY=VALUE", "one config value, e.g. --learner.optim.lr 1e-4"});
  }
  std::size_t width = 0;
  for (const HelpRow& row : all) width = std::max(width, row.names.size());
  stream << "\noptions\n";
  for (const HelpRow& row : all) {
    stream << "  " << row.names << std::string(width + 2 - row.names.size(), ' ')
           << wrapped(row.text, kHelpColumns, width + 4) << "\n";
  }
}

// Names the faulty option and the nearest one of this verb, or of the config.
Error OptionSet::State::explain(const std::string& fault,
                                const std::vector<std::string>& args) const {
  Error error{ErrorCode::kInvalidInput,
              "assay " + verb + ": " + fault,
              "`assay " + verb + " --help` shows the options",
              {},
              {}};
  for (const std::string& word : args) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("-") || is_value(name)) continue;
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    std::vector<std::string> candidates = names;
    if (request != nullptr) {
      for (const std::string& key : run_config_keys()) candidates.push_back("--" + key);
    }
    error.message = "assay " + verb + " has no option `" + name + "`";
    const auto near = config::nearest_name(config::snake_case(name.substr(1)), [&] {
      std::vector<std::string> plain;
      for (const std::string& c : candidates) plain.push_back(config::snake_case(c.substr(1)));
      return plain;
    }());
    for (const std::string& candidate : candidates) {
      if (near && config::snake_case(candidate.substr(1)) == *near) {
        error.remedy = "did you mean `" + candidate + "`?";
        break;
      }
    }
    break;
  }
  return error;
}

OptionSet::OptionSet(std::string_view verb, std::string_view description)
    : state_(std::make_unique<State>()) {
  state_->verb = verb;
  state_->description = description;
  state_->app.set_help_flag();
  state_->app.allow_extras(false);
}

OptionSet::~OptionSet() = default;

void OptionSet::flag(std::string_view names, bool& value, std::string_view help) {
  state_->app.add_flag(std::string(names), value);
  state_->add_row(names, "", std::string(help));
}

void OptionSet::option(std::string_view names, std::string& value, std::string_view help) {
  state_->add_option(names, value, help, "TEXT", value);
}

void OptionSet::option(std::string_view names, std::uint32_t& value, std::string_view help) {
  state_->add_option(names, value, help, "N", std::to_string(value));
}

void OptionSet::option(std::string_view names, std::uint64_t& value, std::string_view help) {
  state_->add_option(names, value, help, "N", std::to_string(value));
}

void OptionSet::option(std::string_view names, double& value, std::string_view help) {
  state_->add_option(names, value, help, "X", config::number_text(value));
}

void OptionSet::choice(std::string_view names, std::string& value, std::vector<std::string> choices,
                       std::string_view help) {
  std::string shown;
  for (const std::string& word : choices) shown += (shown.empty() ? "" : "|") + word;
  state_->add_option(names, value, help, shown, value);
  state_->app.get_option(split_names(names).back())->check(CLI::IsMember(std::move(choices)));
}

void OptionSet::multi(std::string_view names, std::vector<std::string>& values,
                      std::string_view help) {
  state_->add_multi(names, values, help, "TEXT,...");
}

void OptionSet::multi(std::string_view names, std::vector<std::uint32_t>& values,
                      std::string_view help) {
  state_->add_multi(names, values, help, "N,...");
}

void OptionSet::positional(std::string_view name, std::string& value, std::string_view help,
                           Presence presence) {
  const bool is_required = presence == Presence::kRequired;
  state_->app.add_option(std::string(name), value)->required(is_required);
  const std::string shown = capitals(name);
  state_->usage_words += is_required ? " " + shown : " [" + shown + "]";
  state_->positionals.push_back({shown, std::string(help)});
}

void OptionSet::positionals(std::string_view name, std::vector<std::string>& values,
                            std::string_view help) {
  state_->app.add_option(std::string(name), values);
  state_->usage_words += " [" + capitals(name) + "]...";
  state_->positionals.push_back({capitals(name), std::string(help)});
}

void OptionSet::config(config::Request& request) {
  state_->request = &request;
}

void OptionSet::example(std::string_view command_line) {
  state_->examples.emplace_back(command_line);
}

std::optional<ExitCode> OptionSet::parse(CommandContext& context) {
  bool is_help = false;
  flag("-h,--help", is_help, "show this");
  choice("-o,--output", state_->format, {"table", "wide", "json"}, "how to print");
  flag("-q,--quiet", state_->is_quiet, "only results and errors");
  flag("-v,--verbose", state_->is_verbose, "say more");
  flag("--no-color", state_->has_no_color, "as NO_COLOR=1");

  std::vector<std::string> args = context.args;
  const auto is_help_word = [](const std::string& word) {
    return word == "-h" || word == "--help";
  };
  if (std::any_of(args.begin(), args.end(), is_help_word)) {
    state_->print_help(context.out);
    return ExitCode::kDone;
  }
  if (state_->request != nullptr) {
    auto rest = ConfigWords(*state_->request, state_->names).take(args);
    if (!rest) return fail(context, rest.error(), ExitCode::kUsage);
    args = std::move(*rest);
  }
  try {
    state_->app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::Error& fault) {
    return fail(context, state_->explain(fault.what(), args), ExitCode::kUsage);
  }
  if (state_->format == "json") context.format = OutputFormat::kJson;
  if (state_->format == "wide") context.format = OutputFormat::kWide;
  context.verbosity = state_->is_quiet ? -1 : state_->is_verbose ? 1 : 0;
  if (state_->has_no_color) context.has_color = false;
  return std::nullopt;
}

}  // namespace assay::cli
