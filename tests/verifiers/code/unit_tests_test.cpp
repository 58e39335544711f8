// Tests that are classes of unittest.TestCase, and the exceptions that they wait for.
#include <gtest/gtest.h>

#include "runtime/core/json.h"
#include "tests/verifiers/code/code_cases.h"

namespace assay::verifiers {
namespace {

using wire::Outcome;
using wire::VerdictCode;

constexpr const char* kHead = R"(
import unittest

class TestOrdered(unittest.TestCase):
    def setUp(self):
        self.numbers = [3, 1, 2]

    def test_numbers(self):
        self.assertEqual(ordered(self.numbers), [1, 2, 3])

    def test_near(self):
        self.assertAlmostEqual(ordered([0.1 + 0.2])[0], 0.3)

    def test_truth(self):
        self.assertTrue(ordered([0]))
        self.assertFalse(ordered([]))

    def test_errors(self):
        with self.assertRaises(TypeError):
            ordered(5)
        self.assertRaises(ValueError, ordered, [None])
)";
constexpr const char* kMain = "\nif __name__ == '__main__':\n    unittest.main()\n";
constexpr const char* kRight = R"(
def ordered(items):
    if not isinstance(items, list):
        raise TypeError('no list')
    if None in items:
        raise ValueError('nothing to order', 3)
    return sorted(items)
)";

class UnitTests : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::kIsSanitized) GTEST_SKIP() << "jailed programs have no room for sanitizers";
  }

  // One jail for all verifiers of a test.
  std::shared_ptr<sandbox::JailPool> warm_ = sandbox::JailPool::shared("assay-python");
};

wire::Verdict judge_by(const std::string& tests, const std::string& program,
                       const char* oracle = "split") {
  return judge_program(
      json_text(Json{{"entry_point", "ordered"}, {"tests", tests}, {"oracle", oracle}}), program);
}

