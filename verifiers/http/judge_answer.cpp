#include "verifiers/http/judge_answer.h"

#include <cmath>

#include "runtime/core/json.h"
#include "runtime/core/strict_json.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers::http {

namespace {

Error wrong(std::string what) {
  return {ErrorCode::kCorrupt, "the judge's answer " + std::move(what),
          "the judge must answer {\"pass\": true or false, \"score\": 0 to 1, \"reason\": text}",
          "", ""};
}

Result<Json> read_object(std::string_view text) {
  if (auto checked = check_strict_json(text); !checked) return wrong("is not JSON");
  Json object = parse_json(text);
  if (!object.is_object()) return wrong("is not a JSON object");
  return object;
}

// The text that the model wrote, out of a chat completion.
Result<std::string> chat_content(std::string_view body) {
  const auto object = read_object(body);
  if (!object) return object.error();
  const auto choices = object->find("choices");
  if (choices == object->end() || !choices->is_array() || choices->empty()) {
    return wrong("has no choices");
  }
  const Json& choice = choices->front();
  if (!choice.is_object() || !choice.contains("message") || !choice["message"].is_object()) {
    return wrong("has no message");
  }
  const auto content = choice["message"].find("content");
  if (content == choice["message"].end() || !content->is_string()) return wrong("has no content");
  return content->get<std::string>();
}

Result<JudgeAnswer> read_fields(const Json& object, double threshold) {
  for (const auto& [key, value] : object.items()) {
    if (key != "pass" && key != "score" && key != "reason") {
      return wrong("has the unknown key " + verifiers::quoted(key));
    }
  }
  JudgeAnswer answer;
  const auto pass = object.find("pass");
  const auto score = object.find("score");
  const auto reason = object.find("reason");
  if (pass == object.end() && score == object.end()) return wrong("has neither pass nor score");
  if (score != object.end()) {
    if (!score->is_number()) return wrong("has a score that is not a number");
    answer.score = score->get<double>();
    if (!(answer.score >= 0 && answer.score <= 1)) return wrong("has a score outside 0 to 1");
    answer.is_passed = answer.score >= threshold;
  }
  if (pass != object.end()) {
    if (!pass->is_boolean()) return wrong("has a pass that is neither true nor false");
    if (score != object.end() && pass->get<bool>() != answer.is_passed) {
      return wrong("contradicts itself: pass and score disagree");
    }
    answer.is_passed = pass->get<bool>();
    if (score == object.end()) answer.score = answer.is_passed ? 1 : 0;
  }
  if (reason != object.end()) {
    if (!reason->is_string()) return wrong("has a reason that is not text");
    answer.reason = reason->get<std::string>();
    if (answer.reason.size() > kReasonBytesMax) return wrong("has a reason that is too long");
  }
  return answer;
}

}  // namespace

Result<JudgeAnswer> read_judge_answer(std::string_view body, BodyFormat format, double threshold) {
  std::string content;
  if (format == BodyFormat::kChat) {
    auto written = chat_content(body);
    if (!written) return written.error();
    content = std::move(*written);
    body = content;
  }
  const auto object = read_object(body);
  if (!object) return object.error();
  return read_fields(*object, threshold);
}

}  // namespace assay::verifiers::http
