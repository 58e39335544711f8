// The project's own sources as text, for tests that read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::tidy {

struct SourceFile {
  std::string path;  // from the project's root, e.g. "runtime/core/ids.h"
  std::vector<std::string> lines;

  bool is_header() const { return path.ends_with(".h") || path.ends_with(".cuh"); }
  bool is_below(std::string_view folder) const { return path.starts_with(folder); }
};

// Every C++ file below runtime, gpu, verifiers, actors and tests.
const std::vector<SourceFile>& source_files();

// "path:line".
std::string place(const SourceFile& file, std::size_t line_index);

// What stands between the quotes or brackets of an #include line; empty for any other line.
std::string included(const std::string& line);

}  // namespace assay::tidy
