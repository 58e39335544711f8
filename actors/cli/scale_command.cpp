// `assay scale math=8`: changes the sizes of a live run's pools.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <map>
#include <thread>

#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "actors/cli/run_client.h"

namespace assay::cli {

namespace {

using nlohmann::json;

struct Wish {
  std::string run;
  std::map<std::string, std::uint32_t> sizes;
};

Error usage_error(const std::string& argument) {
  return {ErrorCode::kInvalidInput,
          "`" + argument + "` is not a pool and its size",
          "write for example `assay scale math=8`",
          {},
          {}};
}

Result<Wish> wish_of(const std::vector<std::string>& arguments) {
  Wish wish;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos) {
      if (!wish.run.empty()) return usage_error(argument);
      wish.run = argument;
      continue;
    }
    const std::string digits = argument.substr(equals + 1);
    std::uint32_t size = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    if (error != std::errc() || end != digits.data() + digits.size() || equals == 0) {
      return usage_error(argument);
    }
    wish.sizes[argument.substr(0, equals)] = size;
  }
  if (wish.sizes.empty()) {
    return Error{ErrorCode::kInvalidInput,
                 "no pool is named",
                 "write for example `assay scale math=8`; `assay status` shows the pools",
                 {},
                 {}};
  }
  return wish;
}

// Whether every resized pool has as many workers alive as it should have, and none too many.
bool is_settled(const json& status, const json& resized) {
  for (const auto& [name, sizes] : resized.items()) {
    const std::uint64_t desired = sizes.value("desired", std::uint64_t{0});
    std::uint64_t present = 0;
    for (const json& actor : status.value("actors", json::array())) {
      const std::string id = actor.value("id", "");
      if (id.substr(0, id.rfind('/')) != name) continue;
      if (actor.value("state", "") != "ALIVE") return false;
      ++present;
    }
    if (present != desired) return false;
  }
  return true;
}

Result<void> wait_until_settled(const store::RunPaths& paths, const json& resized,
                                std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    Result<json> status = ask_run(paths, {{"get", "status"}});
    if (!status) return status.error();
    if (is_settled(*status, resized)) return {};
    if (std::chrono::steady_clock::now() > deadline) {
      return Error{ErrorCode::kTimedOut,
                   fmt::format("the pools are not at their sizes after {} s", patience.count()),
                   "`assay status -w` shows what they are waiting for",
                   {},
                   {}};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

void print_sizes(CommandContext& context, const json& answer) {
  if (context.format == OutputFormat::kJson) {
    context.out << json_text(answer) << "\n";
    return;
  }
  for (const auto& [pool, sizes] : answer.at("pools").items()) {
    context.out << fmt::format("{}: {} -> {}\n", pool, sizes.value("before", 0u),
                               sizes.value("desired", 0u));
  }
}

}  // namespace

ExitCode scale_command(CommandContext& context) {
  std::vector<std::string> arguments;
  bool is_waiting = false;
  std::uint32_t patience_s = 60;
  OptionSet options("scale", "Changes how many workers the pools of a live run have.");
  options.positionals("pool=size", arguments,
                      "pools and their new sizes; a run's name first where several are running");
  options.flag("--wait", is_waiting, "until the pools have these sizes");
  options.option("--timeout", patience_s, "seconds that --wait waits");
  options.example("assay scale verifier=8");
  options.example("assay scale math=2 generator=3 --wait");
  options.example("assay scale first sql=4");
  if (auto stop = options.parse(context)) return *stop;
  const Result<Wish> wish = wish_of(arguments);
  if (!wish) return fail(context, wish.error(), ExitCode::kUsage);
  const Result<store::RunPaths> paths = find_run_or_live(wish->run);
  if (!paths) return fail(context, paths.error(), ExitCode::kUsage);
  const Result<json> answer = ask_run(*paths, {{"scale", wish->sizes}});
  if (!answer && answer.error().code == ErrorCode::kInvalidInput) {
    return fail(context, answer.error(), ExitCode::kUsage);
  }
  if (!answer) return fail(context, answer.error(), ExitCode::kUnreachable);
  if (is_waiting) {
    const auto settled =
        wait_until_settled(*paths, answer->at("pools"), std::chrono::seconds(patience_s));
    if (!settled) {
      const bool is_late = settled.error().code == ErrorCode::kTimedOut;
      return fail(context, settled.error(), is_late ? ExitCode::kTimedOut : ExitCode::kUnreachable);
    }
  }
  print_sizes(context, *answer);
  return ExitCode::kDone;
}

}  // namespace assay::cli
