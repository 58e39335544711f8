#include "verifiers/code/code_verifier.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "runtime/core/limits.h"
#include "tests/verifiers/code/code_cases.h"
#include "verifiers/case_file.h"
#include "verifiers/registry.h"

namespace assay::verifiers {
namespace {

using wire::Outcome;
using wire::VerdictCode;

constexpr const char* kAdd =
    R"json({"entry_point": "add", "tests": "assert add(2, 3) == 5\nassert add(-1, 1) == 0"})json";

class Code : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::kIsSanitized) GTEST_SKIP() << "jailed programs have no room for sanitizers";
  }
};

void expect(const wire::Verdict& verdict, VerdictCode code) {
  EXPECT_EQ(verdict.code, code) << wire::to_string(verdict.code) << ": " << verdict.reason;
}

TEST_F(Code, AssertionsAreRunAgainstTheProgram) {
  expect(judge_program(kAdd, "def add(a, b): return a + b"), VerdictCode::kCorrect);

  const auto wrong = judge_program(kAdd, "def add(a, b): return 5");

  expect(wrong, VerdictCode::kWrongAnswer);
  EXPECT_EQ(wrong.reason, "the assertion in line 2 of the tests does not hold");
  EXPECT_EQ(wrong.reward, 0.0);
}

TEST_F(Code, CheckAndTestFunctionsAreCalled) {
  const char* check =
      R"json({"entry_point": "f", "tests": "def check(c):\n    assert c(1) == 2"})json";
  const char* tests =
      R"json({"entry_point": "f", "tests": "def test_one():\n    assert f(1) == 2"})json";
  for (const char* options : {check, tests}) {
    expect(judge_program(options, "def f(x): return x + 1"), VerdictCode::kCorrect);
    expect(judge_program(options, "def f(x): return x"), VerdictCode::kWrongAnswer);
  }
}

TEST_F(Code, TestsThatNeverCallTheProgramProveNothing) {
  const char* options =
      R"json({"entry_point": "f", "tests": "def check(c):\n    assert True"})json";

  const auto verdict = judge_program(options, "def f(x): return x");

  EXPECT_EQ(verdict.outcome, Outcome::kIncorrect);
  EXPECT_EQ(verdict.reason, "the tests never called the program");
}

TEST_F(Code, TestsThatAreBrokenAreNotTheProgramsFault) {
  const char* options = R"json({"entry_point": "f", "tests": "assert f(1) ==="})json";
  const char* early = R"json({"entry_point": "f", "tests": "1 / 0\nassert f(1) == 1"})json";
  for (const char* broken : {options, early}) {
    const auto verdict = judge_program(broken, "def f(x): return x");
    EXPECT_EQ(verdict.outcome, Outcome::kUnscored) << verdict.reason;
    expect(verdict, VerdictCode::kInternalError);
  }
}

TEST_F(Code, EveryWayToFailHasItsCode) {
  const char* quick =
      R"json({"entry_point": "f", "tests": "assert f(1) == 1", "limits": {"wall_s": 0.5}})json";
  expect(judge_program(quick, "def f(x): raise ValueError"), VerdictCode::kRuntimeError);
  expect(judge_program(quick, "def f(x:"), VerdictCode::kRuntimeError);
  expect(judge_program(quick, "def g(x): return x"), VerdictCode::kRuntimeError);
  expect(judge_program(quick, "def f(x):\n  while 1: pass"), VerdictCode::kTimeout);
  expect(judge_program(quick, "def f(x): return 'a' * (1 << 40)"), VerdictCode::kMemoryLimit);
  expect(judge_program(quick, "def f(x): return 'a' * (1 << 21)"), VerdictCode::kOutputLimit);
  expect(judge_program(quick, "def f(x):\n  print('x' * 70000)\n  return 0"),
         VerdictCode::kOutputLimit);
  expect(judge_program(quick, "   "), VerdictCode::kNoAnswer);
  expect(judge_program(quick, "def f(x): '\xff'"), VerdictCode::kMalformed);
  expect(judge_program(quick, std::string(limits::kCompletionBytesMax + 1, '#')),
         VerdictCode::kOutputLimit);
}

