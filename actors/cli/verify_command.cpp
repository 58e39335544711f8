#include "actors/cli/verify_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "actors/cli/audit_report.h"
#include "actors/cli/option_set.h"
#include "actors/cli/text_layout.h"
#include "actors/cli/verifier_audit.h"
#include "runtime/core/digest.h"
#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "verifiers/case_file.h"
#include "verifiers/registry.h"

namespace assay::cli {

namespace {

using verifiers::Case;

constexpr std::size_t kCaseFileBytesMax = std::size_t{1} << 30;
constexpr std::uint32_t kThreadsMax = 256;
constexpr std::uint32_t kRepeatsMax = 100'000;

struct VerifyOptions {
  std::string verifier;
  std::string cases;
  std::uint32_t thread_count = 1;
  std::uint32_t repeat_count = 1;
  std::vector<std::string> only_types;
  bool skips_unknown = false;
  std::string prompt;
  std::string reference;
  std::string completion;
  std::string options_json = "{}";
  std::string suite;
  AuditOptions audit;
  bool has_no_mutants = false;
  bool is_list_wanted = false;
};

struct Judged {
  wire::Verdict verdict;          // of the first time
  std::vector<double> latencies;  // ms, of every time
  bool is_stable = true;          // every repeat gave the same record
  std::string other_reason;       // of a repeat that gave another one
};

Judged judge(const Case& judged_case, std::uint32_t repeat_count) {
  Judged judged;
  std::string record;
  for (std::uint32_t i = 0; i < repeat_count; ++i) {
    wire::Verdict verdict =
        verifiers::timed_verdict(*judged_case.verifier, judged_case.prompt, judged_case.completion);
    judged.latencies.push_back(std::exchange(verdict.latency_ms, 0));
    if (repeat_count > 1) {
      const std::string repeated = verifiers::verdict_record(judged_case.id, verdict);
      if (i == 0) record = repeated;
      if (repeated != record) {
        judged.is_stable = false;
        judged.other_reason = verdict.reason;
      }
    }
    if (i == 0) judged.verdict = std::move(verdict);
  }
  judged.verdict.latency_ms = judged.latencies.front();
  return judged;
}

// Judges all cases on some threads; each thread takes the next case that nobody has taken.
std::vector<Judged> judge_all(const std::vector<Case>& cases, const VerifyOptions& options) {
  std::vector<Judged> judged(cases.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < cases.size(); i = next++) {
      judged[i] = judge(cases[i], options.repeat_count);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint32_t i = 1; i < options.thread_count; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return judged;
}

// What was said of all cases, in one hash that other runs and other machines can be held against.
std::string records_hash(const verifiers::CaseSet& set, const std::vector<Judged>& judged) {
  Hasher hasher;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    wire::Verdict verdict = judged[i].verdict;
    verdict.latency_ms = 0;
    hasher.add_field(verifiers::verdict_record(set.cases[i].id, verdict));
  }
  return hasher.finish().short_hex();
}

double percentile(const std::vector<double>& sorted, double fraction) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(last * fraction + 0.5)];
}

