#include "verifiers/python/python_bench.h"

#include <chrono>
#include <cstdlib>

#include "runtime/core/ceiling.h"
#include "runtime/core/file.h"
#include "verifiers/python/python_verifier.h"

namespace assay::verifiers {

namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kRoundTrips = 200;
constexpr std::string_view kCalibrate = "calibrate";

constexpr std::string_view kFunction = R"(import time


def trivial(completion, answer):
    return completion == answer


def verify(completion, answer):
    if completion == "calibrate":
        count = 50000
        start = time.perf_counter()
        for _ in range(count):
            trivial(completion=completion, answer=answer)
        return 1.0, str(count / (time.perf_counter() - start))
    return trivial(completion, answer)
)";

struct Asked {
  double verdicts = 0, seconds = 0;
  std::uint64_t wrong = 0;
};

Asked ask_in_batches(const Verifier& verifier, double seconds) {
  wire::Prompt prompt;
  prompt.reference = "72";
  const std::vector<Judgement> batch(kBatch, Judgement{&prompt, "72"});
  Asked asked;
  const auto start = std::chrono::steady_clock::now();
  while (asked.seconds < seconds) {
    verifier.verify_all(batch, [&](wire::Verdict verdict) {
      ++asked.verdicts;
      asked.wrong += verdict.outcome == wire::Outcome::kCorrect ? 0 : 1;
    });
    asked.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return asked;
}

Latency single_us(const Verifier& verifier) {
  wire::Prompt prompt;
  prompt.reference = "72";
  std::vector<double> times;
  for (std::size_t i = 0; i < kRoundTrips; ++i) {
    times.push_back(1e6 * seconds_of([&] { static_cast<void>(verifier.verify(prompt, "72")); }));
  }
  return latency_of(std::move(times));
}

FigureKind single(const char* name) {
  return {.name = name, .unit = "us", .ceiling = "socket_round_trip_us", .better = Better::kLower};
}

}  // namespace

Result<std::vector<Figure>> python_bench(const VerifierBenchOptions& options,
                                         const std::string& folder) {
  if (auto written = write_file_durably(folder + "/bench_verifier.py", kFunction); !written) {
    return written.error();
  }
  const auto verifier = make_python_verifier({folder}, R"({"path": "bench_verifier.py"})");
  if (!verifier) return verifier.error();
  Series series[] = {Series({.name = "python_verdicts_per_s",
                             .unit = "1/s",
                             .ceiling = "python_calls_per_s",
                             .goal = Goal{Goal::Of::kValue, 10'000}}),
                     Series(single("python_single_p50_us")),
                     Series(single("python_single_p99_us"))};
  for (std::size_t round = 0; round < options.repeats; ++round) {
    const wire::Verdict bare = (*verifier)->verify({}, kCalibrate);
    const double calls_per_s = std::strtod(bare.reason.c_str(), nullptr);
    const Asked asked = ask_in_batches(**verifier, options.round_s);
    if (asked.wrong > 0 || !(calls_per_s > 0)) {
      return Error{ErrorCode::kCorrupt, "the worker's verdicts are wrong: " + bare.reason, "", "",
                   ""};
    }
    const Result<Latency> socket = socket_round_trip_us(kRoundTrips);
    if (!socket) return socket.error();
    const Latency latency = single_us(**verifier);
    series[0].add(asked.verdicts / asked.seconds, calls_per_s);
    series[1].add(latency.p50, socket->p50);
    series[2].add(latency.p99, socket->p99);
  }
  return figures_of(series);
}

}  // namespace assay::verifiers
