#include "verifiers/verifier_bench.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "runtime/core/ceiling.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {
namespace {

// What every verdict costs, whoever judges: the bytes judged are hashed and a verdict is made.
class NoopVerifier final : public Verifier {
 public:
  wire::Verdict verify(const wire::Prompt&, std::string_view completion) const override {
    return stamped(wire::Verdict::correct("not looked at"), identity(), completion);
  }
  std::string identity() const override { return "noop/1"; }
};

Result<void> check_cases(const Verifier& verifier, std::span<const BenchCase> cases) {
  if (cases.empty()) {
    return Error{ErrorCode::kInvalidInput, "a verifier cannot be measured without cases", "", "",
                 ""};
  }
  for (const BenchCase& one : cases) {
    const wire::Verdict verdict = verifier.verify(one.prompt, one.completion);
    if ((verdict.outcome == wire::Outcome::kCorrect) == one.is_correct) continue;
    return Error{ErrorCode::kCorrupt,
                 verifier.identity() + " judges " + quoted(one.completion) +
                     " with the reference " + quoted(one.prompt.reference) + " as " +
                     std::string(wire::to_string(verdict.outcome)) + ": " + verdict.reason,
                 "", "", ""};
  }
  return {};
}

// Whole passes over the cases until the time is over; each check's microseconds.
std::vector<double> times_of(const Verifier& verifier, std::span<const BenchCase> cases,
                             double seconds) {
  std::vector<double> times;
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + std::chrono::duration<double>(seconds);
  do {
    for (const BenchCase& one : cases) {
      times.push_back(
          seconds_of([&] { static_cast<void>(verifier.verify(one.prompt, one.completion)); }) *
          1e6);
    }
  } while (std::chrono::steady_clock::now() < end);
  return times;
}

double checks_per_s(const std::vector<double>& times) {
  double sum = 0;
  for (const double time : times) sum += time;
  return static_cast<double>(times.size()) / sum * 1e6;
}

// All threads together: checks of whole passes over the wall time of the slowest.
double checks_per_s_on(unsigned threads, const Verifier& verifier, std::span<const BenchCase> cases,
                       double seconds) {
  std::atomic<std::size_t> checks = 0;
  const double wall = seconds_of([&] {
    std::vector<std::thread> others;
    const auto work = [&] { checks += times_of(verifier, cases, seconds).size(); };
    for (unsigned i = 1; i < threads; ++i) others.emplace_back(work);
    work();
    for (std::thread& other : others) other.join();
  });
  return static_cast<double>(checks) / wall;
}

}  // namespace

Result<std::vector<Figure>> verifier_bench(const Verifier& verifier,
                                           std::span<const BenchCase> cases,
                                           const VerifierBenchOptions& options) {
  if (auto checked = check_cases(verifier, cases); !checked) return checked.error();
  const unsigned threads =
      options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  const auto rate = [&](const std::string& on) {
    return Series({.name = options.name + "_checks_per_s_" + on,
                   .unit = "checks/s",
                   .ceiling = "noop_checks_per_s_" + on});
  };
  const auto latency = [&](const std::string& part) {
    return Series({.name = options.name + "_" + part + "_us",
                   .unit = "us",
                   .ceiling = "fork_us",
                   .better = Better::kLower});
  };
  Series series[] = {rate("1_thread"), rate("all_threads"), latency("p50"), latency("p95"),
                     latency("p99")};
  const NoopVerifier noop;
  for (std::size_t round = 0; round < options.repeats; ++round) {
    const Result<double> fork = fork_us();
    if (!fork) return fork.error();
    const std::vector<double> bare = times_of(noop, cases, options.round_s / 4);
    const std::vector<double> times = times_of(verifier, cases, options.round_s);
    const double bare_all = checks_per_s_on(threads, noop, cases, options.round_s / 4);
    const double all = checks_per_s_on(threads, verifier, cases, options.round_s);
    const Latency of_one = latency_of(times);
    series[0].add(checks_per_s(times), checks_per_s(bare));
    series[1].add(all, bare_all);
    series[2].add(of_one.p50, *fork);
    series[3].add(of_one.p95, *fork);
    series[4].add(of_one.p99, *fork);
  }
  return figures_of(series);
}

}  // namespace assay::verifiers
