// Breaking and preserving mutants of reference answers: the verifier must reject the first and
// accept the second. Runs on references of its own, and on GSM8K where that lies beside the
// checkout.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/rng.h"
#include "runtime/dataset/dataset.h"
#include "verifiers/case_file.h"
#include "verifiers/registry.h"

namespace assay::verifiers {
namespace {

using wire::Outcome;

const std::string kShared = std::string(ASSAY_SOURCE_DIR) + "/../shared/data/";

std::uint64_t test_seed() {
  const char* seed = std::getenv("ASSAY_SEED");
  return seed == nullptr ? 17 : std::strtoull(seed, nullptr, 10);
}

std::string plain_digits(std::string text) {
  std::erase(text, ',');
  return text;
}

std::string grouped(const std::string& digits) {
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

struct Mutant {
  std::string name;
  std::function<std::string(const std::string& digits)> apply;
};

// Of a positive integer written in plain digits, at most 15 of them.
std::vector<Mutant> breaking_mutants(Rng& rng) {
  const auto shifted = [](const std::string& digits, std::int64_t by) {
    return std::to_string(std::stoll(digits) + by);
  };
  return {
      {"off by one", [=](const std::string& d) { return shifted(d, 1); }},
      {"one less", [=](const std::string& d) { return "The answer is " + shifted(d, -1); }},
      {"sign flipped", [](const std::string& d) { return "\\boxed{-" + d + "}"; }},
      {"digit dropped", [](const std::string& d) { return "#### 0" + d.substr(1); }},
      {"digit doubled", [](const std::string& d) { return d + d.substr(d.size() - 1); }},
      {"ten times", [](const std::string& d) { return d + "0"; }},
      {"ten percent more",
       [](const std::string& d) { return std::to_string(std::stoll(d) + std::stoll(d) / 10 + 1); }},
      {"just above", [](const std::string& d) { return d + ".009"; }},
      {"another number last",
       [&rng](const std::string& d) {
         return "#### " + std::to_string(std::stoll(d) + 1 + static_cast<long long>(rng.below(90)));
       }},
      {"several answers",
       [=](const std::string& d) { return "The answer is " + shifted(d, 1) + " or " + d + "."; }},
      {"several boxes",
       [=](const std::string& d) { return "\\boxed{" + shifted(d, 1) + "}, \\boxed{" + d + "}"; }},
      {"denied", [](const std::string& d) { return "The answer is not " + d + "."; }},
      {"answer inside a text",
       [](const std::string& d) {
         return "I saw " + d + " birds. The answer is unknown to me, my number is \\boxed{?}";
       }},
      {"unfinished thought", [](const std::string& d) { return "<think>\\boxed{" + d + "}"; }},
      {"foreign digits",
       [](const std::string& d) {
         std::string text;
         for (const char digit : d) {
           text += "\xD9";  // U+0660..U+0669, Arabic-Indic
           text += static_cast<char>('\xA0' + (digit - '0'));
         }
         return "\\boxed{" + text + "}";
       }},
      {"refusal", [](const std::string&) { return std::string("I cannot solve this."); }},
      {"empty", [](const std::string&) { return std::string(); }},
      {"infinite", [](const std::string&) { return std::string("\\boxed{\\infty}"); }},
      {"not a number", [](const std::string&) { return std::string("NaN"); }},
  };
}

std::vector<Mutant> preserving_mutants() {
  return {
      {"as it is", [](const std::string& d) { return d; }},
      {"thousands commas", [](const std::string& d) { return "It is " + grouped(d) + "."; }},
      {"trailing .0", [](const std::string& d) { return d + ".0"; }},
      {"leading plus", [](const std::string& d) { return "\\boxed{+" + d + "}"; }},
      {"leading zeros", [](const std::string& d) { return "00" + d; }},
      {"white space", [](const std::string& d) { return " \n " + d + "\n\n"; }},
      {"box", [](const std::string& d) { return "so we get $\\boxed{" + d + "}$."; }},
      {"box with commas", [](const std::string& d) { return "\\boxed{" + grouped(d) + "}"; }},
      {"currency", [](const std::string& d) { return "The total is $" + d + "."; }},
      {"unit", [](const std::string& d) { return "The answer is " + d + " apples."; }},
      {"scientific", [](const std::string& d) { return d + "e0"; }},
      {"equation", [](const std::string& d) { return "x = " + d; }},
      {"full stop", [](const std::string& d) { return "The final answer is " + d + "."; }},
      {"fraction", [](const std::string& d) { return "\\boxed{\\frac{" + d + "}{1}}"; }},
      {"bold", [](const std::string& d) { return "**Answer:** " + d; }},
      {"checked", [](const std::string& d) { return "The answer is " + d + ", checked twice."; }},
      {"after a thought",
       [](const std::string& d) { return "<think>perhaps 12345</think>\nAnswer: " + d; }},
      {"marked", [](const std::string& d) { return "1+1=2\n#### " + d; }},
  };
}

// How often each mutant was judged wrongly.
std::map<std::string, int> misjudged(const std::vector<std::string>& references,
                                     const std::vector<Mutant>& mutants, Outcome expected) {
  const auto verifier = *make_verifier("math");
  std::map<std::string, int> count_of;
  for (const std::string& reference : references) {
    wire::Prompt prompt;
    prompt.reference = reference;
    for (const Mutant& mutant : mutants) {
      const std::string completion = mutant.apply(plain_digits(reference));
      const wire::Verdict verdict = verifier->verify(prompt, completion);
      if (verdict.outcome == expected) continue;
      if (++count_of[mutant.name] <= 2) {
        ADD_FAILURE() << mutant.name << " of " << reference << ": " << completion << " -> "
                      << verdict.reason;
      }
    }
  }
  return count_of;
}

std::vector<std::string> own_references(Rng& rng) {
  std::vector<std::string> references = {"1", "7", "10", "100", "1,000", "999999", "1234567"};
  for (int i = 0; i < 100; ++i) references.push_back(std::to_string(1 + rng.below(100'000'000)));
  return references;
}

void expect_all_mutants_judged(const std::vector<std::string>& references, Rng& rng) {
  EXPECT_TRUE(misjudged(references, breaking_mutants(rng), Outcome::kIncorrect).empty());
  EXPECT_TRUE(misjudged(references, preserving_mutants(), Outcome::kCorrect).empty());
}

TEST(Mutants, OfOwnReferencesAreJudgedRight) {
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(test_seed()));
  Rng rng(test_seed());

  expect_all_mutants_judged(own_references(rng), rng);
}

TEST(Mutants, OfGsm8kTestReferencesAreJudgedRight) {
  const std::string path = kShared + "gsm8k/test.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no GSM8K at " << path;
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(test_seed()));
  Rng rng(test_seed());
  const auto dataset = dataset::JsonlDataset::load({.path = path});
  ASSERT_TRUE(dataset);
  std::vector<std::string> references;
  for (const wire::Prompt& prompt : dataset->prompts()) {
    const std::string digits = plain_digits(prompt.reference);
    const bool is_positive = digits[0] != '0' && digits[0] != '-' && digits.size() <= 15;
    if (is_positive && digits.find_first_not_of("0123456789") == std::string::npos) {
      references.push_back(prompt.reference);
    }
  }