TEST_F(Code, AVerdictComesSoonAfterTheLimit) {
  const char* options = R"json({"entry_point": "f", "tests": "assert f(1) == 1",
                            "limits": {"wall_s": 0.5, "cpu_s": 5}})json";
  judge_program(options, "def f(x): return x");
  const auto start = std::chrono::steady_clock::now();

  expect(judge_program(options, "import time\ndef f(x): time.sleep(60)"), VerdictCode::kTimeout);

  const auto spent = std::chrono::steady_clock::now() - start;
  EXPECT_GE(spent, std::chrono::milliseconds(500));
  EXPECT_LE(spent, std::chrono::milliseconds(1500));  // 200 ms on a machine that does nothing else
}

TEST_F(Code, ValuesCrossExactly) {
  const std::string values =
      "0, -1, 2**70, -2**64, 1.5, float('inf'), 1e-320, 0.1, 'caf\\u00e9\\\\ud800', b'\\\\0', "
      "None, "
      "True, (1, [2, {3: (4,)}]), {1, 2}, frozenset([3]), 3+4j, range(3, 9, 2), ..., "
      "bytearray(b'x'), int";
  const std::string options =
      R"json({"entry_point": "f", "tests": "for x in [)json" + values +
      R"json(]:\n    y = f(x)\n    assert y == x and type(y) is type(x), x"})json";
  expect(judge_program(options, "def f(x): return x"), VerdictCode::kCorrect);
}

TEST_F(Code, ContainersOfTheLibraryCrossAsWhatTheyHold) {
  const std::string options =
      R"json({"entry_point": "f", "tests": "assert f(0) == {'a': 2}\nassert f(1) == {'a': 2}\n)json"
      R"json(assert f(2) == (1, 2)\nassert list(f(3)) == [0, 1]\nassert sorted(f(4)) == ['a']"})json";
  expect(judge_program(options, R"(
import collections
def f(n):
    P = collections.namedtuple('P', 'x y')
    return [collections.Counter('aa'), collections.OrderedDict(a=2), P(1, 2),
            (i for i in range(2)), {'a': 1}.keys()][n]
)"),
         VerdictCode::kCorrect);
}

TEST_F(Code, ObjectsOfTheProgramStayWhereTheyAreAndCanBeUsed) {
  const char* options = R"json({"entry_point": "height",
      "setup": "root = Node(1)\nroot.left = Node(2)\nroot.left.left = Node(3)",
      "tests": "assert height(root) == 3\nassert root.left.value == 2"})json";

  const auto verdict = judge_program(options, R"(
class Node:
    def __init__(self, value):
        self.value, self.left, self.right = value, None, None
def height(node):
    return 0 if node is None else 1 + max(height(node.left), height(node.right))
)");

  expect(verdict, VerdictCode::kCorrect);
  // The tests use a name of the program besides the entry point: that is told.
  ASSERT_EQ(verdict.checks.size(), 1u);
  EXPECT_EQ(verdict.checks[0].name, "weak_oracle");
  EXPECT_EQ(verdict.checks[0].reason, "the tests call on the program for Node");
}

TEST_F(Code, TestsOfObjectsThatCannotLeaveAreUnscoredUntilDeclared) {
  const std::string tests =
      R"json("entry_point": "f", "tests": "assert f(lambda x: x + 1, 2) == 3")json";
  const std::string program = "def f(g, x): return g(x)";

  const auto undeclared = judge_program("{" + tests + "}", program);
  const auto declared =
      judge_program("{" + tests + R"json(, "oracle": "same_process"})json", program);

  EXPECT_EQ(undeclared.outcome, Outcome::kUnscored);
  EXPECT_NE(undeclared.reason.find("same_process"), std::string::npos);
  expect(declared, VerdictCode::kCorrect);
  ASSERT_EQ(declared.checks.size(), 1u);
  EXPECT_EQ(declared.checks[0].name, "weak_oracle");
}

