// `assay status RUN`: what a live run does right now, once or again and again.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "actors/cli/run_client.h"
#include "actors/cli/text_layout.h"

namespace assay::cli {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kWatchInterval{1000};
constexpr std::size_t kAlertsShown = 4;
const json kStatusRequest = {{"get", "status"}};

// A field of an answer; `fallback` where it is absent or of another kind.
template <class Value>
Value field(const json& object, const char* key, Value fallback) {
  if (!object.is_object()) return fallback;
  const auto found = object.find(key);
  if (found == object.end()) return fallback;
  if constexpr (std::is_same_v<Value, std::string>) {
    return found->is_string() ? one_line(found->get<std::string>()) : fallback;
  } else {
    return found->is_number() ? found->get<Value>() : fallback;
  }
}

std::string text(const json& object, const char* key) {
  return field(object, key, std::string());
}

double number(const json& object, const char* key) {
  return field(object, key, 0.0);
}

std::string count(const json& object, const char* key) {
  return grouped(field(object, key, std::uint64_t{0}));
}

const json& list(const json& object, const char* key) {
  static const json none = json::array();
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : none;
}

void print_head(std::ostream& out, const json& status) {
  out << fmt::format("{}  {}  {}  step {}/{}  policy v{}  up {:.1f} s\n", text(status, "run"),
                     text(status, "state"), text(status, "stage"), count(status, "step"),
                     count(status, "max_steps"), count(status, "policy_version"),
                     number(status, "uptime_s"));
  const std::string arm = text(status, "arm");
  if (arm != "true") out << "control arm " << arm << "\n";
}

void print_queues(std::ostream& out, const json& status) {
  if (list(status, "queues").empty()) return;
  out << fmt::format("\n{:<10}{:>7}{:>8}{:>7}{:>8}{:>8}{:>8}{:>8}{:>9}{:>6}\n", "QUEUE", "READY",
                     "UNACKED", "LIMIT", "OLDEST", "IN/s", "OUT/s", "GROWTH", "REDELIV", "DEAD");
  const std::string bottleneck = text(status, "bottleneck");
  for (const json& queue : list(status, "queues")) {
    const double in = number(queue, "in_per_s"), out_rate = number(queue, "out_per_s");
    const std::string name = text(queue, "name");
    out << fmt::format("{:<10}{:>7}{:>8}{:>7}{:>7.1f}s{:>8.1f}{:>8.1f}{:>+8.1f}{:>9}{:>6}\n",
                       name == bottleneck ? name + "*" : name, count(queue, "ready"),
                       count(queue, "unacked"), count(queue, "limit"), number(queue, "oldest_s"),
                       in, out_rate, in - out_rate, count(queue, "redelivered"),
                       count(queue, "dead"));
  }
}

bool has_nodes(const json& status) {
  const json& actors = list(status, "actors");
  return std::any_of(actors.begin(), actors.end(),
                     [](const json& actor) { return text(actor, "node") != "local"; });
}

void print_actors(const CommandContext& context, const json& status) {
  if (list(status, "actors").empty()) return;
  const bool is_wide = context.format == OutputFormat::kWide, is_cluster = has_nodes(status);
  const auto node_of = [&](const std::string& node) {
    return is_cluster ? fmt::format("{:<8}", cut(node.empty() ? "-" : node, 7)) : std::string();
  };
  context.out << fmt::format("\n{:<14}{}{:<11}{:>6}{:>10}{:>7}{:>8}{:>8}{:>9}", "ACTOR",
                             node_of("NODE"), "STATE", "BUSY", "DONE", "FAILED", "P50", "P95",
                             "RESTARTS");
  context.out << (is_wide ? "  VERSION  DOING\n" : "\n");
  for (const json& actor : list(status, "actors")) {
    context.out << fmt::format(
        "{:<14}{}{:<11}{:>5.0f}%{:>10}{:>7}{:>8}{:>8}{:>9}", text(actor, "id"),
        node_of(text(actor, "node")), text(actor, "state"), 100 * number(actor, "busy_fraction"),
        count(actor, "done"), count(actor, "failed"), short_ms(number(actor, "p50_ms")),
        short_ms(number(actor, "p95_ms")), count(actor, "restarts"));
    const auto version = actor.find("policy_version");
    const bool has_version = version != actor.end() && version->is_number();
    const std::string doing = text(actor, "doing");
    if (is_wide) {
      context.out << fmt::format("  {:>7}  {}", has_version ? "v" + version->dump() : "-", doing);
    } else if (!doing.empty()) {
      context.out << "\n  " << cut(doing, context.out_columns() - 2);
    }
    context.out << "\n";
  }
}

std::string staleness_text(const json& status) {
  const auto found = status.find("staleness");
  if (found == status.end() || !found->is_object()) return "";
  double total = 0;
  for (const json& one : list(*found, "histogram"))
    total += one.is_number() ? one.get<double>() : 0;
  if (total == 0) return "";
  std::string shown;
  std::size_t behind = 0;
  for (const json& one : list(*found, "histogram")) {
    const double share = one.is_number() ? one.get<double>() / total : 0;
    if (!shown.empty()) shown += ", ";
    shown += fmt::format("{} {:.0f} %", behind == 0 ? "current" : fmt::format("{} behind", behind),
                         100 * share);
    ++behind;
  }
  return shown + fmt::format(" (bound {})", count(*found, "bound"));
}

void print_sentences(const CommandContext& context, const json& status) {
  constexpr std::size_t kLabel = 11;
  const auto say = [&](const char* label, const std::string& sentence) {
    if (sentence.empty()) return;
    context.out << fmt::format("{:<11}", label) << wrapped(sentence, context.out_columns(), kLabel)
                << "\n";
  };
  context.out << "\n";
  say("now", text(status, "waiting"));
  if (!list(status, "actors").empty()) say("to scale", text(status, "advice"));
  say("staleness", staleness_text(status));
  const json& alerts = list(status, "alerts");
  const std::size_t hidden = alerts.size() > kAlertsShown ? alerts.size() - kAlertsShown : 0;
  if (hidden > 0) say("alerts", fmt::format("{} earlier ones, all in -o json", hidden));
  for (std::size_t i = hidden; i < alerts.size(); ++i) {
    const json& alert = alerts[i];
    say(text(alert, "level") == "critical" ? "! CRITICAL" : "! warning",
        fmt::format("step {}: {} is {:.3g}, threshold {:.3g}. {}", count(alert, "step"),
                    text(alert, "signal"), number(alert, "value"), number(alert, "threshold"),
                    text(alert, "advice")));
  }
}

void print_status(const CommandContext& context, const json& status) {
  if (context.format == OutputFormat::kJson) {
    context.out << json_text(status) << std::endl;
    return;
  }
  print_head(context.out, status);
  print_queues(context.out, status);
  print_actors(context, status);
  print_sentences(context, status);
  context.out << std::flush;
}

// Until the run ends, which is success: it was seen alive.
ExitCode watch(CommandContext& context, const store::RunPaths& paths, json status) {
  for (;;) {
    if (context.is_out_terminal && context.format != OutputFormat::kJson) {
      context.out << "\x1b[H\x1b[2J";
    }
    print_status(context, status);
    if (!context.out) return ExitCode::kDone;
    Result<json> next = Error{};
    // Between two stages nobody listens for a moment; the process tells that from the end.
    do {
      std::this_thread::sleep_for(kWatchInterval);
      next = ask_run(paths, kStatusRequest);
    } while (!next && is_alive(paths));
    if (!next) break;
    status = std::move(*next);
  }
  if (!context.is_quiet()) context.err << "the run has ended\n";
  return ExitCode::kDone;
}

}  // namespace

ExitCode status_command(CommandContext& context) {
  std::string run;
  bool is_watching = false;
  OptionSet options("status", "Shows what a live run does right now: queues, actors, alerts.");
  options.positional("run", run, "its folder or name under outputs/; default: the one that runs",
                     OptionSet::Presence::kOptional);
  options.flag("-w,--watch", is_watching, "again every second until the run ends");
  options.example("assay status");
  options.example("assay status first -w");
  options.example("assay status outputs/first -o json");
  if (auto stop = options.parse(context)) return *stop;
  Result<store::RunPaths> paths = find_run_or_live(run);
  if (!paths) return fail(context, paths.error(), ExitCode::kUsage);
  Result<json> status = ask_run(*paths, kStatusRequest);
  if (!status) return fail(context, status.error(), ExitCode::kUnreachable);
  if (is_watching) return watch(context, *paths, std::move(*status));
  print_status(context, *status);
  return ExitCode::kDone;
}

}  // namespace assay::cli
