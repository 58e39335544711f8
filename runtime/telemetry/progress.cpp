#include "runtime/telemetry/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace assay::telemetry {
namespace {

using std::chrono::milliseconds;

// The length in bytes of the UTF-8 code point that starts with `first`; 1 for a stray byte.
std::size_t code_point_bytes(unsigned char first) {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}

bool is_control(char letter) {
  const auto code = static_cast<unsigned char>(letter);
  return code < 0x20 || code == 0x7f;
}

}  // namespace

std::string sparkline(std::span<const double> values, std::size_t width) {
  static constexpr std::string_view kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  values = values.last(std::min(width, values.size()));
  double low = INFINITY;
  double high = -INFINITY;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::string line;
  for (const double value : values) {
    if (!std::isfinite(value)) {
      line += ' ';
      continue;
    }
    const double part = high > low ? (value - low) / (high - low) : 0;
    line += kBars[static_cast<std::size_t>(std::lround(part * 7))];
  }
  return line;
}

std::string fit(std::string_view text, std::size_t columns) {
  std::string line;
  std::size_t used = 0;
  std::size_t last_start = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes =
        std::min(code_point_bytes(static_cast<unsigned char>(text[i])), text.size() - i);
    if (used == columns) {
      line.resize(last_start);
      return columns == 0 ? line : line + "…";
    }
    last_start = line.size();
    line += is_control(text[i]) ? " " : text.substr(i, bytes);
    i += bytes;
    ++used;
  }
  return line + std::string(columns - used, ' ');
}

std::string stamped(double seconds_passed, std::string_view text) {
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "[%6.1fs] ", seconds_passed);
  return stamp + std::string(text);
}

Progress::Progress(std::ostream& stream, const Clock& clock, ProgressOptions options)
    : stream_(stream), clock_(clock), options_(options), start_(clock.now()), last_tick_(start_) {}

Progress::~Progress() {
  clear();
}

void Progress::clear() {
  if (is_line_open_) stream_ << "\r\x1b[2K" << std::flush;
  is_line_open_ = false;
}

void Progress::say(std::string_view text) {
  if (options_.is_quiet) return;
  clear();
  stream_ << stamped(seconds(), text) << "\n" << std::flush;
}

void Progress::tick(std::string_view text) {
  const auto pause = options_.is_terminal ? SteadyTime::duration(milliseconds(100))
                                          : SteadyTime::duration(std::chrono::seconds(10));
  const SteadyTime now = clock_.now();
  if (options_.is_quiet || (has_ticked_ && now - last_tick_ < pause)) return;
  has_ticked_ = true;
  last_tick_ = now;
  if (!options_.is_terminal) return say(text);
  // The last column stays free: writing into it wraps on some terminals.
  const std::size_t columns = std::max<std::size_t>(options_.columns, 20) - 1;
  stream_ << '\r' << fit(stamped(seconds(), text), columns) << std::flush;
  is_line_open_ = true;
}

double Progress::seconds() const {
  return std::chrono::duration<double>(clock_.now() - start_).count();
}

}  // namespace assay::telemetry
