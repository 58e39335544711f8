#include "verifiers/code/code_verifier.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "runtime/core/digest.h"
#include "runtime/core/limits.h"
#include "verifiers/code/code_task.h"
#include "verifiers/code/fields.h"
#include "verifiers/code/io_check.h"
#include "verifiers/code/outcome_verdict.h"
#include "verifiers/code/program_text.h"
#include "verifiers/code/test_order.h"
#include "verifiers/sandbox/jail_pool.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

using sandbox::CheckPlan;
using sandbox::Task;
using wire::Verdict;
using wire::VerdictCode;

constexpr const char* kPython = "assay-python";
constexpr const char* kNative = "assay-native";

// More are started when more checks run at once.
constexpr unsigned kWarmJailsMax = 4;

// Sixteen bytes that nobody can guess.
std::string make_nonce() {
  std::string nonce(16, '\0');
  if (::getrandom(nonce.data(), nonce.size(), 0) < 0) nonce.clear();
  return nonce;
}

// The machine's words, without what differs from one machine or moment to the next.
Verdict unavailable(const Error& error) {
  const bool is_missing = error.id == "E420";
  return Verdict::unscored(VerdictCode::kJudgeUnavailable,
                           is_missing ? "the companion program is missing" : error.message);
}

// Of a prompt and a program; `purpose` keeps what is drawn for one from telling of the other.
std::uint64_t draw(const wire::Prompt& prompt, std::string_view program, std::string_view purpose) {
  return Hasher()
      .add_field(purpose)
      .add_field(prompt.text)
      .add_field(prompt.reference)
      .add_field(program)
      .finish()
      .leading_u64();
}

// What the tester is given: entry point, setup, tests, their lines and the seed of their order.
std::string paper_of(const CodeTask& task, std::uint64_t seed) {
  if (task.has_fixed_order) return pack_fields({task.entry_point, task.setup, task.tests, "", ""});
  const OrderedTests tests = order_tests(task.tests, task.entry_point, seed);
  const std::string_view lines(reinterpret_cast<const char*>(tests.lines.data()),
                               tests.lines.size() * sizeof tests.lines[0]);
  return pack_fields({task.entry_point, task.setup, tests.text, lines, std::to_string(seed)});
}

bool is_in_sample(std::uint64_t drawn, double fraction) {
  constexpr double kRange = 0x1p53;
  return static_cast<double>(drawn >> 11) < fraction * kRange;
}

// The verdict on a program that has passed once, after its second run.
Verdict second_verdict(Verdict again) {
  if (again.outcome == wire::Outcome::kIncorrect) {
    again.checks.push_back({"flaky", false, 0, "the program passed a first time"});
  }
  return again;
}

class CodeVerifier final : public Verifier {
 public:
  CodeVerifier(CodeTask task, std::shared_ptr<sandbox::JailPool> pool)
      : task_(std::move(task)), pool_(std::move(pool)) {
    pool_->warm(std::clamp(std::thread::hardware_concurrency(), 1u, kWarmJailsMax));
  }

  std::string identity() const override { return "code/2"; }

  // Every run has the wall-clock limit of its own, the compiler's too.
  std::chrono::milliseconds longest_check() const override {
    const std::size_t runs = std::max<std::size_t>(1, task_.io_tests.size()) + 1;
    const std::size_t times = task_.rerun_fraction > 0 ? 2 : 1;
    return std::chrono::milliseconds(task_.limits.wall_ms) *
           static_cast<std::int64_t>(runs * times);
  }

