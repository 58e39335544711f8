#include "verifiers/code/fields.h"

#include <cstdint>
#include <cstring>

namespace assay::verifiers {

std::string pack_fields(const std::vector<std::string_view>& fields) {
  std::string frame;
  for (const std::string_view field : fields) {
    const auto size = static_cast<std::uint32_t>(field.size());
    frame.append(reinterpret_cast<const char*>(&size), sizeof size);
    frame += field;
  }
  return frame;
}

std::vector<std::string> unpack_fields(std::string_view frame, std::size_t count) {
  std::vector<std::string> fields;
  while (frame.size() >= sizeof(std::uint32_t)) {
    std::uint32_t size = 0;
    std::memcpy(&size, frame.data(), sizeof size);
    frame.remove_prefix(sizeof size);
    if (size > frame.size()) return {};
    fields.emplace_back(frame.substr(0, size));
    frame.remove_prefix(size);
  }
  if (!frame.empty() || fields.size() != count) return {};
  return fields;
}

}  // namespace assay::verifiers
