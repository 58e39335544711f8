// The files that `assay init` writes; they are those of configs/template/.
#pragma once

#include <span>
#include <string_view>

namespace assay::cli {

struct TemplateFile {
  std::string_view path;  // below the new folder
  std::string_view content;
};

std::span<const TemplateFile> template_files();

}  // namespace assay::cli
