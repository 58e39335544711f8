#include "runtime/store/ledger_bench.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "runtime/core/clock.h"
#include "runtime/core/file.h"
#include "runtime/store/ledger.h"
#include "runtime/store/ledger_checker.h"

namespace assay::store {

namespace {

double seconds_between(SteadyTime start, SteadyTime end) {
  return std::max(1e-9, std::chrono::duration<double>(end - start).count());
}

Result<double> measure_fsyncs(const std::string& folder) {
  constexpr int kRounds = 40;
  const std::string path = folder + "/fsync.bench";
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open()) return errno_error("create", path);
  const std::array<std::byte, 4096> page{};
  const SystemClock clock;
  const SteadyTime start = clock.now();
  for (int i = 0; i < kRounds; ++i) {
    if (Result<void> written = write_all(file.get(), page, path); !written) return written.error();
    if (::fsync(file.get()) != 0) return errno_error("fsync", path);
  }
  const double rate = kRounds / seconds_between(start, clock.now());
  ::unlink(path.c_str());
  return rate;
}

wire::Prompt bench_prompt(std::uint64_t row) {
  wire::Prompt prompt;
  prompt.source = "bench";
  prompt.text = "12+34*5-" + std::to_string(row) + "=";
  prompt.verifier = "bench";
  prompt.reference = std::to_string(row);
  prompt.row = row;
  prompt.id = derive_prompt_id(prompt.source, prompt.text, prompt.reference);
  return prompt;
}

wire::Rollout bench_rollout(RolloutId id, PromptId prompt, std::uint32_t tokens) {
  wire::Rollout rollout;
  rollout.id = id;
  rollout.prompt = prompt;
  rollout.prompt_tokens.assign(12, 3);
  rollout.completion_tokens.assign(tokens, static_cast<wire::TokenId>(id.index));
  rollout.logprobs.assign(tokens, -0.5f);
  rollout.versions.assign(tokens, 0);
  rollout.completion = std::string(tokens, static_cast<char>('a' + id.index % 26));
  return rollout;
}

// Writes the history of whole groups and notes how long each commit took.
class Writer {
 public:
  Writer(Ledger& ledger, const LedgerBenchOptions& options) : ledger_(ledger), options_(options) {}

  Result<void> write_group(std::uint64_t row) {
    const wire::Prompt prompt = bench_prompt(row);
    const LedgerHeader& header = ledger_.header();
    const GroupId group = derive_group_id({header.seed, header.arm, 0, row, 0}, prompt.id);
    ledger_.append_issued({group, 0, row, 0, {}}, prompt, {0, "curator", 1});
    for (std::uint32_t index = 0; index < options_.group_size; ++index) {
      const RolloutId id{group, index};
      const wire::Rollout rollout = bench_rollout(id, prompt.id, options_.completion_tokens);
      ledger_.append_generated(rollout, {0, "generator/0", 1});
      wire::Verdict verdict = wire::Verdict::correct("the answer is right");
      verdict.judged = sha256(rollout.completion);
      ledger_.append_verdict(id, verdict, {0, "verifier/0", 1});
    }
    ledger_.append_dropped({group, DropReason::kZeroVariance}, {0, "curator", 1});
    if (ledger_.queued_events() < options_.events_per_commit) return {};
    return commit();
  }

  Result<void> commit() {
    const SteadyTime start = clock_.now();
    if (Result<std::uint64_t> durable = ledger_.commit(); !durable) return durable.error();
    commit_ms_.push_back(seconds_between(start, clock_.now()) * 1e3);
    return {};
  }

  Latency commit_ms() const { return latency_of(commit_ms_); }

 private:
  Ledger& ledger_;
  const LedgerBenchOptions& options_;
  SystemClock clock_;
  std::vector<double> commit_ms_;
};

Result<double> measure_checker(const std::string& path) {
  Result<LedgerReader> reader = LedgerReader::open(path);
  if (!reader) return reader.error();
  std::vector<LedgerEvent> events;
  Result<void> read = reader->for_each_event([&events](const LedgerEvent& event) -> Result<void> {
    events.push_back(event);
    return {};
  });
  if (!read) return read.error();
  const SystemClock clock;
  const SteadyTime start = clock.now();
  LedgerChecker checker(reader->header(), {});
  for (const LedgerEvent& event : events) checker.add(event);
  if (!checker.finish().is_clean())
    return Error{ErrorCode::kCorrupt, "the benchmark's own ledger is not clean", {}, {}, {}};
  return static_cast<double>(events.size()) / seconds_between(start, clock.now());
}

}  // namespace

Result<LedgerBenchReport> ledger_bench(const LedgerBenchOptions& options) {
  const std::string path = options.folder + "/bench.sqlite";
  LedgerBenchReport report;
  Result<double> fsyncs = measure_fsyncs(options.folder);
  if (!fsyncs) return fsyncs.error();
  report.fsyncs_per_s = *fsyncs;
  report.events_per_s_at_ceiling = *fsyncs * options.events_per_commit;

  LedgerHeader header;
  header.run = "bench";
  header.group_size = options.group_size;
  {
    Result<Ledger> ledger = Ledger::create(path, header);
    if (!ledger) return ledger.error();
    Writer writer(*ledger, options);
    const SystemClock clock;
    const SteadyTime start = clock.now();
    const auto cpu_start = thread_cpu_time();
    for (std::uint32_t row = 0; row < options.groups; ++row) {
      if (Result<void> written = writer.write_group(row); !written) return written.error();
    }
    if (Result<void> written = writer.commit(); !written) return written.error();
    const auto cpu = static_cast<double>((thread_cpu_time() - cpu_start).count());
    report.events = ledger->last_seq();
    report.events_per_s = static_cast<double>(report.events) / seconds_between(start, clock.now());
    report.cpu_us_per_event = cpu / static_cast<double>(report.events);
    report.commit_p50_ms = writer.commit_ms().p50;
    report.commit_p99_ms = writer.commit_ms().p99;
  }
  Result<double> checked = measure_checker(path);
  if (!checked) return checked.error();
  report.checked_events_per_s = *checked;
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) ::unlink((path + suffix).c_str());
  return report;
}

Result<std::vector<Figure>> ledger_figures(const LedgerBenchOptions& options, std::size_t repeats) {
  Series events({.name = "ledger_durable_events_per_s",
                 .unit = "events/s",
                 .ceiling = "fsync_bound_events_per_s",
                 .goal = Goal{Goal::Of::kValue, 10'000}});
  Series p50({.name = "ledger_commit_p50_ms",
              .unit = "ms",
              .ceiling = "fsync_ms",
              .better = Better::kLower});
  Series p99({.name = "ledger_commit_p99_ms",
              .unit = "ms",
              .ceiling = "fsync_ms",
              .better = Better::kLower});
  Series cpu({.name = "ledger_cpu_us_per_event", .unit = "us", .better = Better::kLower});
  Series checked({.name = "ledger_checked_events_per_s", .unit = "events/s"});
  for (std::size_t round = 0; round < repeats; ++round) {
    const Result<LedgerBenchReport> report = ledger_bench(options);
    if (!report) return report.error();
    events.add(report->events_per_s, report->events_per_s_at_ceiling);
    p50.add(report->commit_p50_ms, 1e3 / report->fsyncs_per_s);
    p99.add(report->commit_p99_ms, 1e3 / report->fsyncs_per_s);
    cpu.add(report->cpu_us_per_event);
    checked.add(report->checked_events_per_s);
  }
  return std::vector<Figure>{events.figure(), p50.figure(), p99.figure(), cpu.figure(),
                             checked.figure()};
}

}  // namespace assay::store
