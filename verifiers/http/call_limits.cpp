#include "verifiers/http/call_limits.h"

#include <algorithm>
#include <cmath>

namespace assay::verifiers::http {

namespace {

// A number in [0, 1) that depends on the call and the purpose alone.
double fraction_of(const Digest& call, std::string_view purpose, std::uint64_t number) {
  constexpr double kRange = 18446744073709551616.0;  // 2^64
  Hasher hasher;
  hasher.add_field(call.hex()).add_field(purpose).add_u64(number);
  return static_cast<double>(hasher.finish().leading_u64()) / kRange;
}

}  // namespace

TokenBucket::TokenBucket(double rate_per_s, double burst)
    : rate_per_s_(rate_per_s), burst_(burst), tokens_(burst) {}

std::optional<Microseconds> TokenBucket::take(SteadyTime now, Microseconds patience) {
  if (rate_per_s_ <= 0) return Microseconds{0};
  const double elapsed_s = std::chrono::duration<double>(std::max(now, last_) - last_).count();
  const double tokens = std::min(burst_, tokens_ + elapsed_s * rate_per_s_);
  const double wait_s = std::max(0.0, (1 - tokens) / rate_per_s_);
  if (wait_s * 1e6 > static_cast<double>(patience.count())) return {};
  tokens_ = tokens - 1;
  last_ = std::max(now, last_);
  return Microseconds(std::llround(wait_s * 1e6));
}

bool CostBudget::reserve(std::int64_t cost) {
  if (total_ > 0 && cost > total_ - spent_) return false;
  spent_ += cost;
  return true;
}

bool CircuitBreaker::admit(SteadyTime now) {
  if (!open_since_) return true;
  if (is_probing_ || now - *open_since_ < rest_) return false;
  is_probing_ = true;
  return true;
}

void CircuitBreaker::succeed() {
  failures_ = 0;
  is_probing_ = false;
  open_since_.reset();
}

void CircuitBreaker::fail(SteadyTime now) {
  ++failures_;
  // A call that was on its way when the breaker opened does not prolong the rest.
  if (is_probing_ || (!open_since_ && failures_ >= failures_max_)) open_since_ = now;
  is_probing_ = false;
}

void CircuitBreaker::distrust(SteadyTime now) {
  is_distrusted_ = true;
  is_probing_ = false;
  open_since_ = now;
}

Microseconds RetryDelays::after(std::uint32_t attempt, const Digest& call,
                                std::optional<Microseconds> asked) const {
  const double doubled = static_cast<double>(first.count()) * std::exp2(attempt - 1.0);
  const double whole = std::min(doubled, static_cast<double>(longest.count()));
  const double jittered = whole * (1 - 0.5 * fraction_of(call, "retry", attempt));
  const Microseconds own(std::llround(jittered));
  return asked ? std::clamp(*asked, own, std::max(own, longest)) : own;
}

void CanaryWindow::record(bool was_accepted) {
  accepted_.push_back(was_accepted);
  if (accepted_.size() > kWindow) accepted_.pop_front();
}

bool CanaryWindow::is_too_gullible() const {
  const auto accepted = static_cast<double>(std::ranges::count(accepted_, true));
  return accepted > kAcceptedMax * static_cast<double>(accepted_.size());
}

bool is_canary_due(const Digest& call, double rate) {
  return fraction_of(call, "canary", 0) < rate;
}

}  // namespace assay::verifiers::http
