// Properties of the math verifier: no bytes make it fail, no bomb makes it slow, equality is
// symmetric, and algebra that changes a value is told from algebra that does not.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/clock.h"
#include "runtime/core/rng.h"
#include "tests/support/sanitizer.h"
#include "verifiers/case_file.h"
#include "verifiers/registry.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {
namespace {

// CPU time of one check, however hostile, in microseconds. Sanitizers take ten times as long.
constexpr std::int64_t kCheckUsMax = testing::kIsSanitized ? 1'000'000 : 100'000;

using wire::Outcome;

std::uint64_t test_seed() {
  const char* seed = std::getenv("ASSAY_SEED");
  return seed == nullptr ? 17 : std::strtoull(seed, nullptr, 10);
}

wire::Verdict judge(const std::string& reference, const std::string& completion) {
  static const auto verifier = *make_verifier("math");
  wire::Prompt prompt;
  prompt.reference = reference;
  return verifier->verify(prompt, completion);
}

bool is_correct(const std::string& reference, const std::string& completion) {
  return judge(reference, completion).outcome == Outcome::kCorrect;
}

void expect_typed(const wire::Verdict& verdict) {
  RC_ASSERT(!verdict.reason.empty());
  RC_ASSERT(is_valid_utf8(verdict.reason));
  RC_ASSERT(verdict.reward.has_value() == (verdict.outcome != Outcome::kUnscored));
}

// Pieces of mathematics and of trouble.
constexpr std::array<const char*, 62> kPieces = {"1",
                                                 "2",
                                                 "17",
                                                 "0",
                                                 "x",
                                                 "y",
                                                 "n",
                                                 "+",
                                                 "-",
                                                 "*",
                                                 "/",
                                                 "^",
                                                 "!",
                                                 "(",
                                                 ")",
                                                 "[",
                                                 "]",
                                                 "{",
                                                 "}",
                                                 "\\{",
                                                 "\\}",
                                                 ",",
                                                 ";",
                                                 ":",
                                                 "=",
                                                 "<",
                                                 "\\le ",
                                                 "\\frac",
                                                 "\\sqrt",
                                                 "\\boxed{",
                                                 "\\sin ",
                                                 "\\log_",
                                                 "\\pi ",
                                                 "\\infty ",
                                                 "e",
                                                 "i",
                                                 "\\pm ",
                                                 "\\cup ",
                                                 "\\begin{pmatrix}",
                                                 "&",
                                                 "\\\\",
                                                 "\\end{pmatrix}",
                                                 "%",
                                                 "^\\circ ",
                                                 "\\text{",
                                                 " and ",
                                                 " or ",
                                                 "cm",
                                                 "|",
                                                 "_",
                                                 "'",
                                                 ".",
                                                 "\\overline{",
                                                 "\\binom",
                                                 "\\lfloor ",
                                                 "\\rfloor ",
                                                 "\\dollar ",
                                                 "\xC2\xBD",
                                                 "\xE2\x88\x9E",
                                                 "\\in ",
                                                 "\\setminus ",
                                                 "..."};

std::string random_soup(Rng& rng, std::size_t pieces_max) {
  std::string text;
  const std::size_t count = 1 + rng.below(pieces_max);
  for (std::size_t i = 0; i < count; ++i) text += kPieces[rng.below(kPieces.size())];
  return text;
}

TEST(MathProperties, NoBytesMakeItFail) {
  rc::check("any bytes, as reference and as completion",
            [](const std::string& a, const std::string& b) {
              expect_typed(judge(a, b));
              expect_typed(judge("1", "\\boxed{" + a + "}"));
            });
}

TEST(MathProperties, NoSoupOfMathematicsMakesItFailOrSlow) {
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(test_seed()));
  Rng rng(test_seed());
  for (int i = 0; i < 20'000; ++i) {
    const std::string reference = random_soup(rng, 12), completion = random_soup(rng, 24);
    const auto start = thread_cpu_time();
    const wire::Verdict verdict = judge(reference, completion);
    EXPECT_LT((thread_cpu_time() - start).count(), kCheckUsMax) << reference << " | " << completion;
    EXPECT_FALSE(verdict.reason.empty());
    EXPECT_EQ(verdict_record("a", verdict), verdict_record("a", judge(reference, completion)));
  }
}

