// The decisions around a call to a judge, apart from clocks, threads and sockets: may it be made
// now, may it be paid, is the judge worth asking, and when is it tried again.
//
// None of these is thread-safe; times come from the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "runtime/core/clock.h"
#include "runtime/core/digest.h"

namespace assay::verifiers::http {

using Microseconds = std::chrono::microseconds;

// Calls a second, with a burst.
class TokenBucket {
 public:
  // `rate_per_s` 0: no limit. `burst` at least 1.
  TokenBucket(double rate_per_s, double burst);

  // How long a call has to wait from `now`; it takes its turn at once, so that calls are spaced in
  // the order in which they asked. Nothing: longer than `patience`, and no turn was taken.
  std::optional<Microseconds> take(SteadyTime now, Microseconds patience);

 private:
  double rate_per_s_;
  double burst_;
  double tokens_;  // below zero: turns given away in advance
  SteadyTime last_{};
};

// What may be spent in all.
class CostBudget {
 public:
  // Units are the user's own, e.g. millionths of a dollar. `total` 0: no limit.
  explicit CostBudget(std::int64_t total) : total_(total) {}

  // Sets `cost` aside before a call. False: the rest does not cover it, and nothing was set aside.
  bool reserve(std::int64_t cost);
  // Gives back what a call that was never made would have cost.
  void refund(std::int64_t cost) { spent_ -= cost; }
  std::int64_t spent() const { return spent_; }

 private:
  std::int64_t total_;
  std::int64_t spent_ = 0;
};

// Stops asking a judge that fails, and tries it again with one call alone.
class CircuitBreaker {
 public:
  CircuitBreaker(std::uint32_t failures_max, Microseconds rest)
      : failures_max_(failures_max), rest_(rest) {}

  // Whether a call may be made. After the rest one call is let through; until it has ended by
  // succeed(), fail() or abandon() no other is.
  bool admit(SteadyTime now);
  void succeed();
  void fail(SteadyTime now);
  // The call that was admitted was not made.
  void abandon() { is_probing_ = false; }

  // The judge answers, but wrongly: opens at once, and stays distrusted until trust().
  void distrust(SteadyTime now);
  void trust() { is_distrusted_ = false; }
  bool is_distrusted() const { return is_distrusted_; }
  bool is_open() const { return open_since_.has_value(); }

 private:
  std::uint32_t failures_max_;
  Microseconds rest_;
  std::uint32_t failures_ = 0;  // one after another
  std::optional<SteadyTime> open_since_;
  bool is_probing_ = false;
  bool is_distrusted_ = false;
};

// When a failed call is made again: twice as long after each attempt, at most `longest`, and
// shortened by up to half, by an amount that depends on the call alone: calls that failed together
// do not come back together, and a repeated run waits the same.
struct RetryDelays {
  Microseconds first{250'000};
  Microseconds longest{8'000'000};

  // `attempt` counts the failed ones, from 1. `asked` is what the server asked for, if it did;
  // it is kept up to `longest`.
  Microseconds after(std::uint32_t attempt, const Digest& call,
                     std::optional<Microseconds> asked) const;
};

// How often the judge fell for known-bad answers of late.
class CanaryWindow {
 public:
  // Of the last kWindow; more than kAcceptedMax of them is too much.
  void record(bool was_accepted);
  bool is_too_gullible() const;

 private:
  static constexpr std::size_t kWindow = 200;
  static constexpr double kAcceptedMax = 0.01;

  std::deque<bool> accepted_;
};

// Whether a canary goes before this call: a fixed `rate` of all calls, drawn from the call itself.
bool is_canary_due(const Digest& call, double rate);

}  // namespace assay::verifiers::http