wire::Verdict judge_by_methods(const std::string& methods, const std::string& program = kRight) {
  return judge_by("from unittest import *\nclass T(TestCase):\n" + methods, program);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST_F(UnitTests, AProgramThatPassesEveryMethodIsCorrect) {
  for (const char* oracle : {"split", "same_process"}) {
    for (const char* end : {"", kMain, "\nunittest.main(verbosity=2)\n"}) {
      const auto verdict = judge_by(std::string(kHead) + end, kRight, oracle);
      EXPECT_EQ(verdict.code, VerdictCode::kCorrect) << oracle << end << ": " << verdict.reason;
    }
  }
}

TEST_F(UnitTests, EveryMethodCounts) {
  const struct {
    const char *from, *to, *reason;
  } kFaults[] = {
      {"sorted(items)", "items", "the assertion in line 9 of the tests does not hold"},
      {"sorted(items)", "[round(n) for n in sorted(items)]",
       "the assertion in line 12 of the tests does not hold"},
      {"sorted(items)", "sorted(items) or [0]",
       "the assertion in line 16 of the tests does not hold"},
      {"raise TypeError('no list')", "return []",
       "the assertion in line 19 of the tests does not hold"},
      {"ValueError", "KeyError", "the program raised KeyError"},
  };
  for (const auto& fault : kFaults) {
    for (const char* oracle : {"split", "same_process"}) {
      const auto verdict = judge_by(kHead, replaced(kRight, fault.from, fault.to), oracle);
      EXPECT_EQ(verdict.outcome, Outcome::kIncorrect) << fault.to;
      EXPECT_EQ(verdict.reason, fault.reason) << oracle;
    }
  }
}

TEST_F(UnitTests, WithoutATestThatRanNothingIsProved) {
  const auto code = [](const std::string& methods) { return judge_by_methods(methods).code; };
  EXPECT_EQ(code("  def check_it(self): self.assertEqual(ordered([1]), [1])\n"),
            VerdictCode::kWrongAnswer);
  EXPECT_EQ(code("  def test_it(self): self.assertEqual(1, 1)\n"), VerdictCode::kWrongAnswer);
  EXPECT_EQ(code("  pass\nassert ordered([1]) == [1]\n"), VerdictCode::kWrongAnswer);
  EXPECT_EQ(code("  @skip('x')\n  def test_it(self): self.assertEqual(ordered([1]), [1])\n"),
            VerdictCode::kWrongAnswer);
  EXPECT_EQ(code("  @expectedFailure\n  def test_it(self): self.assertEqual(ordered([1]), 1)\n"),
            VerdictCode::kWrongAnswer);
}

TEST_F(UnitTests, ASkippedTestIsNeverAPass) {
  const std::string good = "  def test_it(self): self.assertEqual(ordered([1]), [1])\n";
  const auto itself = judge_by_methods(good + "  def test_b(self): self.skipTest('x')\n");
  EXPECT_EQ(itself.code, VerdictCode::kWrongAnswer);
  EXPECT_EQ(itself.reason, "T.test_b was skipped, which shows nothing");
  // Of the task alone: as if it were not written.
  EXPECT_EQ(judge_by_methods(good + "  @skip('x')\n  def test_b(self): pass\n").code,
            VerdictCode::kCorrect);
  // Over what the program gave: it could skip what it cannot do.
  const std::string own = good + "  @skipIf(ordered([]) == [], 'x')\n  def test_b(self): pass\n";
  EXPECT_EQ(judge_by_methods(own).code, VerdictCode::kWrongAnswer);
  const std::string name = good + "  @skipIf(IS_OLD, 'x')\n  def test_b(self): pass\n";
  EXPECT_EQ(judge_by_methods(name, std::string(kRight) + "IS_OLD = True\n").code,
            VerdictCode::kWrongAnswer);
  EXPECT_EQ(judge_by_methods("  @classmethod\n  def setUpClass(cls): raise SkipTest\n" + good).code,
            VerdictCode::kWrongAnswer);
}

TEST_F(UnitTests, FixturesAndPartsAreRun) {
  const std::string parts =
      "  @classmethod\n  def setUpClass(cls): cls.made = [2, 1]\n"
      "  def test_a(self):\n    for n in range(3):\n      with self.subTest(n=n):\n"
      "        self.assertEqual(ordered(self.made), [1, LAST])\n";
  EXPECT_EQ(judge_by_methods(parts + "def setUpModule():\n  global LAST\n  LAST = 2\n").code,
            VerdictCode::kCorrect);
  EXPECT_EQ(judge_by_methods(parts + "LAST = 3\n").reason,
            "the assertion in line 8 of the tests does not hold");
  const std::string late =
      "  def test_a(self): ordered([1])\n  def tearDown(self): self.assertEqual(ordered([2, 1]), "
      "3)\n";
  EXPECT_EQ(judge_by_methods(late).reason, "the assertion in line 4 of the tests does not hold");
}

TEST_F(UnitTests, MethodsAreShuffledUnlessTheyShareAState) {
  // Passes only where test_a is run first.
  const std::string program = "first = []\ndef ordered(n):\n  first.append(n)\n  return first[0]\n";
  const std::string methods =
      "  def test_a(self): self.assertEqual(ordered(1), 1)\n"
      "  def test_b(self): self.assertEqual(ordered(2), 1)\n";
  const std::string shared = "  @classmethod\n  def setUpClass(cls): pass\n";
  int passed = 0;
  for (int i = 0; i < 12; ++i) {
    const std::string variant = program + "# " + std::to_string(i) + "\n";
    passed += judge_by_methods(methods, variant).outcome == Outcome::kCorrect ? 1 : 0;
    EXPECT_EQ(judge_by_methods(shared + methods, variant).code, VerdictCode::kCorrect);
  }
  EXPECT_GT(passed, 0);
  EXPECT_LT(passed, 12);
}

TEST_F(UnitTests, BrokenClassesAreNotTheProgramsFault) {
  const auto verdict =
      judge_by_methods("  def setUp(self): self.x = 1 / 0\n  def test_a(self): 1\n");
  EXPECT_EQ(verdict.code, VerdictCode::kInternalError) << verdict.reason;
  EXPECT_EQ(verdict.reason, "the tests raise ZeroDivisionError in line 3 of the tests");
}

TEST_F(UnitTests, AnExceptionComesWithItsNearestBuiltInClassAndItsArguments) {
  const std::string tests =
      "  def test_a(self):\n    with self.assertRaisesRegex(ValueError, 'bad 7') as caught:\n"
      "      ordered(7)\n    self.assertEqual(caught.exception.args, ('bad 7', [1]))\n";
  const std::string program =
      "class Own(Exception): pass\nclass Bad(Own, ValueError):\n  def __init__(self, n):\n"
      "    super().__init__(f'bad {n}', [1])\ndef ordered(n): raise Bad(n)\n";
  const auto caught = judge_by_methods(tests, program);
  EXPECT_EQ(caught.code, VerdictCode::kCorrect) << caught.reason;
  EXPECT_EQ(judge_by_methods(tests, replaced(program, "bad {n}", "sad {n}")).outcome,
            Outcome::kIncorrect);

  const auto other = judge_by_methods(tests, replaced(program, "Own, ValueError", "Own, KeyError"));
  EXPECT_EQ(other.code, VerdictCode::kRuntimeError);
  EXPECT_EQ(other.reason, "the program raised an exception of its own");
}

TEST_F(UnitTests, TestsThatImportNothingHaveNoClasses) {
  EXPECT_EQ(
      judge_by("class TestCase:\n  def test_a(self): 1 / 0\nassert ordered([1]) == [1]\n", kRight)
          .code,
      VerdictCode::kCorrect);
}

}  // namespace
}  // namespace assay::verifiers
