#include "actors/rate_window.h"

namespace assay::actors {

namespace {

constexpr int kSamplesASpan = 64;

}  // namespace

RateWindow::RateWindow(SteadyTime start, std::chrono::microseconds span)
    : span_(span), samples_{{start, 0}} {}

void RateWindow::add(SteadyTime now, double total) {
  if (now - samples_.back().time < span_ / kSamplesASpan) return;
  samples_.push_back({now, total});
  // The newest sample that is old enough stays: the rate begins there.
  while (samples_.size() > 1 && samples_[1].time <= now - span_) samples_.pop_front();
}

double RateWindow::per_s(SteadyTime now, double total) const {
  const Sample* from = &samples_.front();
  for (const Sample& sample : samples_) {
    if (sample.time <= now - span_) from = &sample;
  }
  const double seconds = std::chrono::duration<double>(now - from->time).count();
  return seconds > 0 ? (total - from->total) / seconds : 0;
}

}  // namespace assay::actors
