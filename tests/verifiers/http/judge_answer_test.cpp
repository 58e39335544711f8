#include "verifiers/http/judge_answer.h"

#include <gtest/gtest.h>

#include "runtime/core/json.h"

namespace assay::verifiers::http {
namespace {

Result<JudgeAnswer> read(std::string_view body) {
  return read_judge_answer(body, BodyFormat::kJudge, 0.5);
}

TEST(JudgeAnswer, ReadsWhatWasAskedFor) {
  const auto both = read(R"({"pass": true, "score": 0.75, "reason": "near"})");
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->is_passed);
  EXPECT_EQ(both->score, 0.75);
  EXPECT_EQ(both->reason, "near");
  EXPECT_TRUE(read(R"({"score": 0.5})")->is_passed);
  EXPECT_FALSE(read(R"({"score": 0.49})")->is_passed);
  EXPECT_EQ(read(R"({"pass": true})")->score, 1.0);
  EXPECT_EQ(read(R"({"pass": false})")->score, 0.0);
}

TEST(JudgeAnswer, AnythingElseIsAnError) {
  const std::string long_reason(kReasonBytesMax + 1, 'x');
  for (const std::string& body :
       std::vector<std::string>{"",
                                "true",
                                "1",
                                "[]",
                                "{}",
                                "null",
                                "yes",
                                "{\"pass\": 1}",
                                "{\"pass\": \"true\"}",
                                "{\"score\": \"1\"}",
                                "{\"score\": 1.5}",
                                "{\"score\": -0.1}",
                                "{\"score\": NaN}",
                                "{\"score\": Infinity}",
                                "{\"score\": 1e999}",
                                "{\"score\": null}",
                                "{\"pass\": true, \"pass\": false}",
                                "{\"pass\": true, \"score\": 0}",
                                "{\"pass\": false, \"score\": 1}",
                                "{\"pass\": true, \"verdict\": 1}",
                                "{\"pass\": true, \"reason\": 5}",
                                "{\"reason\": \"good\"}",
                                "{\"pass\": true} trailing",
                                "Sure! {\"pass\": true}",
                                "```json\n{\"pass\": true}\n```",
                                "{\"pass\": true, \"reason\": \"" + long_reason + "\"}",
                                "{\"pass\": true",
                                std::string(1000, '[')}) {
    EXPECT_FALSE(read(body)) << body.substr(0, 60);
  }
}

TEST(JudgeAnswer, AChatHoldsTheObjectAsText) {
  const auto chat = [](const Json& content) {
    return json_text(Json{{"id", "x"}, {"choices", {{{"message", {{"content", content}}}}}}});
  };
  const auto read_chat = [](const std::string& body) {
    return read_judge_answer(body, BodyFormat::kChat, 0.5);
  };

  EXPECT_TRUE(read_chat(chat(R"({"pass": true})"))->is_passed);
  EXPECT_FALSE(read_chat(chat("yes, it passes")));
  EXPECT_FALSE(read_chat(chat(nullptr)));
  for (const char* body : {"{}", R"({"choices": []})", R"({"choices": [1]})",
                           R"({"choices": [{"message": 1}]})", R"({"pass": true})"}) {
    EXPECT_FALSE(read_chat(body)) << body;
  }
}

}  // namespace
}  // namespace assay::verifiers::http