  EXPECT_GT(references.size(), 1200u);  // of 1319
  expect_all_mutants_judged(references, rng);
}

TEST(Gsm8k, EveryReferenceSolutionVerifiesAgainstItsOwnAnswer) {
  for (const auto& [file, rows] : {std::pair{"train", 7473u}, std::pair{"test", 1319u}}) {
    const std::string path = kShared + "gsm8k/" + file + ".jsonl";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no GSM8K at " << path;
    // The reference column read whole is the full solution; read as a truth it is the answer.
    const auto dataset = dataset::JsonlDataset::load({.path = path});
    ASSERT_TRUE(dataset);
    const auto solutions = dataset::JsonlDataset::load({.path = path, .prompt_column = "answer"});
    ASSERT_TRUE(solutions);
    ASSERT_EQ(dataset->prompts().size(), rows);
    const auto verifier = *make_verifier("math");
    for (std::size_t i = 0; i < rows; ++i) {
      const wire::Prompt& prompt = dataset->prompts()[i];
      for (const std::string& completion : {solutions->prompts()[i].text, prompt.reference}) {
        const wire::Verdict verdict = verifier->verify(prompt, completion);
        EXPECT_EQ(verdict.outcome, Outcome::kCorrect) << path << " row " << i << verdict.reason;
      }
    }
  }
}

}  // namespace
}  // namespace assay::verifiers