TEST_F(Code, InOneProcessTheSameVerdictsAreGiven) {
  const std::string head = R"json({"oracle": "same_process", )json" + std::string(kAdd).substr(1);
  expect(judge_program(head, "def add(a, b): return a + b"), VerdictCode::kCorrect);
  expect(judge_program(head, "def add(a, b): return 5"), VerdictCode::kWrongAnswer);
  expect(judge_program(head, "def add(a, b): raise KeyError"), VerdictCode::kRuntimeError);
  expect(judge_program(head, "import os\nos._exit(0)"), VerdictCode::kRuntimeError);
  expect(judge_program(head, "def check(c): pass\ndef add(a, b): return 0"),
         VerdictCode::kWrongAnswer);
}

// The line on which the judgement goes is open to a program beside its tests.
TEST_F(Code, InOneProcessAJudgementWithoutTheNonceIsNone) {
  const std::string options =
      R"json({"oracle": "same_process", )json" + std::string(kAdd).substr(1);
  const auto verdict = judge_program(options, R"(
import os, struct
fields = [b'correct', b'all tests hold', b'', b'x' * 16]
frame = b''.join(struct.pack('<I', len(field)) + field for field in fields)
os.write(3, struct.pack('<I', len(frame)) + frame)
os._exit(0)
)");

  expect(verdict, VerdictCode::kRuntimeError);
  EXPECT_EQ(verdict.reason, "the program ended its process");
}

TEST_F(Code, TestsMayComeWithThePrompt) {
  const std::string object =
      R"json({"entry_point": "f", "tests": "assert f(1) == 2", "setup": "import math"})json";
  expect(judge_program("{}", "def f(x): return x + 1", object), VerdictCode::kCorrect);
  expect(judge_program("{}", "def f(x): return x", object), VerdictCode::kWrongAnswer);
  expect(judge_program("{}", "def f(x): return x", "assert f(1) == 1"), VerdictCode::kCorrect);
  EXPECT_EQ(judge_program("{}", "def f(x): return x").outcome, Outcome::kUnscored);
  EXPECT_EQ(judge_program("{}", "x = 1", R"json({"test": "assert 1"})json").outcome,
            Outcome::kUnscored);
}

TEST_F(Code, AReferenceIsTriedByItsSolution) {
  const std::string tests = R"json({"entry_point": "f", "tests": "assert f(1) == 2")json";
  const std::string right = tests + R"json(, "solution": "def f(x): return x + 1"})json";
  const std::string wrong = tests + R"json(, "solution": "def f(x): return x"})json";
  expect(judge_program("{}", right, right), VerdictCode::kCorrect);
  expect(judge_program("{}", wrong, wrong), VerdictCode::kWrongAnswer);
  EXPECT_EQ(judge_program("{}", tests + "}", tests + "}").outcome, Outcome::kUnscored);
}

// Whether the program is quick or slow to go on after it has written to the line of the tester.
TEST_F(Code, WhatWasNotAskedForHasOneReason) {
  const auto warm = sandbox::JailPool::shared("assay-python");
  const std::string greeting = R"(os.write(4, b'\x01\0\0\0r'))", end = "\nos._exit(0)";
  const std::string answer = R"(os.write(4, b'\x05\0\0\0h\0\0\0\0'))",
                    noise = "os.write(4, b'zzzz')";
  // A whole conversation: the program is there, add is a function, and 2 + 3 = 5.
  const std::string talk =
      "for said in b'r', b'h\\0\\0\\0\\0\\0', b'vi\\5' + bytes(7):\n"
      "    os.write(4, bytes([8 + len(said), 0, 0, 0]) + bytes(8) + said)";
  const std::string function = "\ndef add(a, b): return a + b";
  for (const std::string& program :
       {greeting, answer, noise, talk, talk + end, greeting + ";" + answer, greeting + ";" + noise,
        greeting + end, noise + end, greeting + "\n1 / 0"}) {
    for (const char* pause : {"0", "0.05"}) {
      const auto verdict = judge_program(
          kAdd, "import os, time\n" + program + "\ntime.sleep(" + pause + ")" + function);
      EXPECT_EQ(verdict.reason, "the program answered what it was not asked") << program;
      expect(verdict, VerdictCode::kRuntimeError);
    }
  }
  const auto gone = judge_program(kAdd, "import os\nos.close(4)" + function);
  EXPECT_EQ(gone.reason, "the program ended its process");
}

