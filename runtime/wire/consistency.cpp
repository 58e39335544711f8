#include "runtime/wire/consistency.h"

#include <algorithm>
#include <initializer_list>

#include "runtime/core/limits.h"

namespace assay::wire {

namespace {

bool is_too_long(std::initializer_list<const std::string*> texts) {
  return std::any_of(texts.begin(), texts.end(), [](const std::string* text) {
    return text->size() > limits::kCompletionBytesMax;
  });
}

}  // namespace

std::string wrong_with(const Prompt& prompt) {
  if (prompt.text.size() > limits::kPromptBytesMax) return "the prompt's text is too long";
  if (is_too_long({&prompt.source, &prompt.verifier, &prompt.reference, &prompt.stratum}))
    return "one of its texts is too long";
  return {};
}
std::string wrong_with(const Rollout& rollout) {
  const std::size_t count = rollout.completion_tokens.size();
  if (rollout.logprobs.size() != count || rollout.versions.size() != count)
    return "its tokens, log-probabilities and versions are not aligned";
  if (count + rollout.prompt_tokens.size() > limits::kSequenceTokensMax)
    return "it has too many tokens";
  if (is_too_long({&rollout.completion})) return "its completion is too long";
  return {};
}
std::string wrong_with(const Verdict& verdict) {
  if (verdict.is_scored() != verdict.reward.has_value())
    return "a reward is there exactly when it is scored";
  if (verdict.reward && !(*verdict.reward >= 0 && *verdict.reward <= 1))
    return "its reward is not in [0, 1]";
  if ((verdict.outcome == Outcome::kCorrect) != (verdict.code == VerdictCode::kCorrect))
    return "its code does not fit its outcome";
  const bool is_judge_failure =
      verdict.code == VerdictCode::kJudgeUnavailable || verdict.code == VerdictCode::kInternalError;
  if (is_judge_failure && verdict.is_scored()) return "a judge's failure is never scored";
  if (is_too_long({&verdict.reason, &verdict.isolation, &verdict.verifier}))
    return "one of its texts is too long";
  return {};
}
std::string wrong_with(const TrainBatch& batch) {
  const std::size_t count = batch.token_count();
  const bool is_aligned = batch.logprobs_behaviour.size() == count &&
                          batch.advantages.size() == count && batch.weights.size() == count &&
                          batch.mask.size() == count && batch.versions.size() == count;
  if (!is_aligned) return "its per-token arrays are not aligned";
  const std::vector<std::uint32_t>& offsets = batch.offsets;
  if (offsets.empty()) return count == 0 ? "" : "it has tokens but no offsets";
  if (offsets.front() != 0 || offsets.back() != count ||
      !std::is_sorted(offsets.begin(), offsets.end()))
    return "its offsets do not cover its tokens";
  if (!batch.rollouts.empty() && batch.rollouts.size() != batch.sequence_count())
    return "its rollout ids do not match its sequences";
  return {};
}
std::string wrong_with(const PolicyUpdate&) {
  return {};
}

std::string wrong_with(const NodeHello& hello) {
  constexpr std::size_t kNameBytesMax = 64;
  constexpr std::size_t kPoolsMax = 256;
  if (hello.node.empty() || hello.node.size() > kNameBytesMax) {
    return "a node's name has 1 to " + std::to_string(kNameBytesMax) + " bytes";
  }
  if (hello.capacities.size() > kPoolsMax) return "it names too many pools";
  return {};
}
std::string wrong_with(const VerifyOrder& order) {
  for (const Prompt& prompt : order.prompts) {
    if (std::string wrong = wrong_with(prompt); !wrong.empty()) return wrong;
  }
  for (const VerifyTask& task : order.tasks) {
    if (task.prompt >= order.prompts.size()) return "a task's prompt is not in it";
  }
  return {};
}
std::string wrong_with(const RolloutsReport& report) {
  for (const Rollout& rollout : report.rollouts) {
    if (std::string wrong = wrong_with(rollout); !wrong.empty()) return wrong;
  }
  return {};
}
std::string wrong_with(const VerdictsReport& report) {
  for (const JudgedRollout& judged : report.verdicts) {
    if (std::string wrong = wrong_with(judged.verdict); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace assay::wire
