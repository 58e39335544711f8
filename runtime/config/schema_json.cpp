// Schema::to_json_schema: the same table as JSON Schema, for editors and other programs.
#include <cmath>

#include "runtime/config/schema.h"

#include "runtime/core/json.h"

namespace assay::config {
namespace {

using Json = nlohmann::ordered_json;

void put_limits(Json& target, const Range& range, bool is_whole) {
  const auto number = [is_whole](double value) {
    return is_whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
  };
  if (std::isfinite(range.low)) {
    target[range.is_low_excluded ? "exclusiveMinimum" : "minimum"] = number(range.low);
  }
  if (std::isfinite(range.high)) target["maximum"] = number(range.high);
}

Json element_of(const Field& field) {
  Json element;
  switch (field.kind) {
    case ValueKind::kBool:
      element["type"] = "boolean";
      break;
    case ValueKind::kInteger:
      element["type"] = "integer";
      put_limits(element, field.range, true);
      break;
    case ValueKind::kNumber:
      element["type"] = "number";
      put_limits(element, field.range, false);
      break;
    case ValueKind::kDuration:
      element["type"] = "string";
      element["pattern"] = "^[0-9.]+ ?(ms|s|m|h)$";
      break;
    case ValueKind::kSize:
      element["type"] = {"string", "integer"};
      element["pattern"] = "^[0-9]+ ?(B|KiB|MiB|GiB|KB|MB|GB)?$";
      break;
    case ValueKind::kObject:
      element["type"] = {"object", "string"};
      break;
    case ValueKind::kText:
    case ValueKind::kChoice:
      element["type"] = "string";
      break;
  }
  if (!field.choices.empty()) element["enum"] = field.choices;
  return element;
}

Json describe(const Field& field) {
  Json described;
  if (field.is_list) {
    described["type"] = "array";
    described["items"] = element_of(field);
    if (field.list_size > 0) {
      described["minItems"] = field.list_size;
      described["maxItems"] = field.list_size;
    }
  } else {
    described = element_of(field);
  }
  described["description"] = field.help;
  return described;
}

// The object node that holds `key`'s last part, made on the way down.
std::pair<Json*, std::string> holder_of(Json& root, const std::string& key) {
  Json* object = &root;
  std::size_t start = 0;
  while (true) {
    const std::size_t dot = key.find('.', start);
    if (dot == std::string::npos) return {object, key.substr(start)};
    Json& table = (*object)["properties"][key.substr(start, dot - start)];
    table["type"] = "object";
    table["additionalProperties"] = false;
    object = &table;
    start = dot + 1;
  }
}

// The default of a field as JSON: TOML's scalars and flat lists are JSON already.
Json default_of(const Field& field) {
  return Json::parse(field.text(), nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string Schema::json_object() const {
  Json root;
  root["type"] = "object";
  root["additionalProperties"] = false;
  root["properties"] = Json::object();
  for (const Row& row : rows_) {
    auto [object, name] = holder_of(root, row.key());
    Json& property = (*object)["properties"][name];
    if (row.is_items) {
      property["type"] = "array";
      property["description"] = row.items.help;
      property["items"] = Json::parse(row.items.blank().json_object());
      continue;
    }
    property = describe(row.field);
    property["default"] = default_of(row.field);
  }
  for (const auto& [name, help] : tables_) {
    auto [object, last] = holder_of(root, name);
    (*object)["properties"][last]["description"] = help;
  }
  return json_text(root);
}

std::string Schema::to_json_schema(std::string_view title) const {
  Json document;
  document["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  document["title"] = title;
  document.update(Json::parse(json_object()));
  return json_text(document, 2) + "\n";
}

}  // namespace assay::config
