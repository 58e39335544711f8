#include "runtime/telemetry/metrics_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/core/check.h"

namespace assay::telemetry {
namespace {

constexpr std::size_t kExistingBytesMax = std::size_t{1} << 30;

// The length of `path` up to and with its last line break.
Result<std::size_t> whole_lines(const std::string& path) {
  const auto text = read_file(path, kExistingBytesMax);
  if (!text) return text.error();
  const std::size_t last = text->rfind('\n');
  return last == std::string::npos ? std::size_t{0} : last + 1;
}

}  // namespace

Result<MetricsFile> MetricsFile::open(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644));
  if (!file.is_open()) return errno_error("open", path);
  const auto length = whole_lines(path);
  if (!length) return length.error();
  if (ftruncate(file.get(), static_cast<off_t>(*length)) != 0) {
    return errno_error("remove the unfinished last line of", path);
  }
  return MetricsFile(std::move(file), path);
}

Result<void> MetricsFile::append(std::string_view object) {
  ASSAY_CHECK(object.find('\n') == std::string_view::npos, "a metrics object is one line");
  std::string line(object);
  line += '\n';
  return write_all(file_.get(), std::as_bytes(std::span(line)), path_);
}

Result<void> MetricsFile::sync() {
  if (fdatasync(file_.get()) != 0) return errno_error("sync", path_);
  return {};
}

}  // namespace assay::telemetry
