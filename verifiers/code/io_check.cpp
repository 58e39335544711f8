#include "verifiers/code/io_check.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "verifiers/code/outcome_verdict.h"

namespace assay::verifiers {

namespace {

using sandbox::CheckOutcome;
using sandbox::CheckPlan;
using sandbox::Task;
using wire::Verdict;
using wire::VerdictCode;

// A compiler needs more than most programs that it makes.
sandbox::Limits compiler_limits() {
  sandbox::Limits limits;
  limits.cpu_s = 30;
  limits.wall_ms = 60'000;
  limits.memory_bytes = std::uint64_t{1} << 30;
  limits.output_bytes = std::uint64_t{64} << 20;
  limits.process_count = 32;
  return limits;
}

std::string_view without_blanks_at_end(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

// The next line, taken off the front.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return without_blanks_at_end(line);
}

std::string output_of(const CheckOutcome& outcome, std::uint64_t bytes_max) {
  std::string text(bytes_max, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::pread(outcome.output.get(), text.data() + size, text.size() - size,
                                  static_cast<off_t>(size));
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

// The verdict where the program could not be made; none where it was.
std::optional<Verdict> judge_compilation(const CheckOutcome& outcome) {
  const std::string& answer = outcome.answers.front();
  if (answer == "compiled") return std::nullopt;
  if (answer == "not compiled") {
    return outcome.is_out_of_memory
               ? Verdict::incorrect(VerdictCode::kMemoryLimit, "compiling ran out of memory")
               : Verdict::incorrect(VerdictCode::kRuntimeError, "the program does not compile");
  }
  if (answer == "no compiler") {
    return Verdict::unscored(VerdictCode::kJudgeUnavailable, "there is no g++ on this machine");
  }
  if (auto ended = judge_end(outcome, compiler_limits())) return ended;
  return Verdict::unscored(VerdictCode::kInternalError, "the compiler ended without an answer");
}

Verdict judge_output(const CheckOutcome& outcome, const CodeTask& task, std::size_t index) {
  const IoTest& test = task.io_tests[index];
  const auto ended = judge_end(outcome, task.limits);
  if (ended) return *ended;
  if (is_same_output(output_of(outcome, task.limits.output_bytes), test.output)) {
    return Verdict::correct("all outputs are as expected");
  }
  if (outcome.processes.front().exit_status != 0) {
    return Verdict::incorrect(VerdictCode::kRuntimeError,
                              "the program failed on test " + std::to_string(index + 1));
  }
  return Verdict::incorrect(VerdictCode::kWrongAnswer,
                            "the output of test " + std::to_string(index + 1) + " differs");
}

}  // namespace

bool is_same_output(std::string_view given, std::string_view expected) {
  while (!given.empty() && !expected.empty()) {
    if (take_line(given) != take_line(expected)) return false;
  }
  constexpr std::string_view kBlank = " \t\r\n";
  return given.find_first_not_of(kBlank) == std::string_view::npos &&
         expected.find_first_not_of(kBlank) == std::string_view::npos;
}

Result<Verdict> judge_io(const CodeTask& task, std::string_view program, sandbox::JailPool& pool,
                         sandbox::IsolationLevel& level) {
  FileDescriptor compiled;
  CheckPlan plan;
  plan.tasks = {Task::kFilter};
  plan.papers = {program};
  plan.limits = task.limits;
  if (task.language == "cpp") {
    CheckPlan making;
    making.tasks = {Task::kCompiler};
    making.papers = {program};
    making.limits = compiler_limits();
    auto made = pool.check(making, level);
    if (!made) return made.error();
    if (auto failed = judge_compilation(*made)) return *failed;
    compiled = std::move(made->program);
    plan.papers.clear();
    plan.program = &compiled;
  }
  Verdict verdict = Verdict::unscored(VerdictCode::kInternalError, "there are no tests");
  for (std::size_t i = 0; i < task.io_tests.size(); ++i) {
    plan.input = task.io_tests[i].input;
    auto outcome = pool.check(plan, level);
    if (!outcome) return outcome.error();
    verdict = judge_output(*outcome, task, i);
    if (verdict.outcome != wire::Outcome::kCorrect) return verdict;
  }
  return verdict;
}

}  // namespace assay::verifiers
