#include "verifiers/http/http_verifier.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "verifiers/http/judge_client.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

using wire::Verdict;
using wire::VerdictCode;

class HttpVerifier final : public Verifier {
 public:
  explicit HttpVerifier(http::HttpOptions options)
      : options_(std::move(options)),
        client_(options_,
                {clock_, http::post, [](auto time) { std::this_thread::sleep_for(time); }}) {}

  std::string identity() const override { return "http/1"; }

  std::chrono::milliseconds longest_check() const override {
    return options_.attempts * options_.time_limit + options_.patience;
  }

  Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return stamped(judge(prompt, completion), identity(), completion);
  }

 private:
  Verdict judge(const wire::Prompt& prompt, std::string_view completion) const {
    if (completion.size() > options_.completion_bytes_max) {
      return Verdict::incorrect(VerdictCode::kOutputLimit,
                                "the completion has " + std::to_string(completion.size()) +
                                    " bytes, more than " +
                                    std::to_string(options_.completion_bytes_max));
    }
    if (completion.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos) {
      return Verdict::incorrect(VerdictCode::kNoAnswer, "the completion is empty");
    }
    const auto answer = client_.ask({prompt.text, prompt.reference, completion});
    if (!answer) {
      return Verdict::unscored(VerdictCode::kJudgeUnavailable, answer.error().message);
    }
    const std::string reason = answer->reason.empty() ? "the judge gives no reason"
                                                      : "the judge says " + quoted(answer->reason);
    const double graded = options_.rewards_score ? answer->score : (answer->is_passed ? 1.0 : 0.0);
    const double reward = std::min(graded, options_.reward_cap);
    return answer->is_passed ? Verdict::correct(reason, reward)
                             : Verdict::incorrect(VerdictCode::kWrongAnswer, reason, reward);
  }

  const http::HttpOptions options_;
  const SystemClock clock_;
  mutable http::JudgeClient client_;
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_http_verifier(const VerifierContext& context,
                                                     std::string_view options_json) {
  auto options = http::read_http_options(context, options_json);
  if (!options) return options.error();
  return std::unique_ptr<Verifier>(std::make_unique<HttpVerifier>(std::move(*options)));
}

}  // namespace assay::verifiers
