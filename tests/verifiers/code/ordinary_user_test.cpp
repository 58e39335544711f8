// The sandbox for an ordinary user: nobody's own process, without root.
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/verifiers/code/code_cases.h"
#include "verifiers/sandbox/child_process.h"

namespace assay::verifiers {
namespace {

using sandbox::IsolationLevel;

constexpr uid_t kNobody = 65534;
constexpr int kNoCompanion = 2;
constexpr int kNoNamespaces = 3;

// In a process of its own that has become an ordinary user: 0 when all is as it must be.
int judge_as_nobody(const std::vector<CodeCase>& cases) {
  if (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) return 1;
  if (!sandbox::find_companion("assay-python")) return kNoCompanion;
  const auto pool = std::make_shared<sandbox::JailPool>("assay-python");
  const auto level = pool->level();
  if (!level) return kNoCompanion;
  if (*level < IsolationLevel::kL3) return kNoNamespaces;
  for (const CodeCase& one : cases) {
    if (one.category == "resource") continue;
    const wire::Verdict verdict = judge(one, pool);
    const bool is_expected = std::find(one.expect.begin(), one.expect.end(),
                                       wire::to_string(verdict.outcome)) != one.expect.end();
    if (is_expected && verdict.isolation == "L3") continue;
    ADD_FAILURE() << one.id << " at " << verdict.isolation << ": " << verdict.reason;
    return 1;
  }
  return 0;
}

TEST(OrdinaryUser, JudgesAtLevelThreeAsRootDoesAtLevelFour) {
  if (testing::kIsSanitized) GTEST_SKIP() << "jailed programs have no room for sanitizers";
  if (::geteuid() != 0) GTEST_SKIP() << "the other tests are an ordinary user's already";
  const auto cases = read_code_cases(code_case_path("escapes.jsonl"));
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(judge_as_nobody(cases));
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  if (WEXITSTATUS(status) == kNoCompanion) GTEST_SKIP() << "nobody may not run the companion here";
  if (WEXITSTATUS(status) == kNoNamespaces) GTEST_SKIP() << "no namespaces for ordinary users";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace assay::verifiers
