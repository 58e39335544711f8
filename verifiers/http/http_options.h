// HttpOptions: what the HTTP judge was told.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"
#include "verifiers/http/http_client.h"
#include "verifiers/http/judge_answer.h"
#include "verifiers/registry.h"

namespace assay::verifiers::http {

struct HttpOptions {
  HttpTarget target;
  BodyFormat format = BodyFormat::kJudge;
  std::string rubric;
  std::string model;
  double threshold = 0.5;
  bool rewards_score = false;
  double reward_cap = 1;
  std::string bearer_token;  // empty: none

  std::chrono::milliseconds time_limit{20'000};
  std::uint32_t attempts = 3;
  std::size_t answer_bytes_max = 256 * 1024;
  std::size_t completion_bytes_max = 16 * 1024;
  double rate_per_s = 0;
  double burst = 8;
  std::chrono::milliseconds patience{60'000};
  std::int64_t budget = 0;
  std::int64_t cost_per_call = 1;
  std::uint32_t breaker_failures = 5;
  std::chrono::milliseconds breaker_rest{10'000};
  double canary_rate = 0.02;
  std::vector<std::string> canaries;  // with the built-in ones; not empty
  std::size_t cache_entries = 100'000;
};

// Errors: kInvalidInput E403, also where the environment variable of the key is not set.
Result<HttpOptions> read_http_options(const VerifierContext& context,
                                      std::string_view options_json);

}  // namespace assay::verifiers::http
