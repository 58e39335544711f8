// Real data through the program: the GSM8K config on the data beside the checkout, where it is, and
// the same commands on a sample of our own.
#include "tests/e2e/tiny_run.h"

namespace assay::e2e {
namespace {

const std::string kData = std::string(ASSAY_SOURCE_DIR) + "/../shared/data/gsm8k/";
const std::string kConfig = ASSAY_SOURCE_DIR "/configs/gsm8k.toml";

class RealData : public TinyRun {
 protected:
  // `verb @ configs/gsm8k.toml` with data read from `train` and `test`.
  ProgramOutcome on(const std::string& verb, const std::string& train, const std::string& test,
                    const std::vector<std::string>& more) const {
    std::vector<std::string> args = {verb,    "@",
                                     kConfig, "--curator.train.source.gsm8k.path",
                                     train,   "--curator.eval.source.gsm8k-test.path",
                                     test};
    args.insert(args.end(), more.begin(), more.end());
    return assay(args);
  }

  std::string sample() const {
    write(
        path("sample.jsonl"),
        R"({"question": "Ann has 3 pens and buys 4. How many?", "answer": "3+4=<<3+4=7>>7\n#### 7"})"
        "\n"
        R"({"question": "A car goes 1,000 m twice. How far?", "answer": "So 2,000.\n#### 2,000"})"
        "\n");
    return path("sample.jsonl");
  }

  void expect_honest_zeros(const ProgramOutcome& outcome, std::uint64_t prompts) const {
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    const json answer = json::parse(outcome.out, nullptr, false);
    ASSERT_TRUE(answer.is_object()) << outcome.out;
    const json& source = answer.at("eval").at("gsm8k-test");
    EXPECT_EQ(source.at("n_prompts"), prompts);
    const json& rate = source.at("base").at("pass@1");
    EXPECT_EQ(rate.at("value"), 0.0) << "an untrained policy of bytes solves none";
    EXPECT_EQ(rate.at("low"), 0.0);
    EXPECT_GT(rate.at("high"), 0.0) << "zero of a few is not proof of zero";
    EXPECT_GE(source.at("guess_floor").at("pass@1"), 0.0) << source.dump();
  }
};

TEST_F(RealData, ADryRunAcceptsEveryReferenceOfASample) {
  const ProgramOutcome outcome = on("run", sample(), sample(), {"--dry-run"});

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.out, "2 of 2")) << outcome.out;
  EXPECT_TRUE(holds(outcome.out, "question")) << outcome.out;
  EXPECT_TRUE(holds(outcome.out, "Ann has 3 pens")) << outcome.out;
}

TEST_F(RealData, ADryRunAcceptsAllReferencesOfGsm8k) {
  if (!path_exists(kData + "train.jsonl")) GTEST_SKIP() << "GSM8K is not in ../shared/data/gsm8k";

  const ProgramOutcome outcome =
      on("run", kData + "train.jsonl", kData + "test.jsonl", {"--dry-run"});

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.out, "7473 of 7473")) << outcome.out;
}

TEST_F(RealData, AnUntrainedPolicyOnASampleIsReportedWithItsInterval) {
  const ProgramOutcome outcome = on("eval", sample(), sample(), {"-o", "json"});

  expect_honest_zeros(outcome, 2);
}

TEST_F(RealData, AnUntrainedPolicyOnGsm8kIsReportedWithItsInterval) {
  if (!path_exists(kData + "test.jsonl")) GTEST_SKIP() << "GSM8K is not in ../shared/data/gsm8k";

  const ProgramOutcome outcome =
      on("eval", kData + "train.jsonl", kData + "test.jsonl",
         {"--curator.eval.source.gsm8k-test.prompts", "16", "-o", "json"});

  expect_honest_zeros(outcome, 16);
}

}  // namespace
}  // namespace assay::e2e
