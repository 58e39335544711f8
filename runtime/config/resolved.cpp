#include "runtime/config/resolved.h"

#include <algorithm>
#include <map>

namespace assay::config {
namespace {

// "curator.train.source[0].path" -> {"curator.train.source[0]", "path"}.
std::pair<std::string, std::string> split_key(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  if (dot == std::string::npos) return {"", key};
  return {key.substr(0, dot), key.substr(dot + 1)};
}

std::string header_of(const std::string& table) {
  if (!table.ends_with("]")) return "[" + table + "]";
  return "[[" + table.substr(0, table.rfind('[')) + "]]";
}

bool is_below(const std::string& key, std::string_view prefix) {
  if (!key.starts_with(prefix)) return false;
  return key.size() == prefix.size() || key[prefix.size()] == '.' || key[prefix.size()] == '[';
}

}  // namespace

const ResolvedValue* Resolved::find(std::string_view key) const {
  for (const ResolvedValue& value : values_) {
    if (value.key == key) return &value;
  }
  return nullptr;
}

std::string Resolved::to_toml() const {
  std::string text;
  std::string current;
  for (const ResolvedValue& value : values_) {
    const auto [table, name] = split_key(value.key);
    if (table != current) text += "\n" + header_of(table) + "\n";
    current = table;
    text += name + " = " + value.value + "  # " + value.origin + "\n";
  }
  return text;
}

Digest Resolved::digest(std::span<const std::string_view> prefixes) const {
  std::map<std::string_view, std::string_view> chosen;
  for (const ResolvedValue& value : values_) {
    const auto covers = [&value](std::string_view prefix) { return is_below(value.key, prefix); };
    if (prefixes.empty() || std::any_of(prefixes.begin(), prefixes.end(), covers)) {
      chosen[value.key] = value.value;
    }
  }
  Hasher hasher;
  for (const auto& [key, value] : chosen) hasher.add_field(key).add_field(value);
  return hasher.finish();
}

}  // namespace assay::config
