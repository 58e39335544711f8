// Hostile and honest programs mixed, on two threads at once. ASSAY_CHAOS_CHECKS sets how many.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <thread>

#include "runtime/core/figure.h"
#include "runtime/core/rng.h"
#include "tests/support/seed.h"
#include "tests/verifiers/code/code_cases.h"

namespace assay::verifiers {
namespace {

constexpr unsigned kThreads = 2;
constexpr std::size_t kRounds = 8;
constexpr double kHonestShare = 0.5;
constexpr double kSlowShare = 0.02;  // of programs that use up their time

std::size_t check_count() {
  const char* given = std::getenv("ASSAY_CHAOS_CHECKS");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 400;
}

struct Programs {
  std::vector<CodeCase> honest, hostile, slow;
};

Programs read_programs() {
  Programs programs;
  for (const char* file : {"escapes.jsonl", "forgeries.jsonl"}) {
    for (CodeCase& one : read_code_cases(code_case_path(file))) {
      const bool is_honest = one.category == "control" || one.category == "honest twin";
      auto& kind = is_honest                    ? programs.honest
                   : one.category == "resource" ? programs.slow
                                                : programs.hostile;
      kind.push_back(std::move(one));
    }
  }
  // One honest program, the same in both runs, so that their times can be compared.
  std::erase_if(programs.honest, [](const CodeCase& one) { return one.id != "plain"; });
  return programs;
}

struct Tally {
  std::size_t wrong = 0;
  std::size_t honest_count = 0;
  double honest_s = 0;

  double honest_per_s() const { return static_cast<double>(honest_count) / honest_s; }
};

const CodeCase& draw(const Programs& programs, Rng& rng) {
  if (rng.next_bool(kHonestShare)) return programs.honest.front();
  const auto& kind = rng.next_bool(kSlowShare) ? programs.slow : programs.hostile;
  return kind[rng.below(kind.size())];
}

bool is_expected(const CodeCase& one, const wire::Verdict& verdict) {
  return std::find(one.expect.begin(), one.expect.end(), wire::to_string(verdict.outcome)) !=
         one.expect.end();
}

Tally judge_all(const std::vector<const CodeCase*>& cases,
                const std::shared_ptr<sandbox::JailPool>& pool) {
  Tally tally;
  std::mutex mutex;
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < cases.size(); i = next++) {
      const auto start = std::chrono::steady_clock::now();
      const wire::Verdict verdict = judge(*cases[i], pool);
      const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
      const std::lock_guard lock(mutex);
      if (!is_expected(*cases[i], verdict)) {
        ++tally.wrong;
        ADD_FAILURE() << cases[i]->id << ": " << verdict.reason;
      }
      if (cases[i]->id != "plain") continue;
      ++tally.honest_count;
      tally.honest_s += spent.count();
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return tally;
}

std::size_t children_of_this() {
  const std::string task = std::to_string(::getpid());
  std::ifstream children("/proc/" + task + "/task/" + task + "/children");
  return static_cast<std::size_t>(
      std::distance(std::istream_iterator<int>(children), std::istream_iterator<int>()));
}

TEST(MixedPrograms, HostileOnesNeitherEscapeNorSlowTheHonest) {
  if (testing::kIsSanitized) GTEST_SKIP() << "jailed programs have no room for sanitizers";
  const Programs programs = read_programs();
  SCOPED_TRACE(seed_text());
  Rng rng = test_rng();
  const std::size_t round_size = check_count() / kRounds;
  std::vector<double> ratios;
  std::size_t wrong = 0;
  {
    const auto pool = std::make_shared<sandbox::JailPool>("assay-python");
    // Each round compares what happened at about the same time: others use this machine too.
    for (std::size_t round = 0; round < kRounds; ++round) {
      std::vector<const CodeCase*> mixed;
      for (std::size_t i = 0; i < round_size; ++i) mixed.push_back(&draw(programs, rng));
      const std::vector<const CodeCase*> honest(mixed.size() / 2, &programs.honest.front());
      const Tally alone = judge_all(honest, pool);
      const Tally beside = judge_all(mixed, pool);
      ratios.push_back(beside.honest_per_s() / alone.honest_per_s());
      wrong += alone.wrong + beside.wrong;
    }
  }
  const double ratio = percentile(ratios, 0.5);
  std::cout << kRounds * round_size << " checks mixed: " << wrong << " wrong; honest at " << ratio
            << " of their rate alone\n";
  EXPECT_EQ(wrong, 0u);
  EXPECT_GE(ratio, 0.5) << "the goal is 0.9, on a machine that does nothing else";
  EXPECT_EQ(children_of_this(), 0u);
}

}  // namespace
}  // namespace assay::verifiers