// The disagreements, then the counts, then the latencies.
void print_summary(CommandContext& context, const verifiers::CaseSet& set,
                   const std::vector<Judged>& judged, const VerifyOptions& options, double wall_s) {
  std::size_t agreed = 0;
  std::size_t false_accepts = 0;
  std::size_t false_rejects = 0;
  std::size_t unscored = 0;
  std::size_t unstable = 0;
  std::vector<double> latencies;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const Case& the_case = set.cases[i];
    const wire::Verdict& verdict = judged[i].verdict;
    latencies.insert(latencies.end(), judged[i].latencies.begin(), judged[i].latencies.end());
    unstable += !judged[i].is_stable;
    if (!judged[i].is_stable) {
      context.err << fmt::format("{} (line {}): first: {}; later: {}\n", one_line(the_case.id),
                                 the_case.line, one_line(verdict.reason),
                                 one_line(judged[i].other_reason));
    }
    unscored += !verdict.is_scored();
    if (verifiers::agrees(the_case, verdict)) {
      ++agreed;
      continue;
    }
    false_accepts += verdict.outcome == wire::Outcome::kCorrect;
    false_rejects += verdict.outcome == wire::Outcome::kIncorrect;
    context.err << fmt::format("{} (line {}): {} {}: {}\n", one_line(the_case.id), the_case.line,
                               wire::to_string(verdict.outcome), wire::to_string(verdict.code),
                               one_line(verdict.reason));
  }
  std::sort(latencies.begin(), latencies.end());
  context.err << fmt::format(
      "{} cases: {} as expected, {} false accepts, {} false rejects, {} unscored{}{}\n",
      judged.size(), agreed, false_accepts, false_rejects, unscored,
      set.skipped_count > 0 ? fmt::format(", {} skipped", set.skipped_count) : "",
      options.repeat_count > 1 ? fmt::format(", {} differ between {} repeats; records {}", unstable,
                                             options.repeat_count, records_hash(set, judged))
                               : "");
  context.err << fmt::format(
      "latency p50 {:.3f} ms, p95 {:.3f} ms, p99 {:.3f} ms; {:.0f} checks/s on {} thread{}\n",
      percentile(latencies, 0.50), percentile(latencies, 0.95), percentile(latencies, 0.99),
      static_cast<double>(latencies.size()) / std::max(wall_s, 1e-9), options.thread_count,
      options.thread_count == 1 ? "" : "s");
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// A verifier by its type, or a Python file with its function.
Result<std::unique_ptr<verifiers::Verifier>> make_given(
    const VerifyOptions& options, const verifiers::VerifierContext& context = {}) {
  const std::size_t colon = options.verifier.rfind(':');
  if (!options.verifier.substr(0, colon).ends_with(".py")) {
    return verifiers::make_verifier(options.verifier, options.options_json, context);
  }
  Json python = parse_json(options.options_json);
  if (python.is_object()) python["path"] = options.verifier;
  return verifiers::make_verifier(
      "python", python.is_object() ? json_text(python) : options.options_json, context);
}

ExitCode verify_cases(CommandContext& context, const VerifyOptions& options) {
  const auto text = read_file(options.cases, kCaseFileBytesMax);
  if (!text) return fail(context, text.error(), ExitCode::kUsage);
  const auto set = verifiers::parse_cases(
      *text, options.cases, {options.only_types, options.skips_unknown, folder_of(options.cases)});
  if (!set) return fail(context, set.error(), ExitCode::kUsage);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Judged> judged = judge_all(set->cases, options);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  bool is_as_expected = true;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    is_as_expected = is_as_expected && judged[i].is_stable &&
                     verifiers::agrees(set->cases[i], judged[i].verdict);
    context.out << verifiers::verdict_record(set->cases[i].id, judged[i].verdict) << '\n';
  }
  if (!context.is_quiet()) print_summary(context, *set, judged, options, spent.count());
  return is_as_expected ? ExitCode::kDone : ExitCode::kGate;
}

ExitCode verify_one(CommandContext& context, const VerifyOptions& options) {
  const auto verifier = make_given(options);
  if (!verifier) return fail(context, verifier.error(), ExitCode::kUsage);
  wire::Prompt prompt;
  prompt.text = options.prompt;
  prompt.reference = options.reference;
  prompt.verifier = options.verifier;
  const wire::Verdict verdict = verifiers::timed_verdict(**verifier, prompt, options.completion);
  if (context.format == OutputFormat::kJson) {
    context.out << verifiers::verdict_record("", verdict) << '\n';
  } else {
    const auto columns = context.out_columns();
    const std::string head =
        fmt::format("{} ({}): ", wire::to_string(verdict.outcome), wire::to_string(verdict.code));
    context.out << wrapped(head + one_line(verdict.reason), columns, 0) << "\n";
    for (const wire::Check& check : verdict.checks) {
      context.out << fmt::format("  {} {}: {}\n", check.is_passed ? "pass" : "fail", check.name,
                                 wrapped(one_line(check.reason), columns, check.name.size() + 9));
    }
  }
  return verdict.outcome == wire::Outcome::kCorrect ? ExitCode::kDone : ExitCode::kGate;
}

