// `assay doctor`: is this machine ready? Each problem comes with the line that mends it.
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "actors/cli/commands.h"
#include "actors/cli/machine.h"
#include "actors/cli/option_set.h"
#include "runtime/core/clock.h"
#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "verifiers/sandbox/jail.h"

namespace assay::cli {
namespace {

enum class Health { kGood, kWeak, kBad };

struct Finding {
  std::string name;
  Health health = Health::kGood;
  std::string found;
  std::string fix;  // empty when good
};

std::string fixed(double value, int digits) {
  std::ostringstream text;
  text.precision(digits);
  text << std::fixed << value;
  return text.str();
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Finding check_instructions() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
    return {"instructions", Health::kGood, "AVX-512", ""};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {"instructions", Health::kGood, "AVX2 with FMA", ""};
  }
  return {"instructions", Health::kWeak, "neither AVX2 nor AVX-512",
          "it works, several times slower; a virtual machine may hide them: set its CPU to host"};
}

Finding check_cores() {
  const unsigned cores = core_count();
  const double load = load_average();
  const std::string found = std::to_string(cores) + " cores, load " + fixed(load, 1);
  if (load > cores) {
    return {"cores", Health::kWeak, found, "others are using this machine: timings will vary"};
  }
  if (cores < 2)
    return {"cores", Health::kWeak, found, "two cores make the first run twice as fast"};
  return {"cores", Health::kGood, found, ""};
}

// MemAvailable of /proc/meminfo in bytes; 0 when it cannot be read.
double available_memory() {
  const std::string text = system_file("/proc/meminfo");
  const std::size_t at = text.find("MemAvailable:");
  return at == std::string::npos ? 0 : 1024 * std::strtod(text.c_str() + at + 13, nullptr);
}

Finding check_memory() {
  constexpr double kNeeded = 500e6;  // the first run's peak stays below this
  const double available = available_memory();
  const std::string found = fixed(available / 1e9, 1) + " GB available";
  if (available >= kNeeded) return {"memory", Health::kGood, found, ""};
  return {"memory", Health::kBad, found, "the first run needs 0.5 GB: end other programs"};
}

Finding check_disk() {
  constexpr double kNeeded = 1e9;
  struct statvfs disk {};
  if (statvfs(".", &disk) != 0) {
    return {"disk", Health::kBad, "cannot be read", "run assay from a folder you may write to"};
  }
  const double free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  const std::string found = fixed(free / 1e9, 1) + " GB free here";
  if (free >= kNeeded) return {"disk", Health::kGood, found, ""};
  return {"disk", Health::kBad, found, "free 1 GB, or set --output-dir to another disk"};
}

// The median time of a few small durable writes in the working folder.
Finding check_durable_write() {
  constexpr double kSlowMs = 50;
  const SystemClock clock;
  const std::string path = ".assay-doctor-" + std::to_string(getpid());
  std::array<double, 5> times{};
  for (double& ms : times) {
    const SteadyTime start = clock.now();
    const auto written = write_file_durably(path, std::string(4096, 'x'));
    if (!written) {
      return {"durable write", Health::kBad, written.error().message,
              "run assay from a folder you may write to"};
    }
    ms = static_cast<double>((clock.now() - start).count()) / 1000;
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  std::sort(times.begin(), times.end());
  const std::string found = fixed(times[2], 1) + " ms (write, fsync, rename)";
  if (times[2] < kSlowMs) return {"durable write", Health::kGood, found, ""};
  return {"durable write", Health::kWeak, found, "set --output-dir to a faster disk"};
}

Finding check_locale() {
  std::string locale = environment("LC_ALL");
  if (locale.empty()) locale = environment("LC_CTYPE");
  if (locale.empty()) locale = environment("LANG");
  const std::string found = locale.empty() ? "not set" : locale;
  for (const char* name : {"UTF-8", "utf-8", "UTF8", "utf8"}) {
    if (locale.find(name) != std::string::npos) return {"locale", Health::kGood, found, ""};
  }
  return {"locale", Health::kWeak, found, "export LC_ALL=C.UTF-8"};
}

Finding check_clock() {
  constexpr std::int64_t kYear2024Ms = 1'704'067'200'000;
  const std::int64_t now = SystemClock().wall_ms();
  if (now > kYear2024Ms) return {"clock", Health::kGood, "plausible", ""};
  return {"clock", Health::kWeak, "before 2024", "set the date: file times will be wrong"};
}

Finding check_open_files() {
  constexpr rlim_t kNeeded = 256;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const std::string found =
      limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur);
  if (limit.rlim_cur >= kNeeded) return {"open files", Health::kGood, found, ""};
  return {"open files", Health::kBad, found, "ulimit -n 1024"};
}

Finding check_gpu() {
  const std::string driver = system_file("/proc/driver/nvidia/version");
  if (driver.empty()) return {"gpu", Health::kGood, "none (optional)", ""};
  return {"gpu", Health::kGood, driver.substr(0, driver.find('\n')), ""};
}

bool is_in_path(const std::string& program) {
  std::istringstream folders(environment("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Finding check_browser() {
  if (is_in_path("chromium")) return {"browser", Health::kGood, "chromium", ""};
  return {"browser", Health::kGood, "none (optional: any browser opens report/index.html)", ""};
}

// How far foreign programs are kept apart here; none is needed where no verifier runs programs.
Finding check_sandbox(const char* name, const char* companion) {
  const auto jail = sandbox::Jail::start(companion);
  if (!jail) return {name, Health::kWeak, jail.error().message, jail.error().remedy};
  const sandbox::IsolationLevel level = jail->level();
  const std::string found = std::string(to_string(level)) + ": " + std::string(description(level));
  if (level >= sandbox::IsolationLevel::kL3) return {name, Health::kGood, found, ""};
  std::string fix = jail->refused_levels();
  std::replace(fix.begin(), fix.end(), '\n', ';');
  return {name, Health::kWeak, found, "allow what the higher levels lacked: " + fix};
}

Finding check_compiler() {
  Finding finding = check_sandbox("c++ sandbox", "assay-native");
  if (finding.health != Health::kGood || access("/usr/bin/g++", X_OK) == 0) return finding;
  return {finding.name, Health::kWeak, finding.found + "; no g++", "apt-get install g++"};
}

std::string_view word_of(Health health) {
  if (health == Health::kGood) return "good";
  return health == Health::kWeak ? "weak" : "bad";
}

std::string_view mark_of(Health health) {
  if (health == Health::kGood) return "✓";
  return health == Health::kWeak ? "!" : "✗";
}

void print_table(std::ostream& out, const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    out << mark_of(finding.health) << " " << finding.name
        << std::string(15 - std::min<std::size_t>(14, finding.name.size()), ' ') << finding.found
        << "\n";
    if (!finding.fix.empty()) out << "    fix: " << finding.fix << "\n";
  }
}

void print_json(std::ostream& out, const std::vector<Finding>& findings, bool is_ready) {
  nlohmann::ordered_json document{{"assay", 1}, {"ready", is_ready}};
  document["checks"] = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    document["checks"].push_back({{"name", finding.name},
                                  {"health", word_of(finding.health)},
                                  {"found", finding.found},
                                  {"fix", finding.fix}});
  }
  out << json_text(document, 2) << "\n";
}

}  // namespace

ExitCode doctor_command(CommandContext& context) {
  OptionSet options("doctor", "Checks this machine. Exit code 3 when something must be mended.");
  options.example("assay doctor");
  options.example("assay doctor -o json");
  if (const auto stop = options.parse(context)) return *stop;
  const std::vector<Finding> findings = {check_instructions(),
                                         check_cores(),
                                         check_memory(),
                                         check_disk(),
                                         check_durable_write(),
                                         check_locale(),
                                         check_clock(),
                                         check_open_files(),
                                         check_gpu(),
                                         check_browser(),
                                         check_sandbox("python sandbox", "assay-python"),
                                         check_compiler()};
  const bool is_ready = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.health == Health::kBad;
  });
  if (context.format == OutputFormat::kJson) {
    print_json(context.out, findings, is_ready);
  } else {
    print_table(context.out, findings);
  }
  return is_ready ? ExitCode::kDone : ExitCode::kGate;
}

}  // namespace assay::cli