TEST_F(Code, ALearntListOfAnswersFailsUnlessTheOrderIsFixed) {
  const std::string tests =
      R"json({"entry_point": "f", "tests": "assert f(5) == 6\nassert f(2) == 3\nassert f(8) == 9\nassert f(1) == 2\nassert f(7) == 8")json";
  const std::string learnt = "answers = [6, 3, 9, 2, 8]\ndef f(x): return answers.pop(0)";
  const std::string fixed = tests + R"json(, "order": "fixed"})json";

  expect(judge_program(tests + "}", learnt), VerdictCode::kWrongAnswer);
  expect(judge_program(fixed, learnt), VerdictCode::kCorrect);
  for (const std::string& options : {tests + "}", fixed}) {
    const auto wrong = judge_program(options, "def f(x): return x + 1 if x != 8 else 0");
    EXPECT_EQ(wrong.reason, "the assertion in line 3 of the tests does not hold");
  }
}

TEST_F(Code, AHundredRepeatsGiveOneRecord) {
  const auto verifier = make_verifier("code", kAdd);
  for (const char* program :
       {"def add(a, b): return a + b", "def add(a, b): raise ValueError(id(a))",
        "import random\ndef add(a, b): return random.random()",
        "def add(a, b): return len(str(object()))"}) {
    std::string first;
    for (int i = 0; i < 100; ++i) {
      const std::string record = verdict_record("x", (*verifier)->verify({}, program));
      if (i == 0) first = record;
      ASSERT_EQ(record, first);
    }
  }
}

TEST(CodeOptions, MistakesAreNamed) {
  for (const char* options :
       {R"json({"language": "perl"})json", R"json({"oracle": "both"})json",
        R"json({"limits": {"cpu": 5}})json", R"json({"limits": {"wall_s": 0}})json",
        R"json({"tests": 5})json", R"json({"tests": []})json", R"json({"order": "random"})json",
        R"json({"rerun_fraction": 1.5})json", R"json({"tests": [{"input": "1"}]})json",
        R"json({"entrypoint": "f"})json", R"json({"language": "cpp", "tests": "assert 1"})json"}) {
    const auto verifier = make_verifier("code", options);
    ASSERT_FALSE(verifier) << options;
    EXPECT_EQ(verifier.error().id, "E403") << options;
  }
}

// Real references, where they lie beside the checkout. Documented: 123 computes for 6 s.
TEST_F(Code, ReferencesOfMbppAreAcceptedButTheDocumentedOne) {
  const std::string path = std::string(ASSAY_SOURCE_DIR) + "/../shared/data/mbpp/mbpp.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const auto pool = sandbox::JailPool::shared("assay-python");
  std::vector<std::string> rejected;
  for (const CodeCase& one : read_code_cases(path)) {
    if (one.id == "MBPP/123") continue;
    if (judge(one, pool).outcome != Outcome::kCorrect) rejected.push_back(one.id);
  }
  EXPECT_EQ(rejected, std::vector<std::string>());
}

// The sample cases of the verifiers' judges, where they lie beside the checkout.
TEST_F(Code, SampleCasesAgree) {
  const std::string path =
      std::string(ASSAY_SOURCE_DIR) + "/../shared/data/verifier_cases/hostile_code.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const auto pool = sandbox::JailPool::shared("assay-python");
  for (const CodeCase& one : read_code_cases(path)) {
    const wire::Verdict verdict = judge(one, pool);
    const auto holds = [](const auto& list, std::string_view word) {
      return std::find(list.begin(), list.end(), word) != list.end();
    };
    EXPECT_TRUE(holds(one.expect, wire::to_string(verdict.outcome)) &&
                holds(one.expect_code, wire::to_string(verdict.code)))
        << one.id << ": " << wire::to_string(verdict.code) << ": " << verdict.reason;
  }
}

}  // namespace
}  // namespace assay::verifiers
