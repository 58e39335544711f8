#include "runtime/store/rollout_log.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/core/file.h"
#include "tests/runtime/store/ledger_run.h"
#include "tests/support/temporary_folder.h"

namespace assay::store {
namespace {

std::string decompress(const std::string& bytes) {
  std::string text(1 << 20, '\0');
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer output{text.data(), text.size(), 0};
  EXPECT_EQ(ZSTD_decompressStream(context, &output, &input), 0u) << "the frame is whole";
  ZSTD_freeDCtx(context);
  text.resize(output.pos);
  return text;
}

TEST(RolloutLog, HoldsOneObjectALineWithEverythingAPersonAsks) {
  const assay::testing::TemporaryFolder folder;
  const std::string path = folder.path("rollouts/step_1/true.jsonl.zst");
  const wire::Prompt prompt = testing::small_prompt(4);
  const wire::Rollout rollout = testing::small_rollout({GroupId{9}, 1}, 4, 3);
  const wire::Verdict verdict = testing::small_verdict(rollout);
  Result<RolloutLog> log = RolloutLog::create(path);
  ASSERT_TRUE(log) << log.error().message;
  ASSERT_TRUE(log->write({&prompt, &rollout, &verdict, -0.5}));
  ASSERT_TRUE(log->write({&prompt, &rollout, nullptr, std::nullopt}));
  ASSERT_TRUE(log->close());

  const std::string text = decompress(*read_file(path, 1 << 20));
  ASSERT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  const nlohmann::json first = nlohmann::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(first["rollout"], "0000000000000009:1");
  EXPECT_EQ(first["prompt"], "4+1=");
  EXPECT_EQ(first["completion"], "6");
  EXPECT_EQ(first["outcome"], "incorrect");
  EXPECT_EQ(first["reward"], 0.0);
  EXPECT_EQ(first["advantage"], -0.5);
  EXPECT_EQ(first["version_max"], 3);
  EXPECT_EQ(first["logprob_mean"], -0.375);  // (-0.5 - 0.25) / 2
  const nlohmann::json second = nlohmann::json::parse(text.substr(text.find('\n') + 1));
  EXPECT_TRUE(second["reward"].is_null()) << "never judged is never a zero";
  EXPECT_TRUE(second["advantage"].is_null());
}

TEST(RolloutLog, ModelTextCannotBreakALine) {
  const wire::Prompt prompt = testing::small_prompt(0);
  wire::Rollout rollout = testing::small_rollout({GroupId{9}, 0}, 0, 0);
  rollout.completion = "\xff\xc3(\n\x1b[31m\"}";
  rollout.logprobs = {NAN, 0};
  const std::string line = to_json_line({&prompt, &rollout, nullptr, std::nullopt});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  const nlohmann::json parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["completion"].get<std::string>().substr(0, 3), "\xef\xbf\xbd");
  EXPECT_TRUE(parsed["logprob_mean"].is_null());
}

}  // namespace
}  // namespace assay::store
