#include "actors/cli/machine.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace assay::cli {

std::string system_file(const std::string& path) {
  constexpr std::size_t kBytesMax = 1 << 16;
  std::string text(kBytesMax, '\0');
  std::ifstream stream(path);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

std::string processor_name() {
  const std::string text = system_file("/proc/cpuinfo");
  const std::size_t key = text.find("model name");
  const std::size_t colon = text.find(": ", key);
  if (key == std::string::npos || colon == std::string::npos) return "unknown";
  return text.substr(colon + 2, text.find('\n', colon) - colon - 2);
}

double load_average() {
  std::array<double, 1> load{};
  return getloadavg(load.data(), 1) == 1 ? load[0] : 0;
}

unsigned core_count() {
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace assay::cli
