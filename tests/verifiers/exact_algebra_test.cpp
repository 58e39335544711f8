#include "verifiers/math/exact_algebra.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/clock.h"
#include "verifiers/math/flint_fence.h"
#include "verifiers/math/math_text.h"
#include "verifiers/math/matrix_algebra.h"
#include "verifiers/math/number_sets.h"
#include "verifiers/math/numeric_algebra.h"
#include "verifiers/math/units.h"

namespace assay::verifiers {
namespace {

Node parsed(const std::string& text) {
  WorkBudget budget;
  const ParseOutcome outcome = parse_answer(plain_math(text), CommaMeaning::kThousands, budget);
  EXPECT_TRUE(outcome.node) << text;
  return outcome.node.value_or(Node{});
}

Agreement exactly(const std::string& a, const std::string& b) {
  WorkBudget budget;
  return compare_exactly(parsed(a), parsed(b), budget);
}

Agreement numerically(const std::string& a, const std::string& b,
                      const std::string& seed = "seed") {
  WorkBudget budget;
  return compare_numerically(parsed(a), parsed(b), seed, budget);
}

TEST(ExactAlgebra, DecidesRationalFunctions) {
  EXPECT_EQ(exactly("(x+y)^3", "x^3+3x^2y+3xy^2+y^3"), Agreement::kEqual);
  EXPECT_EQ(exactly("\\frac{1}{x}+\\frac{1}{y}", "\\frac{x+y}{xy}"), Agreement::kEqual);
  EXPECT_EQ(exactly("(x+y)^3", "x^3+y^3"), Agreement::kDifferent);
  // A difference that no floating-point number shows.
  EXPECT_EQ(exactly("x", "x+\\frac{1}{10^{400}}"), Agreement::kDifferent);
}

TEST(ExactAlgebra, DecidesSquareRootsAndTheImaginaryUnit) {
  EXPECT_EQ(exactly("(\\sqrt2+\\sqrt3)^2", "5+2\\sqrt6"), Agreement::kEqual);
  EXPECT_EQ(exactly("\\frac{1}{\\sqrt{12}}", "\\frac{\\sqrt3}{6}"), Agreement::kEqual);
  EXPECT_EQ(exactly("\\sqrt2+\\sqrt3", "\\sqrt{10}"), Agreement::kDifferent);
  EXPECT_EQ(exactly("(1+i)^4", "-4"), Agreement::kEqual);
  EXPECT_EQ(exactly("\\sqrt{-9}", "3i"), Agreement::kEqual);
  EXPECT_EQ(exactly("\\sqrt{-9}", "3"), Agreement::kDifferent);
}

TEST(ExactAlgebra, OtherFunctionsAreLettersThatProveEqualityOnly) {
  EXPECT_EQ(exactly("(\\sin x+1)^2", "\\sin^2 x+2\\sin x+1"), Agreement::kEqual);
  EXPECT_EQ(exactly("\\sin^2 x+\\cos^2 x", "1"), Agreement::kUndecided);
  EXPECT_EQ(exactly("\\pi", "e"), Agreement::kUndecided);
}

TEST(ExactAlgebra, ADivisionByAHiddenZeroEqualsNothing) {
  EXPECT_EQ(exactly("\\frac{1}{(\\sqrt2)^2-2}", "\\frac{1}{(\\sqrt2)^2-2}"), Agreement::kDifferent);
  EXPECT_EQ(exactly("x", "\\frac{x(y-y)}{y-y}"), Agreement::kDifferent);
}

TEST(ExactAlgebra, SizesAreRefusedBeforeTheyAreComputed) {
  const auto start = thread_cpu_time();
  EXPECT_EQ(exactly("(x+y+z+w)^{4000}", "x"), Agreement::kUndecided);
  EXPECT_EQ(exactly("((x+1)^{4000}+1)^{4000}", "x"), Agreement::kUndecided);
  EXPECT_EQ(exactly("(x+y)^{4000}(x-y)^{4000}", "x"), Agreement::kUndecided);
  EXPECT_LT((thread_cpu_time() - start).count(), 100'000);  // us
}

TEST(ExactAlgebra, ProportionsHaveASign) {
  WorkBudget budget;
  const Node zero = parsed("0");
  const auto sign = [&](const std::string& a, const std::string& b) {
    return proportion_of(parsed(a), zero, parsed(b), zero, budget);
  };
  EXPECT_EQ(sign("2x-y+3", "4x-2y+6"), 1);
  EXPECT_EQ(sign("2x-y+3", "y-2x-3"), -1);
  EXPECT_EQ(sign("2x-y+3", "2x-y+4"), 0);
  EXPECT_EQ(sign("0x", "x"), 0);
}

TEST(NumericAlgebra, AgreesWhereAlgebraCannotTell) {
  EXPECT_EQ(numerically("\\sin^2 x+\\cos^2 x", "1"), Agreement::kEqual);
  EXPECT_EQ(numerically("\\log_4 8", "\\frac32"), Agreement::kEqual);
  EXPECT_EQ(numerically("(n+1)!", "(n+1)n!"), Agreement::kEqual);
  EXPECT_EQ(numerically("(-1)^{n+2}", "(-1)^n"), Agreement::kEqual);
  EXPECT_EQ(numerically("e^{i\\pi}", "-1"), Agreement::kEqual);
  EXPECT_EQ(numerically("\\sin 30^\\circ", "\\frac12"), Agreement::kEqual);
}

TEST(NumericAlgebra, TellsNearThingsApart) {
  EXPECT_EQ(numerically("e^{\\pi\\sqrt{163}}", "262537412640768744"), Agreement::kDifferent);
  EXPECT_EQ(numerically("\\sin x", "x-\\frac{x^3}{6}"), Agreement::kDifferent);
  EXPECT_EQ(numerically("\\sqrt{x^2}", "x"), Agreement::kDifferent);  // negative points are drawn
  EXPECT_EQ(numerically("(-1)^n", "1"), Agreement::kDifferent);
  EXPECT_EQ(numerically("2^{-300}", "3^{-300}"), Agreement::kDifferent);
}

TEST(NumericAlgebra, SaysSoWhenItCannotKnow) {
  EXPECT_EQ(numerically("\\infty", "\\infty"), Agreement::kUndecided);
  EXPECT_EQ(numerically("9^{9^{9^9}}", "1"), Agreement::kUndecided);
  EXPECT_EQ(numerically("\\ln(-x^2-1)", "\\ln(-x^2-1)"), Agreement::kUndecided);  // nowhere real
}

// A polynomial that vanishes on points drawn for one reference does not on those of another: the
// points come from the hash of the reference.
TEST(NumericAlgebra, PointsDependOnTheReferenceAndOnNothingElse) {
  for (const char* seed : {"a", "b", "c", "d"}) {
    EXPECT_EQ(numerically("\\sin x", "\\sin x+\\frac{x-1}{10^{9}}", seed), Agreement::kDifferent);
    EXPECT_EQ(numerically("\\sin 2x", "2\\sin x\\cos x", seed), Agreement::kEqual);
  }
}

TEST(NumericAlgebra, RoundsConstants) {
  WorkBudget budget;
  const auto rounds = [&](const std::string& value, const std::string& decimal, int places) {
    return rounds_to(parsed(value), parsed(decimal).number, places, budget);
  };
  EXPECT_TRUE(rounds("\\sqrt2", "1.4142", 4));
  EXPECT_FALSE(rounds("\\sqrt2", "1.4143", 4));
  EXPECT_FALSE(rounds("x", "1.4142", 4));
}

TEST(Balls, AFieldOfRealNumbersHasNoRootOfMinusOne) {
  WorkBudget budget;
  const BallField real(128, true, budget), complex(128, false, budget);
  const Ball minus_one = *real.number(ExactNumber(-1));
  EXPECT_FALSE(real.root(minus_one, 2));
  EXPECT_TRUE(complex.root(minus_one, 2));
  EXPECT_FALSE(real.function("ln", minus_one));
  EXPECT_FALSE(real.divide(minus_one, *real.number(ExactNumber(0))));
  EXPECT_TRUE(real.root(*real.number(ExactNumber(-8)), 3));
  EXPECT_EQ(real.order(*real.root(*real.number(ExactNumber(-8)), 3), *real.number(ExactNumber(-2))),
            BallOrder::kUnknown);  // 128 bits are not enough to agree to 200
}

TEST(Balls, AnEmptyBudgetGivesNothing) {
  WorkBudget budget(10);
  const BallField field(128, true, budget);
  EXPECT_FALSE(field.function("sin", Ball()));
  EXPECT_FALSE(field.number(ExactNumber(1)));
}

TEST(FractionRing, RefusesWhatItCannotHold) {
  WorkBudget budget;
  const FractionRing ring({std::nullopt, 2});
  EXPECT_FALSE(ring.generator(2, budget));
  const Fraction root = *ring.generator(1, budget);
  const Fraction square = *ring.multiply(root, root, budget);
  const Fraction two = *ring.constant(ExactNumber(2), budget);
  EXPECT_EQ(ring.is_zero(*ring.subtract(square, two, budget), budget), true);
  EXPECT_FALSE(ring.power(root, 100'000, budget));
}

TEST(MatrixAlgebra, FoldsSumsProductsAndMultiples) {
  WorkBudget budget;
  const auto folded = [&](const std::string& text) { return folded_matrix(parsed(text), budget); };
  const std::string a = "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}";
  EXPECT_TRUE(folded(a + "+" + a));
  EXPECT_TRUE(folded(a + a));
  EXPECT_TRUE(folded("2" + a + "^T"));
  EXPECT_FALSE(folded(a + "+\\begin{pmatrix}1&2\\end{pmatrix}"));
  EXPECT_FALSE(folded(a + "\\begin{pmatrix}1&2\\end{pmatrix}"));
  EXPECT_FALSE(folded(a + "+1"));
  EXPECT_FALSE(folded("1+2"));
}

TEST(NumberSets, HaveOneNormalForm) {
  WorkBudget budget;
  const auto form = [&](const std::string& text) { return set_form(parsed(text), budget); };
  EXPECT_EQ(form("(0,1)\\cup[1,2)"), "(0,2)");
  EXPECT_EQ(form("[2,3]\\cup[0,1]"), "[0,1][2,3]");
  EXPECT_EQ(form("\\mathbb{R}\\setminus\\{0\\}"), "(-oo,0)(0,oo)");
  EXPECT_EQ(form("(-\\infty,2]\\cap(0,5)"), "(0,2]");
  EXPECT_EQ(form("(0,1)\\cup(1,2)"), "(0,1)(1,2)");
  EXPECT_FALSE(form("(0,\\sqrt2)"));  // an end that is not rational
}

TEST(NumberSets, AreTheSolutionsOfRelations) {
  WorkBudget budget;
  const auto form = [&](const std::string& text) {
    const auto set = solution_set(parsed(text));
    return set ? set_form(*set, budget) : std::nullopt;
  };
  EXPECT_EQ(form("x>2"), "(2,oo)");
  EXPECT_EQ(form("2\\ge x"), "(-oo,2]");
  EXPECT_EQ(form("-2\\le x<7"), "[-2,7)");
  EXPECT_EQ(form("7>x\\ge-2"), "[-2,7)");
  EXPECT_EQ(form("x\\ne3"), "(-oo,3)(3,oo)");
  EXPECT_FALSE(form("x+y>2"));
}

TEST(Units, ConvertWithinADimension) {
  WorkBudget budget;
  EXPECT_EQ(unit_of("cm", budget).dimension, unit_of("meters", budget).dimension);
  const ExactResult hundredth = divide(ExactNumber(1), ExactNumber(100), budget);
  EXPECT_EQ(unit_of("cm", budget).scale, std::get<ExactNumber>(hundredth));
  EXPECT_EQ(unit_of("square cm", budget).dimension, unit_of("cm^2", budget).dimension);
  EXPECT_NE(unit_of("cm", budget).dimension, unit_of("cm^2", budget).dimension);
  EXPECT_EQ(unit_of("mph", budget).dimension, unit_of("km per hour", budget).dimension);
  EXPECT_EQ(unit_of("apple", budget).dimension, "apple");
}

}  // namespace
}  // namespace assay::verifiers
