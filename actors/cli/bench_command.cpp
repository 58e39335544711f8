// `assay bench`: how fast the parts of the house are here, beside what this machine could do.
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "actors/cli/bench.h"
#include "actors/cli/commands.h"
#include "actors/cli/machine.h"
#include "actors/cli/option_set.h"
#include "actors/cli/version.h"
#include "gpu/backend.h"
#include "runtime/config/nearest.h"
#include "runtime/core/file.h"
#include "runtime/core/json.h"

namespace assay::cli {
namespace {

constexpr std::uint32_t kRepeatsMax = 1000;
constexpr std::uint32_t kThreadsMax = 256;

struct Bench {
  std::string_view name;
  std::string_view summary;
  int seconds;  // about, where nothing else runs
  Result<std::vector<Figure>> (*measure)(const BenchRequest& request);
};

constexpr std::array<Bench, 4> kBenches = {{
    {"engine", "matrix products, training and generation, beside the multiply-add peak", 40,
     bench_engine},
    {"verifiers", "checks a second and their latency, beside an empty verdict and a fork", 30,
     bench_verifiers},
    {"transport", "actors, sockets and the codec, beside pipes, bare sockets and memcpy", 15,
     bench_transport},
    {"orchestrator", "the ledger, attaching, and a whole arm beside its engine alone", 30,
     bench_orchestrator},
}};

// What the user asked for.
struct Given {
  std::string bench;
  std::uint32_t repeats = 0;
  std::uint32_t threads = 0;
  std::string folder = ".";
  bool is_quick = false;
  bool has_neighbour = false;
};

Error usage_error(std::string message, std::string remedy) {
  return {ErrorCode::kInvalidInput, std::move(message), std::move(remedy), "", ""};
}

Result<Bench> find_bench(const Given& given) {
  std::vector<std::string> names;
  std::string list;
  for (const Bench& bench : kBenches) {
    if (bench.name == given.bench) {
      if (given.has_neighbour && bench.measure != bench_engine) {
        return usage_error("--neighbour belongs to `assay bench engine`",
                           "leave it out, or measure the engine");
      }
      return bench;
    }
    names.emplace_back(bench.name);
    list += (list.empty() ? "" : ", ") + std::string(bench.name);
  }
  const auto near = config::nearest_name(given.bench, names);
  return usage_error("`" + given.bench + "` is not a benchmark of assay; there are " + list,
                     near ? "did you mean `assay bench " + *near + "`?"
                          : "`assay bench --help` says what each measures");
}

// A folder of the benchmark's own below the given one, removed when it ends.
class WorkFolder {
 public:
  static Result<WorkFolder> create(const std::string& parent) {
    const std::string path = parent + "/.assay-bench-" + std::to_string(::getpid());
    if (auto made = make_folders(path); !made) return made.error();
    return WorkFolder(path);
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

nlohmann::ordered_json to_json(const Goal& goal, Better better) {
  return {{"of", goal.of == Goal::Of::kRatio ? "ratio" : "value"},
          {better == Better::kHigher ? "at_least" : "at_most", goal.bound}};
}

nlohmann::ordered_json to_json(const Figure& figure) {
  using Json = nlohmann::ordered_json;
  const FigureKind& kind = figure.kind;
  Json json{{"name", kind.name},
            {"value", figure.value},
            {"unit", kind.unit},
            {"better", kind.better == Better::kHigher ? "higher" : "lower"}};
  json["ceiling"] =
      kind.has_ceiling() ? Json{{"name", kind.ceiling}, {"value", figure.ceiling}} : Json(nullptr);
  json["ratio"] = figure.ratio() ? Json(*figure.ratio()) : Json(nullptr);
  json["low"] = figure.low;
  json["high"] = figure.high;
  json["repeats"] = figure.repeats;
  json["goal"] = kind.goal ? to_json(*kind.goal, kind.better) : Json(nullptr);
  return json;
}

// What the figures were measured on.
struct Machine {
  std::string processor = processor_name();
  unsigned cores = core_count();
  std::string instruction_set{gpu::instruction_set()};
  double load = load_average();
};

void print_json(std::ostream& out, const Given& given, const Machine& machine, unsigned threads,
                const std::vector<Figure>& figures) {
  nlohmann::ordered_json document{{"assay", 1},
                                  {"bench", given.bench},
                                  {"version", kVersion},
                                  {"quick", given.is_quick},
                                  {"machine",
                                   {{"processor", machine.processor},
                                    {"cores", machine.cores},
                                    {"threads", threads},
                                    {"instruction_set", machine.instruction_set},
                                    {"load", machine.load}}}};
  document["figures"] = nlohmann::ordered_json::array();
  for (const Figure& figure : figures) document["figures"].push_back(to_json(figure));
  out << json_text(document, 2) << "\n";
}

// Four digits or so, whatever the size: 0.0123, 1.234, 123.4, 123,456.
std::string number(double value) {
  if (std::abs(value) < 1000) return fmt::format("{:.4g}", value);
  std::string text = fmt::format("{:.0f}", value);
  for (std::size_t place = text.size(); place > 3 + (value < 0);) text.insert(place -= 3, ",");
  return text;
}

// A share where higher is better, a multiple where lower is.
std::string ratio_text(double ratio, Better better) {
  if (better == Better::kHigher) return fmt::format("{:.1f} %", 100 * ratio);
  return ratio < 0.1 ? fmt::format("{:.2g} x", ratio) : fmt::format("{:.2f} x", ratio);
}

std::string goal_text(const Figure& figure) {
  if (!figure.kind.goal) return "";
  const Goal& goal = *figure.kind.goal;
  const std::string bound =
      goal.of == Goal::Of::kRatio ? ratio_text(goal.bound, figure.kind.better) : number(goal.bound);
  return fmt::format("{} {}: {}", figure.kind.better == Better::kHigher ? ">=" : "<=", bound,
                     *figure.is_goal_met() ? "met" : "missed");
}

std::string range_text(const Figure& figure) {
  if (!figure.kind.has_ceiling()) return number(figure.low) + " .. " + number(figure.high);
  return ratio_text(figure.low, figure.kind.better) + " .. " +
         ratio_text(figure.high, figure.kind.better);
}

// Rows of cells, each column as wide as its widest cell; those of `right` end below each other.
void print_columns(std::ostream& out, const std::vector<std::vector<std::string>>& rows,
                   const std::vector<bool>& right) {
  std::vector<std::size_t> widths(right.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += right[i] ? fmt::format("{:>{}}  ", row[i], widths[i])
                       : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  }
}

void print_table(std::ostream& out, const Given& given, const Machine& machine, unsigned threads,
                 const std::vector<Figure>& figures, bool is_wide) {
  out << fmt::format("{}: {}, {} thread{}, {}, load {:.1f}; median of {} interleaved round{}{}\n\n",
                     given.bench, machine.processor, threads, threads == 1 ? "" : "s",
                     machine.instruction_set, machine.load, given.repeats,
                     given.repeats == 1 ? "" : "s",
                     given.is_quick ? "; quick: a look, not a measurement" : "");
  std::vector<std::vector<std::string>> rows = {
      {"FIGURE", "MEDIAN", "UNIT", "RATIO", "CEILING", "", "GOAL"}};
  if (is_wide) rows[0].push_back("ROUNDS");
  for (const Figure& figure : figures) {
    const FigureKind& kind = figure.kind;
    const auto ratio = figure.ratio();
    rows.push_back({kind.name, number(figure.value), kind.unit,
                    ratio ? ratio_text(*ratio, kind.better) : "",
                    ratio ? number(figure.ceiling) : "", kind.ceiling, goal_text(figure)});
    if (is_wide) rows.back().push_back(range_text(figure));
  }
  print_columns(out, rows, {false, true, false, true, true, false, false, true});
}

std::string description() {
  std::string text =
      "Measures a part of assay here, each figure beside a ceiling read in the same rounds.\n"
      "Benchmarks:";
  for (const Bench& bench : kBenches) {
    text += fmt::format("\n  {:<13} {}; about {} s", bench.name, bench.summary, bench.seconds);
  }
  return text +
         "\n\nA figure is its median round: value, ceiling and so their ratio were read together."
         "\nWhere lower is better the ceiling is a floor and the ratio says how many times it."
         "\nGoals are shown, never enforced: the exit code does not depend on a figure."
         "\n\n-o json: {\"assay\", \"bench\", \"version\", \"quick\", \"machine\": {\"processor\", "
         "\"cores\","
         "\n  \"threads\", \"instruction_set\", \"load\"}, \"figures\": [{\"name\", \"value\", "
         "\"unit\","
         "\n  \"better\": \"higher|lower\", \"ceiling\": {\"name\", \"value\"}, \"ratio\", "
         "\"low\", \"high\","
         "\n  \"repeats\", \"goal\": {\"of\": \"value|ratio\", \"at_least|at_most\"}}]}"
         "\n  value and ceiling are in `unit`, ratio is value / ceiling; ceiling, ratio and goal "
         "may"
         "\n  be null; low and high bound the ratios (without a ceiling: the values) of all "
         "rounds.";
}

}  // namespace

ExitCode bench_command(CommandContext& context) {
  Given given;
  OptionSet options("bench", description());
  options.positional("benchmark", given.bench, "engine, verifiers, transport or orchestrator");
  options.option("--repeats", given.repeats, "interleaved rounds; 0: 5, or 1 with --quick");
  options.option("--threads", given.threads, "compute threads; 0: one per core");
  options.flag("--quick", given.is_quick, "a few seconds' look at the same figures");
  options.flag("--neighbour", given.has_neighbour, "engine: also beside a busy process");
  options.option("--folder", given.folder, "where files are made, and removed: on which disk");
  options.example("assay bench engine --neighbour");
  options.example("assay bench orchestrator --folder outputs");
  options.example("assay bench transport --quick -o json");
  if (const auto stop = options.parse(context)) return *stop;
  if (given.repeats == 0) given.repeats = given.is_quick ? 1 : 5;
  const Result<Bench> bench = find_bench(given);
  if (!bench) return fail(context, bench.error(), ExitCode::kUsage);
  if (given.repeats > kRepeatsMax || given.threads > kThreadsMax) {
    return fail(
        context,
        usage_error(
            fmt::format("--repeats {} --threads {} is out of range", given.repeats, given.threads),
            fmt::format("--repeats takes 0 to {}, --threads 0 to {}", kRepeatsMax, kThreadsMax)),
        ExitCode::kUsage);
  }
  const Result<WorkFolder> folder = WorkFolder::create(given.folder);
  if (!folder) return fail(context, folder.error());
  if (!context.is_quiet() && !given.is_quick) {
    context.err << fmt::format("measuring: about {} s where nothing else runs\n", bench->seconds);
  }
  const Machine machine;
  const unsigned threads = given.threads > 0 ? given.threads : machine.cores;
  const BenchRequest request{given.is_quick, given.repeats, threads, given.has_neighbour,
                             folder->path()};
  Result<std::vector<Figure>> figures = bench->measure(request);
  if (!figures) return fail(context, figures.error());
  // Goals are for whole measurements.
  for (Figure& figure : *figures) {
    if (given.is_quick) figure.kind.goal.reset();
  }
  if (context.format == OutputFormat::kJson) {
    print_json(context.out, given, machine, threads, *figures);
  } else {
    print_table(context.out, given, machine, threads, *figures,
                context.format == OutputFormat::kWide);
  }
  return ExitCode::kDone;
}

}  // namespace assay::cli
