#include "verifiers/http/http_options.h"

#include <cstdlib>
#include <utility>

#include "verifiers/http/canaries.h"
#include "verifiers/option_reader.h"

namespace assay::verifiers::http {

namespace {

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

void read_target(OptionReader& reader, HttpOptions& options) {
  const std::string url = reader.read_text("url", "");
  if (url.empty()) {
    reader.refuse("the option \"url\" is missing", "set it, e.g. to http://127.0.0.1:8000/judge");
    return;
  }
  auto target = parse_url(url);
  if (!target) {
    reader.refuse(target.error().message, target.error().remedy);
    return;
  }
  options.target = std::move(*target);
}

// The value of a token must not end up in a message, so only its variable is named.
void read_token(OptionReader& reader, HttpOptions& options) {
  const std::string variable = reader.read_text("api_key_env", "", 256);
  if (variable.empty()) return;
  const char* const value = std::getenv(variable.c_str());
  if (value == nullptr || *value == '\0') {
    reader.refuse("the environment variable " + variable + " of \"api_key_env\" is not set",
                  "export " + variable + "=... before the run");
    return;
  }
  options.bearer_token = value;
  if (options.bearer_token.find_first_of("\r\n") != std::string::npos) {
    reader.refuse("the environment variable " + variable + " has more than one line",
                  "set it to the key alone");
  }
}

void read_limits(OptionReader& reader, const VerifierContext& context, HttpOptions& options) {
  const double told_s = static_cast<double>(context.time_limit.count()) / 1000;
  options.time_limit =
      milliseconds_of(reader.read_number("timeout_s", told_s > 0 ? told_s : 20, 0.01, 600));
  options.attempts = static_cast<std::uint32_t>(reader.read_integer("attempts", 3, 1, 20));
  options.answer_bytes_max =
      static_cast<std::size_t>(reader.read_integer("answer_bytes_max", 256 * 1024, 64, 16 << 20));
  options.completion_bytes_max =
      static_cast<std::size_t>(reader.read_integer("completion_bytes_max", 16 * 1024, 1, 1 << 20));
  options.rate_per_s = reader.read_number("rate_per_s", 0, 0, 1e6);
  options.burst = reader.read_number("burst", 8, 1, 1e6);
  options.patience = milliseconds_of(reader.read_number("patience_s", 60, 0, 3600));
  options.budget = reader.read_integer("budget", 0, 0, INT64_MAX / 2);
  options.cost_per_call = reader.read_integer("cost_per_call", 1, 0, 1'000'000'000'000);
  options.breaker_failures =
      static_cast<std::uint32_t>(reader.read_integer("breaker_failures", 5, 1, 1000));
  options.breaker_rest = milliseconds_of(reader.read_number("breaker_rest_s", 10, 0.01, 3600));
  options.cache_entries =
      static_cast<std::size_t>(reader.read_integer("cache_entries", 100'000, 1, 10'000'000));
}

}  // namespace

Result<HttpOptions> read_http_options(const VerifierContext& context,
                                      std::string_view options_json) {
  OptionReader reader("http", options_json);
  HttpOptions options;
  read_target(reader, options);
  if (reader.read_word("format", "judge", {"judge", "chat"}) == "chat") {
    options.format = BodyFormat::kChat;
  }
  options.rubric = reader.read_text("rubric", "");
  options.model = reader.read_text("model", "", 256);
  options.threshold = reader.read_number("threshold", 0.5, 0, 1);
  options.rewards_score = reader.read_word("reward", "pass", {"pass", "score"}) == "score";
  options.reward_cap = reader.read_number("reward_cap", 1, 0, 1);
  read_token(reader, options);
  read_limits(reader, context, options);
  options.canary_rate = reader.read_number("canary_rate", 0.02, 0, 1);
  options.canaries = reader.read_texts("canaries");
  for (const std::string_view known : known_bad_completions()) options.canaries.emplace_back(known);
  if (auto finished = reader.finish(); !finished) return finished.error();
  return options;
}

}  // namespace assay::verifiers::http
