// The completions that verifiers are measured on.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/limits.h"
#include "runtime/core/rng.h"
#include "verifiers/verifier_bench.h"

namespace assay::verifiers {
namespace {

BenchCase make_case(std::string reference, std::string completion, bool is_correct) {
  BenchCase one;
  one.prompt.verifier = "math";
  one.prompt.reference = std::move(reference);
  one.completion = std::move(completion);
  one.is_correct = is_correct;
  return one;
}

std::string with_thousands(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t place = text.size(); place > 3;) text.insert(place -= 3, ",");
  return text;
}

std::string words(std::uint64_t a, std::uint64_t b) {
  const std::string x = std::to_string(a), y = std::to_string(b);
  return "There are " + x + " boxes and each of them holds " + y + " cups. To find how many cups " +
         "there are, multiply " + x + " by " + y + ": first " + x + " * " +
         std::to_string(b / 10 * 10) + " = " + std::to_string(a * (b / 10 * 10)) + ", then add " +
         std::to_string(a * (b % 10)) + ".\n";
}

// How a model may write that the answer is `value`.
std::string stated(std::uint64_t value, std::size_t form) {
  const std::string plain = std::to_string(value);
  switch (form) {
    case 0:
      return "#### " + plain;
    case 1:
      return "The answer is " + with_thousands(value) + ".";
    case 2:
      return "So the final answer is \\boxed{" + plain + "}.";
    case 3:
      return "Hence $x = " + plain + "$.";
    case 4:
      return "Therefore the answer is \\(\\frac{" + std::to_string(2 * value) + "}{2}\\).";
    case 5:
      return "Answer: " + plain + ".00";
    case 6:
      return "<answer>" + plain + "</answer>";
    default:
      return "In all that makes " + plain + " cups";
  }
}
constexpr std::size_t kFormCount = 8;

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() + piece.size() <= bytes) text += piece;
  return text;
}

}  // namespace

std::vector<BenchCase> math_bench_cases(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<BenchCase> cases;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t a = 12 + rng.below(900), b = 11 + rng.below(90);
    const bool is_correct = rng.next_bool(0.5);
    cases.push_back(make_case(std::to_string(a * b),
                              words(a, b) + stated(a * b + (is_correct ? 0 : 10), i % kFormCount),
                              is_correct));
  }
  return cases;
}

std::vector<BenchCase> algebra_bench_cases(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  const auto text = [](std::uint64_t value) { return std::to_string(value); };
  std::vector<BenchCase> cases;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t a = 1 + rng.below(20), b = 1 + rng.below(20), c = 2 + rng.below(9);
    const bool is_correct = rng.next_bool(0.5);
    const std::string off = is_correct ? "" : "+1";
    const std::string x = "x^2+" + text(a + b) + "x+" + text(a * b);
    switch (i % 4) {
      case 0:
        cases.push_back(make_case("(x+" + text(a) + ")(x+" + text(b) + ")",
                                  "Expanding gives $\\boxed{" + x + off + "}$.", is_correct));
        break;
      case 1:
        cases.push_back(make_case(
            "\\frac{" + text(a) + "}{x+" + text(b) + "}",
            "\\boxed{\\frac{" + text(a * c) + "}{" + text(c) + "(x+" + text(b) + ")}" + off + "}",
            is_correct));
        break;
      case 2:
        cases.push_back(make_case(text(c) + "\\sqrt{" + text(a) + "}",
                                  "So it is \\boxed{\\sqrt{" + text(c * c * a) + "}" + off + "}.",
                                  is_correct));
        break;
      default:
        cases.push_back(make_case(
            "y=" + text(a) + "x+" + text(b),
            "The line is $\\boxed{" + text(a) + "x-y+" + text(b) + off + "=0}$.", is_correct));
    }
  }
  return cases;
}

std::vector<BenchCase> numeric_bench_cases(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  const auto text = [](std::uint64_t value) { return std::to_string(value); };
  std::vector<BenchCase> cases;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t a = 2 + rng.below(20), b = 2 + rng.below(20);
    const bool is_correct = rng.next_bool(0.5);
    const std::string c = text(is_correct ? a + b : a + b + 1);
    switch (i % 3) {
      case 0:
        cases.push_back(make_case(
            "\\sin " + text(2 * a) + "x",
            "\\boxed{2\\sin(" + text(a) + "x)\\cos(" + text(is_correct ? a : a + 1) + "x)}",
            is_correct));
        break;
      case 1:
        cases.push_back(make_case(
            "e^{" + text(a) + "x}e^{" + text(b) + "y}",
            "\\boxed{e^{" + text(a) + "(x+y)+" + c + "y-" + text(2 * a) + "y}}", is_correct));
        break;
      default:
        cases.push_back(make_case("\\ln " + text(a) + "+\\ln " + text(b),
                                  "\\boxed{\\ln " + text(is_correct ? a * b : a * b + 1) + "}",
                                  is_correct));
    }
  }
  return cases;
}

std::vector<BenchCase> hard_math_bench_cases() {
  constexpr std::size_t kBytes = limits::kVerifierInputBytesMax - 64;
  constexpr std::size_t kAnswerBytes = 3900;  // below what is parsed at all
  const std::string deep = repeated("(", kAnswerBytes / 2) + "7" + repeated(")", kAnswerBytes / 2);
  std::string fraction = "1";
  for (int i = 0; i < 8; ++i) fraction = "\\frac{1}{1+" + fraction + "}";
  const std::string digits(kAnswerBytes, '7');
  return {
      make_case("1", "The answer is 9^(9^(9^(9^9)))", false),
      make_case("1", "The answer is ((10^7)!)!", false),
      make_case("1", "The answer is 2^32000 - 2^31999", false),
      make_case("1", "\\boxed{1e999999999}", false),
      make_case("x", "\\boxed{(x+y+z+w)^{4000}}", false),
      make_case("x", "\\boxed{(x+y+z)^{80}-(x-y+z)^{80}}", false),
      make_case("\\sin x", "\\boxed{(((x)!)!)!}", false),
      make_case("7", "\\boxed{" + deep + "}", false),
      make_case("34/55", "\\boxed{" + fraction + "}", true),
      make_case(digits, "\\boxed{" + digits + ".0}", true),
      make_case("12", "\\boxed{" + repeated("1+", kAnswerBytes) + "1}", false),
      make_case("12", "\\boxed{" + repeated("3*", kAnswerBytes) + "1}", false),
      make_case("5", repeated("the answer is 5 ", kBytes), true),
      make_case("5", repeated("The answer is 4. ", kBytes) + "The answer is 5.", true),
      make_case("5", repeated("\\boxed{4} is wrong. ", kBytes) + "\\boxed{5}", true),
      make_case("5", repeated("$4$ ", kBytes) + "\n#### 5", true),
      make_case("5", repeated("\\boxed{", kBytes), false),
      make_case("5", repeated("so 1, 2, 3 and ", kBytes) + "#### 5", true),
      make_case("5", repeated("<answer>", kBytes), false),
      make_case("5", repeated("the answer of ", kBytes), false),
      make_case("5", repeated("answer is ```", kBytes), false),
      make_case("5", repeated("\\( ", kBytes), false),
      make_case("5", std::string(kBytes, '9'), false),
  };
}

}  // namespace assay::verifiers
