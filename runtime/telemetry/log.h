// Logs of a run: one file an actor, below logs/attempt_N, with logs/latest pointing at the newest.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/result.h"

namespace assay::telemetry {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError };

// "trace", "debug", "info", "warn" or "error". Errors: kInvalidInput.
Result<LogLevel> parse_log_level(std::string_view text);

// The log of one actor. Copies write to the same file. Thread-safe. A default-made log discards.
class ActorLog {
 public:
  ActorLog() = default;

  // One line with the time in UTC and the level; line breaks and control characters in `text` are
  // replaced, since it may hold model text. Reaches the file before the call returns.
  void write(LogLevel level, std::string_view text) const;

 private:
  friend class LogFolder;
  struct Sink;
  explicit ActorLog(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}

  std::shared_ptr<Sink> sink_;
};

class LogFolder {
 public:
  // Makes `<run_folder>/logs/attempt_N`, N one above the highest there is, and points
  // `<run_folder>/logs/latest` at it. Errors: errno codes with the path.
  static Result<LogFolder> create(const std::string& run_folder, LogLevel level);

  // The log of one actor, in `<actor>.log`; a slash in the name becomes a dash: math/0 writes to
  // math-0.log. Errors: kUnavailable with the path when the file cannot be opened.
  Result<ActorLog> open(std::string_view actor) const;

  const std::string& path() const { return path_; }

 private:
  LogFolder(std::string path, LogLevel level) : path_(std::move(path)), level_(level) {}

  std::string path_;
  LogLevel level_;
};

}  // namespace assay::telemetry
