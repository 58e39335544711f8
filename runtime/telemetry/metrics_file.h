// metrics.jsonl: one JSON object a line, appended as a run goes.
#pragma once

#include <string>
#include <string_view>

#include "runtime/core/file.h"
#include "runtime/core/result.h"

namespace assay::telemetry {

// One writer a file. A line is written whole with one call, so a reader that follows the file never
// sees half of one, and a killed process loses none that was appended. Only sync() waits for the
// disk: after a power cut the last lines may be missing, which the ledger can replay.
class MetricsFile {
 public:
  // Opens for appending and makes the file if needed. A last line without its line break, left by a
  // full disk or a power cut, is removed. Errors: errno codes with the path; kExhausted when an
  // existing file is larger than 1 GiB.
  static Result<MetricsFile> open(const std::string& path);

  // `object` is one JSON object without a line break. Errors: errno codes.
  Result<void> append(std::string_view object);

  // Waits until everything is on the disk. Errors: errno codes.
  Result<void> sync();

 private:
  MetricsFile(FileDescriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  FileDescriptor file_;
  std::string path_;
};

}  // namespace assay::telemetry
