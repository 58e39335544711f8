#include "actors/cli/system_file.h"

#include <fstream>

namespace assay::cli {

std::string system_file(const std::string& path) {
  constexpr std::size_t kBytesMax = 1 << 16;
  std::string text(kBytesMax, '\0');
  std::ifstream stream(path);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace assay::cli
