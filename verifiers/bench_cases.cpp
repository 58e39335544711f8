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
