// JsonlReader: the lines of a JSONL file, one at a time, with a limit on their length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "runtime/core/file.h"
#include "runtime/core/limits.h"
#include "runtime/core/result.h"

namespace assay::dataset {

struct JsonlLine {
  std::uint64_t number = 0;  // 1-based
  std::string text;          // without the line's end and a byte order mark; one strict JSON value
};

class JsonlReader {
 public:
  // Errors: kNotFound and whatever else opening a file can meet.
  static Result<JsonlReader> open(const std::string& path,
                                  std::size_t line_bytes_max = limits::kJsonlLineBytesMax);

  // The next line that is not blank; nothing at the end of the file.
  // Errors, placed at file:line: kExhausted for a line longer than allowed (before it is held in
  // memory), kCorrupt for one that is not strict JSON (see runtime/core/strict_json.h).
  Result<std::optional<JsonlLine>> next();

 private:
  JsonlReader(FileDescriptor file, std::string path, std::size_t line_bytes_max)
      : file_(std::move(file)), path_(std::move(path)), line_bytes_max_(line_bytes_max) {}

  Result<bool> read_more();
  Result<std::optional<std::string>> next_raw_line();
  std::string place() const;

  FileDescriptor file_;
  std::string path_;
  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t consumed_ = 0;  // bytes of the buffer already handed out
  bool is_at_end_ = false;
  std::uint64_t line_number_ = 0;
};

}  // namespace assay::dataset
