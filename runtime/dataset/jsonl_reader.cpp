#include "runtime/dataset/jsonl_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "runtime/core/strict_json.h"

namespace assay::dataset {

namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r") == std::string::npos;
}

}  // namespace

Result<JsonlReader> JsonlReader::open(const std::string& path, std::size_t line_bytes_max) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_error("open", path);
  return JsonlReader(std::move(file), path, line_bytes_max);
}

std::string JsonlReader::place() const {
  return path_ + ":" + std::to_string(line_number_);
}

Result<bool> JsonlReader::read_more() {
  if (is_at_end_) return false;
  buffer_.erase(0, consumed_);
  consumed_ = 0;
  const std::size_t held = buffer_.size();
  buffer_.resize(held + kReadBytes);
  ssize_t count;
  do {
    count = ::read(file_.get(), buffer_.data() + held, kReadBytes);
  } while (count < 0 && errno == EINTR);
  buffer_.resize(held + (count > 0 ? static_cast<std::size_t>(count) : 0));
  if (count < 0) return errno_error("read", path_);
  is_at_end_ = count == 0;
  return count > 0;
}

Result<std::optional<std::string>> JsonlReader::next_raw_line() {
  std::size_t searched = 0;  // bytes after consumed_ known to hold no line end
  for (;;) {
    const std::size_t end = buffer_.find('\n', consumed_ + searched);
    const bool is_whole = end != std::string::npos;
    const std::size_t length = (is_whole ? end : buffer_.size()) - consumed_;
    if (length > line_bytes_max_) {
      ++line_number_;
      return Error{
          ErrorCode::kExhausted,
          "a line is longer than the limit of " + std::to_string(line_bytes_max_) + " bytes",
          "a JSONL file holds one JSON object a line; shorten or split this row", place(), ""};
    }
    if (is_whole || is_at_end_) {
      if (!is_whole && length == 0) return std::optional<std::string>();
      ++line_number_;
      std::string line = buffer_.substr(consumed_, length);
      if (line_number_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, 3);
      consumed_ += length + (is_whole ? 1 : 0);
      return std::optional<std::string>(std::move(line));
    }
    searched = length;
    if (auto more = read_more(); !more) return more.error();
  }
}

Result<std::optional<JsonlLine>> JsonlReader::next() {
  for (;;) {
    auto line = next_raw_line();
    if (!line) return line.error();
    if (!line->has_value()) return std::optional<JsonlLine>();
    std::string& text = **line;
    if (is_blank(text)) continue;
    if (text.back() == '\r') text.pop_back();
    if (auto checked = check_strict_json(text); !checked) {
      Error error = checked.error();
      error.message = "the line cannot be read: " + error.message;
      error.remedy = "each line must be one JSON object in UTF-8; repair or remove it";
      error.place = place();
      return error;
    }
    return std::optional<JsonlLine>(JsonlLine{line_number_, std::move(text)});
  }
}

}  // namespace assay::dataset
