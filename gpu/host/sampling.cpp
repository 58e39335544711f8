#include "gpu/host/sampling.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "gpu/host/transformer.h"
#include "runtime/core/rng.h"

namespace assay::gpu::host {
namespace {

double uniform(std::uint64_t seed, std::uint32_t position) {
  const auto words = philox(seed, {position, 0, 0, 0});
  const std::uint64_t bits = std::uint64_t{words[0]} | std::uint64_t{words[1]} << 32;
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

// Zeroes what top_k and top_p leave out.
void truncate(float* exps, std::size_t size, const SamplingOptions& options,
              std::vector<std::uint32_t>& order) {
  order.resize(size);
  for (std::size_t i = 0; i < size; ++i) order[i] = static_cast<std::uint32_t>(i);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return exps[a] != exps[b] ? exps[a] > exps[b] : a < b;
  });
  std::size_t kept = options.top_k > 0 ? std::min<std::size_t>(options.top_k, size) : size;
  double total = 0;
  for (std::size_t i = 0; i < kept; ++i) total += static_cast<double>(exps[order[i]]);
  double mass = 0;
  for (std::size_t i = 0; i < kept; ++i) {
    mass += static_cast<double>(exps[order[i]]);
    if (mass >= static_cast<double>(options.top_p) * total) kept = i + 1;
  }
  for (std::size_t i = kept; i < size; ++i) exps[order[i]] = 0;
}

double total_of(const float* exps, std::size_t size) {
  double total = 0;
  for (std::size_t i = 0; i < size; ++i) total += static_cast<double>(exps[i]);
  return total;
}

float share_logprob(float exp, double total) {
  return static_cast<float>(std::log(static_cast<double>(exp) / total));
}

Error invalid(std::string message) {
  return {ErrorCode::kInvalidInput, std::move(message), "", "", ""};
}

}  // namespace

Result<void> check_sampling(const SamplingOptions& options) {
  const float temperature = options.temperature;
  if (!(temperature == 0 || (temperature >= kTemperatureMin && std::isfinite(temperature)))) {
    return invalid("temperature must be 0 (greedy) or at least 0.001, and finite");
  }
  if (!(options.top_p > 0 && options.top_p <= 1)) return invalid("top_p must lie in (0, 1]");
  return {};
}

bool is_truncated(const SamplingOptions& options) {
  return options.temperature > 0 && (options.top_k > 0 || options.top_p < 1);
}

float truncated_logprob(float* exps, std::size_t vocab_size, const SamplingOptions& options,
                        wire::TokenId token, std::vector<std::uint32_t>& order) {
  truncate(exps, vocab_size, options, order);
  return share_logprob(exps[token], total_of(exps, vocab_size));
}

Draw draw_token(const Kernels& kernels, const float* logits, std::size_t vocab_size,
                const SamplingOptions& options, std::uint64_t seed, std::uint32_t position,
                float* exps, std::vector<std::uint32_t>& order) {
  if (options.temperature == 0) {
    const auto best =
        static_cast<std::size_t>(std::max_element(logits, logits + vocab_size) - logits);
    const SoftmaxSum sum = kernels.log_softmax(logits, vocab_size, 1.0f, exps);
    return {static_cast<wire::TokenId>(best), token_logprob(logits[best], sum)};
  }
  const float inverse = 1.0f / options.temperature;
  const SoftmaxSum sum = kernels.log_softmax(logits, vocab_size, inverse, exps);
  if (is_truncated(options)) truncate(exps, vocab_size, options, order);
  const double total = total_of(exps, vocab_size);
  const double target = uniform(seed, position) * total;
  double mass = 0;
  std::size_t chosen = vocab_size;
  std::size_t last = 0;  // where rounding leaves nothing above the target
  for (std::size_t i = 0; i < vocab_size && chosen == vocab_size; ++i) {
    mass += static_cast<double>(exps[i]);
    if (exps[i] > 0) last = i;
    if (mass > target) chosen = i;
  }
  if (chosen == vocab_size) chosen = last;
  const float logprob = is_truncated(options) ? share_logprob(exps[chosen], total)
                                              : token_logprob(logits[chosen] * inverse, sum);
  return {static_cast<wire::TokenId>(chosen), logprob};
}

}  // namespace assay::gpu::host