ExitCode audit_suite(CommandContext& context, const VerifyOptions& options) {
  verifiers::VerifierContext watched;
  watched.watches_effects = true;
  auto verifier = make_given(options, watched);
  if (!verifier) return fail(context, verifier.error(), ExitCode::kUsage);
  const auto text = read_file(options.suite, kCaseFileBytesMax);
  if (!text) return fail(context, text.error(), ExitCode::kUsage);
  verifiers::CaseSelection selection;
  selection.folder = folder_of(options.suite);
  selection.fallback = std::move(*verifier);
  const auto set = verifiers::parse_cases(*text, options.suite, selection);
  if (!set) return fail(context, set.error(), ExitCode::kUsage);
  AuditOptions choice = options.audit;
  choice.has_mutants = !options.has_no_mutants;
  choice.thread_count = options.thread_count;
  choice.watched_folder = ".";
  const AuditReport report = audit(set->cases, choice);
  context.out << (context.format == OutputFormat::kJson
                      ? audit_json(report, choice) + "\n"
                      : audit_text(report, choice, context.out_columns()));
  return report.shut_gates(choice).empty() ? ExitCode::kDone : ExitCode::kGate;
}

Error usage_error(std::string message, std::string remedy) {
  return {ErrorCode::kInvalidInput, std::move(message), std::move(remedy), "", ""};
}

std::string description() {
  std::string names;
  for (const verifiers::VerifierKind& kind : verifiers::verifier_kinds()) {
    names += (names.empty() ? "" : ", ") + std::string(kind.name);
  }
  return "Judges completions, and audits who judges them. Verifiers of this build, told by "
         "--list:\n" +
         names + ".";
}

ExitCode list_verifiers(CommandContext& context) {
  for (const verifiers::VerifierKind& kind : verifiers::verifier_kinds()) {
    context.out << fmt::format("{:<8} {}\n", kind.name, kind.summary);
  }
  return ExitCode::kDone;
}

}  // namespace

ExitCode verify_command(CommandContext& context) {
  VerifyOptions given;
  OptionSet options("verify", description());
  options.positional("verifier", given.verifier, "judge one completion with this verifier",
                     OptionSet::Presence::kOptional);
  options.option("--reference", given.reference, "the right answer");
  options.option("--completion", given.completion, "the completion to judge");
  options.option("--prompt", given.prompt, "the prompt, for verifiers that read it");
  options.option("--options", given.options_json, "the verifier's options, a JSON object");
  options.option("--cases", given.cases, "judge every case of this JSONL file");
  options.option("--suite", given.suite,
                 "audit the verifier: how many wrong completions of this file it catches, and what "
                 "it does beside judging");
  options.option("--min-coverage", given.audit.coverage_min,
                 "gate: the least share of errors caught, at the lower end of its interval");
  options.option("--max-false-rejects", given.audit.false_rejects_max,
                 "gate: the most right completions refused, at the upper end");
  options.flag("--no-mutants", given.has_no_mutants,
               "audit with the suite alone, without mutants of its right completions");
  options.option("-j,--jobs", given.thread_count, "judge so many cases at once");
  options.option("--repeat", given.repeat_count,
                 "judge each case so often; verdicts may not differ");
  options.flag("--list", given.is_list_wanted, "what each verifier of this build judges");
  options.multi("--only-type", given.only_types, "skip cases of other verifiers");
  options.flag("--skip-unknown", given.skips_unknown, "skip cases of verifiers not in this build");
  options.example("assay verify math --reference 1073 --completion \"37 x 29 = 1,073\"");
  options.example("assay verify chain --prompt 47+8-5*2= --reference 00 --completion \"55;50;00\"");
  options.example("assay verify --cases cases.jsonl -j 2");
  options.example("assay verify verifier.py --suite tests/adversarial.jsonl --min-coverage 0.9");
  if (const auto stop = options.parse(context)) return *stop;
  if (given.is_list_wanted) return list_verifiers(context);
  if (given.verifier.empty() == given.cases.empty() ||
      (!given.suite.empty() && given.verifier.empty())) {
    return fail(context,
                usage_error("assay verify needs either a verifier or --cases",
                            "assay verify math --reference 72 --completion \"so it is 72\""),
                ExitCode::kUsage);
  }
  if (given.thread_count < 1 || given.thread_count > kThreadsMax || given.repeat_count < 1 ||
      given.repeat_count > kRepeatsMax) {
    return fail(
        context,
        usage_error(fmt::format("-j {} --repeat {} is out of range", given.thread_count,
                                given.repeat_count),
                    fmt::format("-j takes 1 to {}, --repeat 1 to {}", kThreadsMax, kRepeatsMax)),
        ExitCode::kUsage);
  }
  if (!given.suite.empty()) return audit_suite(context, given);
  return given.cases.empty() ? verify_one(context, given) : verify_cases(context, given);
}

}  // namespace assay::cli
