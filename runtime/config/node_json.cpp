#include "runtime/config/node_json.h"

#include <cmath>

#include "runtime/core/json.h"
#include "runtime/core/limits.h"
#include "runtime/core/strict_json.h"

namespace assay::config {
namespace {

std::optional<Json> parsed(const std::string& text) {
  if (!check_strict_json(text)) return std::nullopt;
  return parse_json(text);
}

class Converter {
 public:
  std::optional<Json> operator()(const Table& table) {
    Json object = Json::object();
    for (const Entry& entry : table) {
      auto value = convert(entry.node);
      if (!value) return std::nullopt;
      object[entry.key] = std::move(*value);
    }
    return object;
  }
  std::optional<Json> operator()(const List& list) {
    Json array = Json::array();
    for (const Node& item : list) {
      auto value = convert(item);
      if (!value) return std::nullopt;
      array.push_back(std::move(*value));
    }
    return array;
  }
  std::optional<Json> operator()(double value) {
    return std::isfinite(value) ? std::optional(Json(value)) : std::nullopt;
  }
  std::optional<Json> operator()(const RawText& raw) {
    auto value = parsed(raw.text);
    return value ? value : Json(raw.text);
  }
  std::optional<Json> operator()(const Foreign&) { return std::nullopt; }
  template <class Scalar>
  std::optional<Json> operator()(const Scalar& value) {
    return Json(value);
  }

 private:
  std::optional<Json> convert(const Node& node) {
    if (depth_ == limits::kNestingDepthMax) return std::nullopt;
    ++depth_;
    auto value = std::visit(*this, node.value);
    --depth_;
    return value;
  }

  std::size_t depth_ = 0;
};

}  // namespace

std::optional<std::string> object_json(const Node& node) {
  std::optional<Json> value;
  if (const auto* text = std::get_if<std::string>(&node.value)) {
    value = parsed(*text);
  } else {
    Converter convert;
    value = std::visit(convert, node.value);
  }
  if (!value || !value->is_object()) return std::nullopt;
  return json_text(*value);
}

}  // namespace assay::config