// Expressions that grow fast when they are worked out.
std::string bomb(Rng& rng, int depth) {
  const auto number = [&] { return std::to_string(2 + rng.below(99'999)); };
  if (depth == 0) return rng.next_bool(0.5) ? number() : std::string(1, "xyzn"[rng.below(4)]);
  const std::string a = bomb(rng, depth - 1), b = bomb(rng, depth - 1);
  switch (rng.below(12)) {
    case 0:
      return "(" + a + ")^{" + b + "}";
    case 1:
      return "(" + a + ")!";
    case 2:
      return "(" + a + "+" + b + ")^{" + number() + "}";
    case 3:
      return "\\frac{" + a + "}{" + b + "}";
    case 4:
      return "\\sqrt[" + number() + "]{" + a + "}";
    case 5:
      return "\\binom{" + a + "}{" + b + "}";
    case 6:
      return "\\sin(" + a + "^{" + number() + "})";
    case 7:
      return "10^{10^{" + b + "}}";
    case 8:
      return "(" + a + ")(" + b + ")";
    case 9:
      return "\\log_{" + number() + "}(" + a + ")";
    case 10:
      return "\\begin{pmatrix}" + a + "&" + b + "\\\\" + b + "&" + a + "\\end{pmatrix}^{8}";
    default:
      return a + "-" + b;
  }
}

TEST(MathProperties, TenThousandBombsEndWithinTheirBudget) {
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(test_seed()));
  Rng rng(test_seed());
  const std::vector<std::string> references = {"1", "x+1", "\\sin x", "\\{1,2\\}", "(0,1)"};
  std::int64_t longest = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = bomb(rng, 1 + static_cast<int>(rng.below(6)));
    const std::string& reference = references[rng.below(references.size())];
    const auto start = thread_cpu_time();
    const wire::Verdict verdict = judge(reference, "\\boxed{" + text + "}");
    const std::int64_t spent = (thread_cpu_time() - start).count();
    longest = std::max(longest, spent);
    ASSERT_LT(spent, kCheckUsMax) << text;
    EXPECT_NE(verdict.outcome, Outcome::kUnscored) << text;
  }
  RecordProperty("longest_us", std::to_string(longest));
}

// A polynomial with small coefficients, as a sum of terms in some order.
std::string polynomial(Rng& rng, const std::vector<std::int64_t>& coefficients) {
  std::vector<std::string> terms;
  for (std::size_t power = 0; power < coefficients.size(); ++power) {
    terms.push_back("+(" + std::to_string(coefficients[power]) + ")x^{" + std::to_string(power) +
                    "}");
  }
  rng.shuffle(std::span(terms));
  std::string text;
  for (const std::string& term : terms) text += term;
  return text;
}

std::vector<std::int64_t> random_coefficients(Rng& rng) {
  std::vector<std::int64_t> coefficients(2 + rng.below(4));
  for (std::int64_t& one : coefficients) one = static_cast<std::int64_t>(rng.below(19)) - 9;
  return coefficients;
}

std::vector<std::int64_t> product_of(const std::vector<std::int64_t>& a,
                                     const std::vector<std::int64_t>& b) {
  std::vector<std::int64_t> product(a.size() + b.size() - 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) product[i + j] += a[i] * b[j];
  }
  return product;
}

TEST(MathProperties, ExpandedProductsAreEqualAndChangedOnesAreNot) {
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(test_seed()));
  Rng rng(test_seed());
  for (int i = 0; i < 1'000; ++i) {
    const auto a = random_coefficients(rng), b = random_coefficients(rng);
    auto expanded = product_of(a, b);
    const std::string factored = "(" + polynomial(rng, a) + ")(" + polynomial(rng, b) + ")";
    const std::string sum = "\\boxed{" + polynomial(rng, expanded) + "}";
    EXPECT_TRUE(is_correct(factored, sum)) << factored << sum;
    EXPECT_TRUE(is_correct(polynomial(rng, expanded), "\\boxed{" + factored + "}")) << factored;
    expanded[rng.below(expanded.size())] += rng.next_bool(0.5) ? 1 : -1;
    const std::string wrong = "\\boxed{" + polynomial(rng, expanded) + "}";
    EXPECT_FALSE(is_correct(factored, wrong)) << factored << wrong;
  }
}

const std::vector<std::string> kObjects = {"\\frac{3}{7}",
                                           "2\\sqrt{3}",
                                           "x^2-1",
                                           "(1,-2)",
                                           "\\{1,2,3\\}",
                                           "[0,5)",
                                           "\\frac{\\pi}{6}",
                                           "3-4i",
                                           "y=2x+3",
                                           "e^{2x}",
                                           "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
                                           "\\infty",
                                           "n!",
                                           "3:4",
                                           "(x-1)(x+1)",
                                           "\\sqrt{12}",
                                           "\\{3,2,1\\}",
                                           "2x-y+3=0"};

TEST(MathProperties, EqualityOfBareObjectsIsSymmetricAndReflexive) {
  for (const std::string& a : kObjects) {
    EXPECT_TRUE(is_correct(a, "\\boxed{" + a + "}")) << a;
    for (const std::string& b : kObjects) {
      EXPECT_EQ(is_correct(a, "\\boxed{" + b + "}"), is_correct(b, "\\boxed{" + a + "}"))
          << a << " and " << b;
    }
  }
}

// Ways of writing that change nothing, and ways that change everything.
TEST(MathProperties, WrappingsPreserveAndChangesBreakAlgebraicAnswers) {
  const std::vector<std::string> values = {
      "2\\sqrt{3}", "\\frac{3}{7}", "x^2-1", "\\frac{\\pi}{6}", "e^{2x}", "\\frac{1+\\sqrt5}{2}"};
  for (const std::string& value : values) {
    for (const std::string& same :
         {"$" + value + "$", "\\boxed{" + value + "}", "\\(" + value + "\\)",
          "The answer is $" + value + "$.", "\\boxed{ \\left(" + value + "\\right) }",
          "\\boxed{1\\cdot(" + value + ")}", "\\boxed{0+" + value + "}",
          "\\boxed{\\frac{2(" + value + ")}{2}}", "<think>7</think> \\boxed{" + value + "}"}) {
      EXPECT_TRUE(is_correct(value, same)) << value << ": " << same;
    }
    for (const std::string& other :
         {"\\boxed{-(" + value + ")}", "\\boxed{" + value + "+1}", "\\boxed{2(" + value + ")}",
          "\\boxed{(" + value + ")^2}", "\\boxed{\\frac{1}{" + value + "}}",
          "\\boxed{" + value + ", 0}", "\\boxed{" + value + "+10^{-40}}",
          "\\boxed{" + value + " \\text{ or } 0}", "The answer is not $" + value + "$."}) {
      EXPECT_FALSE(is_correct(value, other)) << value << ": " << other;
    }
  }
}

}  // namespace
}  // namespace assay::verifiers
