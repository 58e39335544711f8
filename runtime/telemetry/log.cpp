// The only place that knows the logging library.
#include "runtime/telemetry/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "runtime/core/file.h"

namespace assay::telemetry {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLevelNames[] = {"trace", "debug", "info", "warn", "error"};

spdlog::level::level_enum library_level(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& letter : line) {
    const auto code = static_cast<unsigned char>(letter);
    if (code < 0x20 || code == 0x7f) letter = ' ';
  }
  return line;
}

// 0 when there is no attempt yet.
int highest_attempt(const std::string& logs) {
  constexpr std::string_view kPrefix = "attempt_";
  int highest = 0;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(logs, ignored)) {
    const std::string name = entry.path().filename().string();
    int number = 0;
    if (!name.starts_with(kPrefix)) continue;
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data() + kPrefix.size(), end, number).ptr == end) {
      highest = std::max(highest, number);
    }
  }
  return highest;
}

// Replaces the link in one step, so that a reader never finds it missing.
Result<void> point_latest(const std::string& logs, const std::string& attempt) {
  const std::string fresh = logs + "/latest.new";
  std::error_code fault;
  fs::remove(fresh, fault);
  fs::create_directory_symlink(attempt, fresh, fault);
  if (!fault) fs::rename(fresh, logs + "/latest", fault);
  if (!fault) return {};
  return Error{ErrorCode::kUnavailable,
               "cannot make " + logs + "/latest: " + fault.message(),
               "check that the folder may be written to",
               {},
               {}};
}

}  // namespace

struct ActorLog::Sink {
  std::shared_ptr<spdlog::logger> logger;
};

Result<LogLevel> parse_log_level(std::string_view text) {
  const auto* const found = std::find(std::begin(kLevelNames), std::end(kLevelNames), text);
  if (found != std::end(kLevelNames)) {
    return static_cast<LogLevel>(found - std::begin(kLevelNames));
  }
  return Error{ErrorCode::kInvalidInput,
               "`" + std::string(text) + "` is not a log level",
               "use trace, debug, info, warn or error",
               {},
               {}};
}

void ActorLog::write(LogLevel level, std::string_view text) const {
  if (sink_ == nullptr) return;
  sink_->logger->log(library_level(level), one_line(text));
}

Result<LogFolder> LogFolder::create(const std::string& run_folder, LogLevel level) {
  const std::string logs = run_folder + "/logs";
  const std::string attempt = "attempt_" + std::to_string(highest_attempt(logs) + 1);
  if (auto made = make_folders(logs + "/" + attempt); !made) return made.error();
  if (auto pointed = point_latest(logs, attempt); !pointed) return pointed.error();
  return LogFolder(logs + "/" + attempt, level);
}

Result<ActorLog> LogFolder::open(std::string_view actor) const {
  std::string name(actor);
  std::replace(name.begin(), name.end(), '/', '-');
  const std::string path = path_ + "/" + name + ".log";
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    auto sink = std::make_shared<ActorLog::Sink>();
    sink->logger = std::make_shared<spdlog::logger>(name, std::move(file));
    sink->logger->set_level(library_level(level_));
    sink->logger->flush_on(spdlog::level::trace);
    sink->logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v", spdlog::pattern_time_type::utc);
    return ActorLog(std::move(sink));
  } catch (const spdlog::spdlog_ex& fault) {
    return Error{ErrorCode::kUnavailable,
                 "cannot open " + path + ": " + fault.what(),
                 "check that the folder may be written to and that file descriptors are left",
                 {},
                 {}};
  }
}

}  // namespace assay::telemetry