  // A reference holds tests, which are no program; its solution, where it has one, must pass them.
  Result<void> check_reference(const wire::Prompt& prompt) const override {
    if (task_.has_tests()) return {};
    const auto task = with_reference(task_, prompt.reference);
    if (task && !task->solution.empty()) return Verifier::check_reference(prompt);
    if (task && task->has_tests()) return {};
    return Error{
        ErrorCode::kInvalidInput, task ? "the reference holds no tests" : task.error().message,
        "give tests, or {\"entry_point\", \"setup\", \"tests\"}, as the reference", "", "E404"};
  }

  Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return stamped(judge(prompt, completion), identity(), completion);
  }

 private:
  Verdict judge(const wire::Prompt& prompt, std::string_view completion) const {
    if (completion.size() > limits::kCompletionBytesMax) {
      return Verdict::incorrect(VerdictCode::kOutputLimit,
                                "the completion has " + std::to_string(completion.size()) +
                                    " bytes, more than " +
                                    std::to_string(limits::kCompletionBytesMax));
    }
    if (!is_valid_utf8(completion)) {
      return Verdict::incorrect(VerdictCode::kMalformed, "the completion is not UTF-8");
    }
    if (task_.has_tests()) return judge_program(task_, prompt, completion);
    const auto task = with_reference(task_, prompt.reference);
    if (!task) return Verdict::unscored(VerdictCode::kInternalError, task.error().message);
    if (!task->has_tests()) {
      return Verdict::unscored(VerdictCode::kInternalError, "there are no tests to judge by");
    }
    // Whoever tries a reference by itself means its solution.
    if (completion != prompt.reference) return judge_program(*task, prompt, completion);
    if (!task->solution.empty()) return judge_program(*task, prompt, task->solution);
    return Verdict::unscored(VerdictCode::kInternalError, "the reference holds no solution to try");
  }

  Verdict judge_program(const CodeTask& task, const wire::Prompt& prompt,
                        std::string_view completion) const {
    const std::string_view found = extract_program(completion, task.language, task.entry_point);
    if (found.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      return Verdict::incorrect(VerdictCode::kNoAnswer, "the completion holds no program");
    }
    const std::string program = continued_program(prompt.text, completion, found, task.entry_point);
    Verdict verdict = judge_once(task, program, draw(prompt, program, "order"));
    const bool is_passed = verdict.outcome == wire::Outcome::kCorrect;
    if (!is_passed || !is_in_sample(draw(prompt, program, "sample"), task.rerun_fraction)) {
      return verdict;
    }
    Verdict again = judge_once(task, program, draw(prompt, program, "second order"));
    return again.outcome == wire::Outcome::kCorrect ? verdict : second_verdict(std::move(again));
  }

  Verdict judge_once(const CodeTask& task, std::string_view program, std::uint64_t seed) const {
    if (!task.io_tests.empty()) return judge_outputs(task, program);
    return task.is_same_process ? judge_together(task, program, seed)
                                : judge_apart(task, program, seed);
  }

  Verdict judge_outputs(const CodeTask& task, std::string_view program) const {
    sandbox::IsolationLevel level{};
    auto verdict = judge_io(task, program, *pool_, level);
    if (!verdict) return unavailable(verdict.error());
    verdict->isolation = sandbox::to_string(level);
    return std::move(*verdict);
  }

  Verdict judge_apart(const CodeTask& task, std::string_view program, std::uint64_t seed) const {
    const std::string paper = paper_of(task, seed);
    CheckPlan plan;
    plan.tasks = {Task::kRunner, Task::kTester};
    plan.papers = {program, paper};
    plan.limits = task.limits;
    return run(plan, "");
  }

  Verdict judge_together(const CodeTask& task, std::string_view program, std::uint64_t seed) const {
    const std::string nonce = make_nonce();
    const std::string paper = pack_fields({nonce, program}) + paper_of(task, seed);
    CheckPlan plan;
    plan.tasks = {Task::kWhole};
    plan.papers = {paper};
    plan.limits = task.limits;
    Verdict verdict = run(plan, nonce);
    verdict.checks.push_back(
        {"weak_oracle", false, 0, "the tests ran in the program's own process, as declared"});
    return verdict;
  }

  Verdict run(const CheckPlan& plan, const std::string& nonce) const {
    sandbox::IsolationLevel level{};
    const auto outcome = pool_->check(plan, level);
    if (!outcome) return unavailable(outcome.error());
    Verdict verdict = judge_answer(*outcome, plan.limits, nonce);
    verdict.isolation = sandbox::to_string(level);
    return verdict;
  }

  CodeTask task_;
  std::shared_ptr<sandbox::JailPool> pool_;
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_code_verifier(const VerifierContext& context,
                                                     std::string_view options_json) {
  auto task = read_code_task(context, options_json);
  if (!task) return task.error();
  auto pool = sandbox::JailPool::shared(task->language == "cpp" ? kNative : kPython);
  return make_code_verifier(std::move(*task), std::move(pool));
}

std::unique_ptr<Verifier> make_code_verifier(CodeTask task,
                                             std::shared_ptr<sandbox::JailPool> pool) {
  return std::make_unique<CodeVerifier>(std::move(task), std::move(pool));
}

}  // namespace assay::verifiers
