// Case files: the formats in which answers of competitions, school books and language models come,
// right and wrong ones. The file answer_formats.jsonl is ours; the samples beside the checkout are
// read where they lie.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>

#include "runtime/core/file.h"
#include "verifiers/case_file.h"

namespace assay::verifiers {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{64} << 20;

// Judges every case twice: the verdict must be among the acceptable ones and its record the same.
// A case with several acceptable verdicts only has to be stable.
void expect_agreement(const std::string& path, std::size_t least) {
  const auto text = read_file(path, kFileBytesMax);
  ASSERT_TRUE(text) << to_text(text.error());
  const auto set = parse_cases(*text, path, {.only_types = {}, .skips_unknown = true});
  ASSERT_TRUE(set) << to_text(set.error());
  EXPECT_GE(set->cases.size(), least);
  for (const Case& one : set->cases) {
    const wire::Verdict verdict = one.verifier->verify(one.prompt, one.completion);
    EXPECT_TRUE(agrees(one, verdict)) << path << ":" << one.line << " " << one.id << ": "
                                      << wire::to_string(verdict.outcome) << ": " << verdict.reason;
    EXPECT_EQ(verdict_record(one.id, verdict),
              verdict_record(one.id, one.verifier->verify(one.prompt, one.completion)));
  }
}

TEST(AnswerFormats, AreJudgedAsTheirCasesSay) {
  expect_agreement(std::string(ASSAY_SOURCE_DIR) + "/tests/verifiers/answer_formats.jsonl", 1'000);
}

TEST(AnswerFormats, SamplesBesideTheCheckoutAreJudgedAsTheySay) {
  const std::string folder = std::string(ASSAY_SOURCE_DIR) + "/../shared/data/verifier_cases/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no samples at " << folder;
  expect_agreement(folder + "math_adversarial.jsonl", 69);
  expect_agreement(folder + "math_verify_cases.jsonl", 94);
}

}  // namespace
}  // namespace assay::verifiers
