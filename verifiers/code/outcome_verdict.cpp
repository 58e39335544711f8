#include "verifiers/code/outcome_verdict.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "verifiers/code/fields.h"

namespace assay::verifiers {

namespace {

using sandbox::CheckOutcome;
using sandbox::Limits;
using sandbox::ProcessEnd;
using wire::Verdict;
using wire::VerdictCode;

bool has_used_up(const ProcessEnd& process, const Limits& limits) {
  // The kernel counts in ticks: what it ended may be a little short of the limit.
  return process.signal == SIGKILL &&
         process.cpu_us + 50'000 >= std::uint64_t{limits.cpu_s} * 1'000'000;
}

std::string name_of(int signal) {
  constexpr std::pair<int, const char*> kNames[] = {{SIGSEGV, "SIGSEGV"}, {SIGABRT, "SIGABRT"},
                                                    {SIGFPE, "SIGFPE"},   {SIGBUS, "SIGBUS"},
                                                    {SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"}};
  for (const auto& [number, name] : kNames) {
    if (number == signal) return name;
  }
  return "a signal";
}

Verdict no_answer_of_tester(const CheckOutcome& outcome) {
  const bool is_alone = outcome.processes.size() == 1;
  if (is_alone)
    return Verdict::incorrect(VerdictCode::kRuntimeError, "the program ended its process");
  return Verdict::unscored(VerdictCode::kInternalError, "the tester ended without an answer");
}

}  // namespace

std::optional<Verdict> judge_end(const CheckOutcome& outcome, const Limits& limits) {
  const auto any = [&](auto holds) {
    return std::any_of(outcome.processes.begin(), outcome.processes.end(), holds);
  };
  if (any([](const ProcessEnd& process) { return !process.has_begun; })) {
    return Verdict::unscored(VerdictCode::kInternalError, "a jailed process could not be confined");
  }
  if (outcome.is_output_full) {
    return Verdict::incorrect(VerdictCode::kOutputLimit, "the program wrote too much output");
  }
  if (outcome.is_over_time ||
      any([&](const ProcessEnd& process) { return has_used_up(process, limits); })) {
    return Verdict::incorrect(VerdictCode::kTimeout, "the program used up its time");
  }
  const ProcessEnd& program = outcome.processes.front();
  if (program.signal == SIGSYS) {
    return Verdict::incorrect(VerdictCode::kViolation,
                              "the program made a system call that no program may make");
  }
  if (outcome.is_out_of_memory) {
    return Verdict::incorrect(VerdictCode::kMemoryLimit, "the program ran out of memory");
  }
  if (program.signal != 0 && program.signal != SIGKILL) {
    return Verdict::incorrect(VerdictCode::kRuntimeError,
                              "the program was ended by " + name_of(program.signal));
  }
  return std::nullopt;
}

Verdict judge_answer(const CheckOutcome& outcome, const Limits& limits, const std::string& nonce) {
  const std::vector<std::string> fields = unpack_fields(outcome.answers.back(), 4);
  const bool has_answer = !fields.empty() && fields[3] == nonce;
  // An answer with a code that nobody knows is none.
  const VerdictCode code =
      has_answer ? wire::parse_verdict_code(fields[0]).value_or(VerdictCode::kInternalError)
                 : VerdictCode::kInternalError;
  Verdict verdict = no_answer_of_tester(outcome);
  if (code == VerdictCode::kCorrect) {
    verdict = Verdict::correct(fields[1]);
  } else if (auto ended = judge_end(outcome, limits)) {
    return *ended;
  } else if (has_answer) {
    verdict = code == VerdictCode::kInternalError ? Verdict::unscored(code, fields[1])
                                                  : Verdict::incorrect(code, fields[1]);
  }
  if (has_answer && !fields[2].empty()) {
    verdict.checks.push_back(
        {"weak_oracle", false, 0, "the tests call on the program for " + fields[2]});
  }
  return verdict;
}

}  // namespace assay::verifiers
