#include "actors/cli/bench.h"

#include "actors/actor_bench.h"
#include "gpu/engine_bench.h"
#include "runtime/dataset/arithmetic_task.h"
#include "runtime/net/socket_bench.h"
#include "runtime/wire/codec_bench.h"
#include "verifiers/code/code_bench.h"
#include "verifiers/python/python_bench.h"
#include "verifiers/registry.h"
#include "verifiers/sql/sql_bench.h"
#include "verifiers/verifier_bench.h"

namespace assay::cli {
namespace {

constexpr std::size_t kVerifierCases = 256;
constexpr std::uint64_t kCaseSeed = 11;

void append(std::vector<Figure>& figures, std::vector<Figure> more) {
  figures.insert(figures.end(), more.begin(), more.end());
}

// Demonstrations of the first run's task; every other one ends in a wrong state.
Result<std::vector<verifiers::BenchCase>> chain_cases() {
  dataset::ArithmeticOptions options;
  options.seed = kCaseSeed;
  const Result<dataset::ArithmeticTask> task = dataset::ArithmeticTask::create(options);
  if (!task) return task.error();
  std::vector<verifiers::BenchCase> cases;
  for (std::size_t i = 0; i < kVerifierCases; ++i) {
    dataset::Demonstration shown = task->demonstration(i, 0.5);
    verifiers::BenchCase one;
    one.prompt.text = shown.prompt;
    one.prompt.verifier = "chain";
    one.prompt.reference = shown.completion.substr(shown.completion.size() - 2);
    one.is_correct = i % 2 == 0;
    char& last = shown.completion.back();
    if (!one.is_correct) last = last == '9' ? '0' : static_cast<char>(last + 1);
    one.completion = std::move(shown.completion);
    cases.push_back(std::move(one));
  }
  return cases;
}

verifiers::VerifierBenchOptions bench_options(const BenchRequest& request) {
  verifiers::VerifierBenchOptions options;
  options.threads = request.threads;
  options.repeats = request.repeats;
  if (request.is_quick) options.round_s = 0.02;
  return options;
}

Result<std::vector<Figure>> bench_verifier(const BenchRequest& request, const std::string& verifier,
                                           const std::string& name,
                                           const std::vector<verifiers::BenchCase>& cases) {
  const auto made = verifiers::make_verifier(verifier);
  if (!made) return made.error();
  verifiers::VerifierBenchOptions options = bench_options(request);
  options.name = name;
  return verifiers::verifier_bench(**made, cases, options);
}

}  // namespace

Result<std::vector<Figure>> bench_engine(const BenchRequest& request) {
  gpu::BackendOptions backend;
  backend.threads = request.threads;
  return gpu::engine_bench(backend, {request.repeats, request.is_quick, request.has_neighbour});
}

Result<std::vector<Figure>> bench_verifiers(const BenchRequest& request) {
  const auto chain = chain_cases();
  if (!chain) return chain.error();
  std::vector<Figure> figures;
  const auto add = [&](const std::string& verifier, const std::string& name,
                       const std::vector<verifiers::BenchCase>& cases) -> Result<void> {
    auto more = bench_verifier(request, verifier, name, cases);
    if (!more) return more.error();
    append(figures, std::move(*more));
    return {};
  };
  if (auto done = add("chain", "chain", *chain); !done) return done.error();
  const auto solutions = verifiers::math_bench_cases(kVerifierCases, kCaseSeed);
  if (auto done = add("math", "math", solutions); !done) return done.error();
  const auto algebra = verifiers::algebra_bench_cases(kVerifierCases, kCaseSeed);
  if (auto done = add("math", "math_algebra", algebra); !done) return done.error();
  const auto numeric = verifiers::numeric_bench_cases(kVerifierCases, kCaseSeed);
  if (auto done = add("math", "math_numeric", numeric); !done) return done.error();
  const auto hard = verifiers::hard_math_bench_cases();
  if (auto done = add("math", "math_hard", hard); !done) return done.error();
  auto python = verifiers::python_bench(bench_options(request), request.folder);
  if (!python) return python.error();
  append(figures, std::move(*python));
  auto programs = verifiers::code_bench(
      {"code", request.threads, request.is_quick ? 0.05 : 0.5, request.repeats});
  if (programs) append(figures, std::move(*programs));
  if (!programs && programs.error().code != ErrorCode::kUnavailable) return programs.error();
  auto sql = verifiers::sql::sql_bench(bench_options(request));
  if (!sql) return sql.error();
  append(figures, std::move(*sql));
  return figures;
}

Result<std::vector<Figure>> bench_transport(const BenchRequest& request) {
  const std::size_t part = request.is_quick ? 10 : 1;
  std::vector<Figure> figures;
  auto actors = actors::actor_bench({20'000 / part, 200'000 / part, request.repeats});
  if (!actors) return actors.error();
  append(figures, std::move(*actors));
  auto sockets = net::socket_bench({request.folder, 2'000 / part, request.repeats});
  if (!sockets) return sockets.error();
  append(figures, std::move(*sockets));
  auto codec = wire::codec_bench({.messages = 4'000 / part, .repeats = request.repeats});
  if (!codec) return codec.error();
  append(figures, std::move(*codec));
  return figures;
}

}  // namespace assay::cli
