#include "runtime/core/result.h"

#include <cerrno>
#include <cstring>

namespace assay {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidInput:
      return "invalid_input";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kTimedOut:
      return "timed_out";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kExhausted:
      return "exhausted";
  }
  return "unknown";
}

std::string to_text(const Error& error) {
  std::string text = error.id.empty() ? "error: " : "error[" + error.id + "]: ";
  text += error.message;
  if (!error.place.empty()) text += "\n  --> " + error.place;
  if (!error.remedy.empty()) text += "\n  = help: " + error.remedy;
  return text;
}

namespace {

ErrorCode code_of_errno(int number) {
  switch (number) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return ErrorCode::kExhausted;
    case ETIMEDOUT:
      return ErrorCode::kTimedOut;
    case EINVAL:
    case EISDIR:
    case ENOTDIR:
    case EEXIST:
      return ErrorCode::kInvalidInput;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

Error errno_error(std::string_view attempt, std::string_view thing) {
  const int number = errno;
  Error error;
  error.code = code_of_errno(number);
  error.message = std::string(attempt) + " " + std::string(thing) + ": " + std::strerror(number);
  if (number == ENOSPC || number == EDQUOT) error.remedy = "free space on that disk, then resume";
  if (number == EACCES || number == EPERM) error.remedy = "check the owner and mode of that path";
  return error;
}

}  // namespace assay
