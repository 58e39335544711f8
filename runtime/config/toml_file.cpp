#include "runtime/config/toml_file.h"

#include <toml++/toml.h>
#include <algorithm>

#include "runtime/core/file.h"
#include "runtime/core/limits.h"

namespace assay::config {
namespace {

std::string place_of(const toml::source_region& source, std::string_view name) {
  return std::string(name) + ":" + std::to_string(source.begin.line) + ":" +
         std::to_string(source.begin.column);
}

Node convert(const toml::node& source, std::string_view name);

Node convert_table(const toml::table& source, std::string_view name) {
  std::vector<std::pair<const toml::key*, const toml::node*>> written;
  for (const auto& [key, value] : source) written.emplace_back(&key, &value);
  std::sort(written.begin(), written.end(), [](const auto& left, const auto& right) {
    return left.first->source().begin < right.first->source().begin;
  });
  Table table;
  for (const auto& [key, value] : written) {
    table.push_back(
        {std::string(key->str()), place_of(key->source(), name), convert(*value, name)});
  }
  return Node{std::move(table), place_of(source.source(), name)};
}

Node convert(const toml::node& source, std::string_view name) {
  if (const auto* table = source.as_table()) return convert_table(*table, name);
  Node node{Foreign{"a date or time"}, place_of(source.source(), name)};
  if (const auto* array = source.as_array()) {
    List list;
    for (const toml::node& item : *array) list.push_back(convert(item, name));
    node.value = std::move(list);
  } else if (const auto* flag = source.as_boolean()) {
    node.value = flag->get();
  } else if (const auto* integer = source.as_integer()) {
    node.value = integer->get();
  } else if (const auto* number = source.as_floating_point()) {
    node.value = number->get();
  } else if (const auto* text = source.as_string()) {
    node.value = text->get();
  }
  return node;
}

Error parse_error_of(const toml::parse_error& fault, std::string_view name) {
  return Error{
      ErrorCode::kInvalidInput,
      "cannot read `" + std::string(name) + "` as TOML: " + std::string(fault.description()),
      "a text needs quotes, a table looks like [name], a value like key = 1",
      place_of(fault.source(), name), "E101"};
}

}  // namespace

Result<Node> parse_toml(std::string_view text, std::string_view name) {
  try {
    return convert_table(toml::parse(text, name), name);
  } catch (const toml::parse_error& fault) {
    return parse_error_of(fault, name);
  }
}

Result<Node> read_toml(const std::string& path) {
  auto text = read_file(path, limits::kConfigBytesMax);
  if (text) return parse_toml(*text, path);
  Error error = text.error();
  if (error.code == ErrorCode::kNotFound) {
    error.message = "config file `" + path + "` does not exist";
    error.remedy = "name a TOML file after @, e.g. `@ configs/arithmetic.toml`";
    error.id = "E102";
  }
  return error;
}

Result<Node> parse_toml_value(std::string_view text, std::string_view name) {
  const auto document = parse_toml("value = " + std::string(text), name);
  const Node* value = document ? document->find("value") : nullptr;
  if (value == nullptr || text.find('\n') != std::string_view::npos) {
    return Error{ErrorCode::kInvalidInput, "cannot read `" + std::string(text) + "` as a value",
                 "lists look like [1, 2] or 1,2", std::string(name), "E104"};
  }
  Node node = *value;
  node.place = std::string(name);
  return node;
}

}  // namespace assay::config
