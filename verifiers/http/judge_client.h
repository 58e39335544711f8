// JudgeClient: gets a judge's answer to a request, with everything that a server may do wrong in
// between.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "runtime/core/clock.h"
#include "runtime/core/result.h"
#include "verifiers/http/call_limits.h"
#include "verifiers/http/http_client.h"
#include "verifiers/http/http_options.h"
#include "verifiers/http/judge_answer.h"
#include "verifiers/http/single_flight.h"

namespace assay::verifiers::http {

// What is judged.
struct JudgeQuestion {
  std::string_view prompt;
  std::string_view reference;
  std::string_view completion;
};

// The body of a call: canonical, so that equal questions have equal bytes. In a chat the
// completion stands between marks made of its own hash, which it cannot contain.
std::string request_body(const HttpOptions& options, const JudgeQuestion& question);

// What the client needs of the world, so that tests need none of it.
struct JudgeWorld {
  const Clock& clock;
  std::function<Result<HttpAnswer>(const HttpCall&)> post;
  std::function<void(Microseconds)> sleep;
};

// Thread-safe.
class JudgeClient {
 public:
  // `options` and the clock outlive the client.
  JudgeClient(const HttpOptions& options, JudgeWorld world);

  // The judge's answer, from the cache where the same was asked before. Blocks for the attempts and
  // the waits between them. Errors: kUnavailable, saying why no answer can be had; not remembered.
  Result<JudgeAnswer> ask(const JudgeQuestion& question);

 private:
  using Answer = Result<JudgeAnswer>;

  struct Remembered {
    Answer answer = Error{};
  };

  Answer ask_server(const Digest& key, const JudgeQuestion& question);
  // Asks about a known-bad completion first. Error: the judge accepts such.
  Result<void> send_canary(const Digest& key, const JudgeQuestion& question);
  Answer call_with_retries(const Digest& key, const std::string& body);
  // Waits for a turn and sets the cost aside.
  Result<void> admit();
  Answer read(const Result<HttpAnswer>& given, bool& is_worth_retrying) const;

  const HttpOptions& options_;
  JudgeWorld world_;
  SingleFlight<Remembered> cache_;
  std::mutex mutex_;  // of what follows
  TokenBucket bucket_;
  CostBudget budget_;
  CircuitBreaker breaker_;
  CanaryWindow canaries_;
};

}  // namespace assay::verifiers::http
