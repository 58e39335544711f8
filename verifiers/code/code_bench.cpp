#include "verifiers/code/code_bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "runtime/core/ceiling.h"
#include "runtime/core/json.h"
#include "verifiers/registry.h"

namespace assay::verifiers {

namespace {

constexpr const char* kProgram = "def add(a, b):\n    return a + b\n";
constexpr const char* kTests =
    "assert add(2, 3) == 5\nassert add(-1, 1) == 0\nassert add(100, 250) == 350\n";
constexpr double kLimitMs = 200;

std::string options_of(const std::string& oracle) {
  return json_text(Json{{"entry_point", "add"}, {"oracle", oracle}, {"tests", kTests}});
}

// The same work by an interpreter of its own.
std::vector<std::string> interpreter_words(bool is_in_bwrap) {
  std::vector<std::string> words;
  if (is_in_bwrap) {
    words = {"/usr/bin/bwrap", "--unshare-all", "--die-with-parent",
             "--clearenv",     "--ro-bind",     "/usr",
             "/usr",           "--symlink",     "usr/lib",
             "/lib",           "--symlink",     "usr/lib64",
             "/lib64",         "--cap-drop",    "ALL"};
  }
  for (const char* word : {"/usr/bin/python3.11", "-I", "-S", "-B", "-c"}) words.emplace_back(word);
  words.push_back(std::string(kProgram) + kTests);
  return words;
}

bool can_run(const char* program) {
  return ::access(program, X_OK) == 0;
}

// Runs a program to its end; whether it ended well.
bool run_once(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  char* const environment[] = {nullptr};
  pid_t pid = -1;
  if (::posix_spawn(&pid, words[0].c_str(), nullptr, nullptr, arguments.data(), environment) != 0) {
    return false;
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0;
}

// How often all threads together do the work in a second; 0 when it fails once.
double rate_of(unsigned threads, double seconds, const std::function<bool()>& work) {
  std::atomic<std::size_t> count = 0;
  std::atomic<bool> is_good = true;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  const double wall = seconds_of([&] {
    std::vector<std::thread> others;
    const auto loop = [&] {
      do {
        if (!work()) is_good = false;
        ++count;
      } while (std::chrono::steady_clock::now() < end && is_good);
    };
    for (unsigned i = 1; i < threads; ++i) others.emplace_back(loop);
    loop();
    for (std::thread& other : others) other.join();
  });
  return is_good ? static_cast<double>(count) / wall : 0;
}

Series latency(const std::string& name, std::optional<Goal> goal) {
  return Series(
      {.name = name, .unit = "us", .ceiling = "fork_us", .better = Better::kLower, .goal = goal});
}

Series rate(const std::string& name, const std::string& beside, Goal goal) {
  return Series({.name = name, .unit = "checks/s", .ceiling = beside, .goal = goal});
}

// One way to judge, with its figures.
struct Subject {
  std::unique_ptr<Verifier> verifier;
  Series p50, p99, per_s, beside_bwrap;

  bool judge() const { return verifier->verify({}, kProgram).outcome == wire::Outcome::kCorrect; }
};

struct Rivals {
  bool has_interpreter = can_run("/usr/bin/python3.11") && run_once(interpreter_words(false));
  bool has_bwrap =
      has_interpreter && can_run("/usr/bin/bwrap") && run_once(interpreter_words(true));
};

Result<Subject> make_subject(const std::string& oracle, const Rivals& rivals, double per_s,
                             double times_bwrap) {
  auto verifier = make_verifier("code", options_of(oracle));
  if (!verifier) return verifier.error();
  const std::string name = "code_" + oracle;
  constexpr double kP50GoalUs = 5000;
  const bool is_split = oracle == "split";
  Subject subject{
      std::move(*verifier),
      latency(name + "_p50_us",
              is_split ? std::optional(Goal{Goal::Of::kValue, kP50GoalUs}) : std::nullopt),
      latency(name + "_p99_us", std::nullopt),
      rate(name + "_checks_per_s", rivals.has_interpreter ? "interpreters_per_s" : "",
           {Goal::Of::kValue, per_s}),
      rate(name + "_checks_per_s_beside_bwrap", "bwrap_per_s", {Goal::Of::kRatio, times_bwrap})};
  const wire::Verdict verdict = subject.verifier->verify({}, kProgram);
  if (verdict.outcome == wire::Outcome::kCorrect) return subject;
  return Error{ErrorCode::kUnavailable, "programs cannot be judged here: " + verdict.reason,
               "`assay doctor` says what is missing", "", ""};
}

Result<void> measure(Subject& subject, const Rivals& rivals, unsigned threads, double seconds) {
  const Result<double> fork = fork_us();
  if (!fork) return fork.error();
  std::vector<double> times;
  rate_of(1, seconds, [&] {
    bool is_good = false;
    times.push_back(seconds_of([&] { is_good = subject.judge(); }) * 1e6);
    return is_good;
  });
  const Latency of_one = latency_of(std::move(times));
  subject.p50.add(of_one.p50, *fork);
  subject.p99.add(of_one.p99, *fork);
  const double per_s = rate_of(threads, seconds, [&] { return subject.judge(); });
  const double interpreters =
      rivals.has_interpreter
          ? rate_of(threads, seconds, [] { return run_once(interpreter_words(false)); })
          : 0;
  subject.per_s.add(per_s, interpreters);
  if (!rivals.has_bwrap) return {};
  subject.beside_bwrap.add(
      per_s, rate_of(threads, seconds, [] { return run_once(interpreter_words(true)); }));
  return {};
}

Result<double> overshoot_ms() {
  const auto verifier = make_verifier(
      "code",
      R"({"entry_point": "add", "tests": "assert add(1, 1) == 2", "limits": {"wall_s": 0.2}})");
  if (!verifier) return verifier.error();
  const double ms = 1000 * seconds_of([&] {
                      static_cast<void>((*verifier)->verify(
                          {}, "def add(a, b):\n    while True:\n        pass\n"));
                    });
  return ms - kLimitMs;
}

}  // namespace

Result<std::vector<Figure>> code_bench(const VerifierBenchOptions& options) {
  const unsigned threads =
      options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  const Rivals rivals;
  auto split = make_subject("split", rivals, 400, 5);
  if (!split) return split.error();
  auto together = make_subject("same_process", rivals, 800, 10);
  if (!together) return together.error();
  Series overshoot({.name = "code_timeout_overshoot_ms",
                    .unit = "ms",
                    .better = Better::kLower,
                    .goal = Goal{Goal::Of::kValue, 200}});
  for (std::size_t round = 0; round < options.repeats; ++round) {
    for (Subject* subject : {&*split, &*together}) {
      if (auto done = measure(*subject, rivals, threads, options.round_s); !done)
        return done.error();
    }
    const auto late = overshoot_ms();
    if (!late) return late.error();
    overshoot.add(*late);
  }
  std::vector<Figure> figures;
  for (const Subject* subject : {&*split, &*together}) {
    for (const Series* one : {&subject->p50, &subject->p99, &subject->per_s}) {
      figures.push_back(one->figure());
    }
    if (rivals.has_bwrap) figures.push_back(subject->beside_bwrap.figure());
  }
  figures.push_back(overshoot.figure());
  return figures;
}

}  // namespace assay::verifiers
