// JudgeAnswer: what a judge said, read from its JSON and from nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/core/result.h"

namespace assay::verifiers::http {

struct JudgeAnswer {
  bool is_passed = false;
  double score = 0;    // in [0, 1]
  std::string reason;  // the judge's words, at most kReasonBytesMax
};

inline constexpr std::size_t kReasonBytesMax = 2000;

// How bodies look.
enum class BodyFormat : std::uint8_t {
  kJudge,  // the answer is the body
  kChat,   // the answer is the text of choices[0].message.content, as of OpenAI's chat completions
};

// Reads {"pass": bool, "score": number, "reason": text}: "pass" or "score" must be there, without
// "pass" the score decides by `threshold`, without "score" it is 1 or 0. Text around the object is
// an error, and so are other keys, a repeated key, a wrong type, a score outside [0, 1], and a
// "pass" that the score contradicts.
// Errors: kCorrupt, saying what is wrong.
Result<JudgeAnswer> read_judge_answer(std::string_view body, BodyFormat format, double threshold);

}  // namespace assay::verifiers::http
