// Progress: the one line that shows a run is alive, and the milestones above it.
//
// On a terminal the line is rewritten in place, at most ten times a second. In a pipe it becomes a
// plain line at most every ten seconds. Milestones are always plain lines of their own.
#pragma once

#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/clock.h"

namespace assay::telemetry {

// The last `width` values as bars ▁▂▃▄▅▆▇█ between the lowest and the highest of them; all equal
// (or one) draws the lowest bar. Values that are not finite draw a blank.
std::string sparkline(std::span<const double> values, std::size_t width);

// `text` cut or padded to `columns` code points; a cut text ends in `…`. Control characters become
// blanks. Invalid UTF-8 is counted byte by byte.
std::string fit(std::string_view text, std::size_t columns);

// "[  12.3s] text".
std::string stamped(double seconds, std::string_view text);

struct ProgressOptions {
  bool is_terminal = false;
  bool is_quiet = false;  // show nothing
  std::size_t columns = 80;
};

// Not thread-safe. Borrows the stream and the clock.
class Progress {
 public:
  Progress(std::ostream& stream, const Clock& clock, ProgressOptions options);
  // Ends an open line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A milestone: always shown, on a line of its own.
  void say(std::string_view text);
  // The state of things: shown when the last one is long enough ago.
  void tick(std::string_view text);

  double seconds() const;  // since construction

 private:
  void clear();

  std::ostream& stream_;
  const Clock& clock_;
  ProgressOptions options_;
  SteadyTime start_;
  SteadyTime last_tick_;
  bool has_ticked_ = false;
  bool is_line_open_ = false;
};

}  // namespace assay::telemetry
