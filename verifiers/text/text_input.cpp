#include "verifiers/text/text_input.h"

#include <string>

#include "runtime/core/limits.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

std::optional<wire::Verdict> refused_input(std::string_view completion) {
  if (completion.size() > limits::kCompletionBytesMax) {
    return wire::Verdict::incorrect(wire::VerdictCode::kOutputLimit,
                                    "the completion has " + std::to_string(completion.size()) +
                                        " bytes, more than " +
                                        std::to_string(limits::kCompletionBytesMax));
  }
  if (completion.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos) {
    return wire::Verdict::incorrect(wire::VerdictCode::kNoAnswer, "the completion is empty");
  }
  if (!is_valid_utf8(completion)) {
    return wire::Verdict::incorrect(wire::VerdictCode::kMalformed,
                                    "the completion is not valid UTF-8");
  }
  return {};
}

std::optional<std::string_view> visible_part(std::string_view completion) {
  constexpr std::string_view kClose = "</think>";
  if (const std::size_t end = completion.rfind(kClose); end != std::string_view::npos) {
    return completion.substr(end + kClose.size());
  }
  if (completion.find("<think>") != std::string_view::npos) return {};
  return completion;
}

}  // namespace assay::verifiers
