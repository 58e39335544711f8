// `assay config show|validate|schema`: what a config says, whether it holds, what it may say.
#include <algorithm>

#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "actors/cli/run_config.h"
#include "runtime/config/node.h"
#include "runtime/core/json.h"

namespace assay::cli {
namespace {

using config::ResolvedValue;

// "curator.train.source[0].path" is below "curator", "curator.train.source" and itself.
bool is_below(const std::string& key, std::string_view prefix) {
  std::string plain;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] == '[') i = key.find(']', i) + 1;
    if (i < key.size()) plain += key[i];
  }
  if (prefix.empty() || key == prefix || plain == prefix) return true;
  return plain.starts_with(prefix) && plain[prefix.size()] == '.';
}

std::vector<ResolvedValue> chosen_values(const LoadedConfig& loaded, const std::string& prefix) {
  std::vector<ResolvedValue> chosen;
  for (const ResolvedValue& value : loaded.resolved.values()) {
    if (is_below(value.key, config::snake_case(prefix))) chosen.push_back(value);
  }
  return chosen;
}

void print_json(std::ostream& out, const std::vector<ResolvedValue>& values, const Digest& digest) {
  nlohmann::ordered_json document{{"assay", 1}, {"config_sha256", digest.hex()}};
  nlohmann::ordered_json& list = document["values"];
  list = nlohmann::ordered_json::array();
  for (const ResolvedValue& value : values) {
    list.push_back({{"key", value.key},
                    {"value", parse_json(value.value)},
                    {"origin", value.origin},
                    {"help", value.help}});
  }
  out << json_text(document, 2) << "\n";
}

// What --keys names but no config holds: the items of an array of tables that has none.
void print_known_keys(CommandContext& context, const std::string& prefix) {
  for (const std::string& key : run_config_keys()) {
    if (is_below(key, config::snake_case(prefix))) context.out << key << "\n";
  }
}

ExitCode show(CommandContext& context, const LoadedConfig& loaded, const std::string& prefix) {
  if (!is_run_config_key(prefix) && !prefix.empty() && loaded.resolved.find(prefix) == nullptr) {
    return fail(context, {ErrorCode::kInvalidInput,
                          "no key begins with `" + prefix + "`",
                          "`assay config show` lists all keys",
                          {},
                          "E103"});
  }
  const std::vector<ResolvedValue> values = chosen_values(loaded, prefix);
  if (context.format == OutputFormat::kJson) {
    print_json(context.out, values, loaded.resolved.digest());
    return ExitCode::kDone;
  }
  if (values.empty()) print_known_keys(context, prefix);
  std::size_t width = 0;
  for (const ResolvedValue& value : values) {
    width = std::max(width, std::min<std::size_t>(60, value.key.size() + value.value.size() + 3));
  }
  for (const ResolvedValue& value : values) {
    const std::string line = value.key + " = " + value.value;
    context.out << line << std::string(line.size() < width ? width - line.size() : 0, ' ') << "  # "
                << value.origin;
    if (context.format == OutputFormat::kWide) context.out << "; " << value.help;
    context.out << "\n";
  }
  return ExitCode::kDone;
}

}  // namespace

ExitCode config_command(CommandContext& context) {
  std::string action;
  std::string prefix;
  config::Request request;
  OptionSet options("config", "Shows, checks or describes a config.");
  options.positional("action", action,
                     "show: every value and its origin; validate: check only; schema: JSON Schema");
  options.option("--keys", prefix, "show only the keys at or below this one");
  options.config(request);
  options.example("assay config show @ configs/arithmetic.toml --keys curator");
  options.example("assay config validate @ configs/gsm8k.toml --learner.optim.lr 1e-4");
  options.example("assay config schema > assay.schema.json");
  if (const auto stop = options.parse(context)) return *stop;

  if (action == "schema") {
    context.out << run_config_json_schema();
    return ExitCode::kDone;
  }
  if (action != "show" && action != "validate") {
    return fail(context,
                {ErrorCode::kInvalidInput,
                 "assay config cannot `" + action + "`",
                 "say `show`, `validate` or `schema`",
                 {},
                 {}},
                ExitCode::kUsage);
  }
  const auto loaded = load_run_config(request);
  if (!loaded) return fail(context, loaded.error(), ExitCode::kUsage);
  if (action == "show") return show(context, *loaded, prefix);
  if (!context.is_quiet()) {
    context.err << "ok: " << loaded->resolved.values().size() << " values, config "
                << loaded->resolved.digest().short_hex() << "\n";
  }
  return ExitCode::kDone;
}

}  // namespace assay::cli
