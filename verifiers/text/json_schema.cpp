#include "verifiers/text/json_schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/json.h"
#include "runtime/core/strict_json.h"
#include "verifiers/text/pattern.h"

namespace assay::verifiers {

namespace {

constexpr std::size_t kJsonDepthMax = 64;
constexpr int kSchemaDepthMax = 32;
constexpr int kStepsMax = 200'000;  // rules applied to one value, before it counts as undecidable

const std::set<std::string, std::less<>> kSilent = {"title",   "description", "default", "examples",
                                                    "$schema", "$comment",    "$id"};
const std::set<std::string, std::less<>> kTypes = {"object",  "array",   "string", "number",
                                                   "integer", "boolean", "null"};
const std::set<std::string, std::less<>> kBounds = {
    "minimum",   "maximum",  "exclusiveMinimum", "exclusiveMaximum", "multipleOf",   "minLength",
    "maxLength", "minItems", "maxItems",         "minProperties",    "maxProperties"};

bool is_integer(const Json& value) {
  if (value.is_number_integer()) return true;
  return value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>();
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return is_integer(value);
  if (type == "boolean") return value.is_boolean();
  return value.is_null();
}

std::size_t character_count(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & '\xC0') != '\x80'; }));
}

std::string shown(const Json& value) {
  constexpr std::size_t kShownMax = 60;
  std::string text = json_text(value);
  if (text.size() > kShownMax) text = text.substr(0, kShownMax) + "...";
  return text;
}

}  // namespace

struct JsonSchema::Rules {
  std::optional<bool> always;  // the schemas true and false
  std::vector<std::string> types;
  std::optional<std::vector<Json>> allowed;  // enum or const
  std::map<std::string, double, std::less<>> bounds;
  std::map<std::string, std::unique_ptr<Rules>, std::less<>> properties;
  std::vector<std::string> required;
  std::unique_ptr<Rules> additional, items, negated;
  std::vector<std::unique_ptr<Rules>> all_of, any_of, one_of;
  std::optional<Pattern> pattern;
  bool has_unique_items = false;
};

namespace {

// Compiles one schema; the first mistake is kept.
template <class Rules>
class Compiler {
 public:
  std::unique_ptr<Rules> compile(const Json& schema, const std::string& place, int depth) {
    auto rules = std::make_unique<Rules>();
    if (depth > kSchemaDepthMax) {
      complain(place, "nests too deep");
    } else if (schema.is_boolean()) {
      rules->always = schema.get<bool>();
    } else if (!schema.is_object()) {
      complain(place, "is not an object");
    } else {
      for (const auto& [keyword, value] : schema.items()) {
        read(keyword, value, place + "." + keyword, depth, *rules);
      }
    }
    return rules;
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  void complain(const std::string& place, const std::string& what) {
    if (error_) return;
    error_ = Error{ErrorCode::kInvalidInput, "the JSON schema is refused: " + place + " " + what,
                   "see verifiers/text/json_schema.h for the keywords that are known", "", ""};
  }

  void read(const std::string& keyword, const Json& value, const std::string& place, int depth,
            Rules& rules) {
    if (kSilent.contains(keyword)) return;
    if (kBounds.contains(keyword)) {
      if (!value.is_number() || (keyword == "multipleOf" && value.get<double>() <= 0)) {
        return complain(place, "is not a fitting number");
      }
      rules.bounds[keyword] = value.get<double>();
    } else if (keyword == "type") {
      read_types(value, place, rules);
    } else if (keyword == "enum" || keyword == "const") {
      if (keyword == "enum" && !value.is_array()) return complain(place, "is not a list");
      rules.allowed = keyword == "enum" ? value.get<std::vector<Json>>() : std::vector<Json>{value};
    } else if (keyword == "required") {
      const bool is_list = value.is_array() && std::all_of(value.begin(), value.end(), is_text);
      if (!is_list) return complain(place, "is not a list of names");
      rules.required = value.get<std::vector<std::string>>();
    } else if (keyword == "uniqueItems") {
      if (!value.is_boolean()) return complain(place, "is not true or false");
      rules.has_unique_items = value.get<bool>();
    } else if (keyword == "pattern") {
      read_pattern(value, place, rules);
    } else {
      read_nested(keyword, value, place, depth, rules);
    }
  }

  static bool is_text(const Json& value) { return value.is_string(); }

  void read_types(const Json& value, const std::string& place, Rules& rules) {
    const Json list = value.is_array() ? value : Json::array({value});
    for (const Json& type : list) {
      if (!type.is_string() || !kTypes.contains(type.get<std::string>())) {
        return complain(place, "names no type of JSON");
      }
      rules.types.push_back(type.get<std::string>());
    }
  }

  void read_pattern(const Json& value, const std::string& place, Rules& rules) {
    if (!value.is_string()) return complain(place, "is not text");
    auto pattern = Pattern::compile(value.get<std::string>());
    if (!pattern) return complain(place, pattern.error().message);
    rules.pattern = std::move(*pattern);
  }

  void read_nested(const std::string& keyword, const Json& value, const std::string& place,
                   int depth, Rules& rules) {
    if (keyword == "properties") {
      if (!value.is_object()) return complain(place, "is not an object");
      for (const auto& [name, schema] : value.items()) {
        rules.properties[name] = compile(schema, place + "." + name, depth + 1);
      }
    } else if (keyword == "additionalProperties") {
      rules.additional = compile(value, place, depth + 1);
    } else if (keyword == "items") {
      rules.items = compile(value, place, depth + 1);
    } else if (keyword == "not") {
      rules.negated = compile(value, place, depth + 1);
    } else if (keyword == "allOf" || keyword == "anyOf" || keyword == "oneOf") {
      if (!value.is_array() || value.empty()) return complain(place, "is not a list of schemas");
      auto& list =
          keyword == "allOf" ? rules.all_of : (keyword == "anyOf" ? rules.any_of : rules.one_of);
      for (const Json& schema : value) list.push_back(compile(schema, place, depth + 1));
    } else {
      complain(place, "is not a keyword that is known here");
    }
  }

  std::optional<Error> error_;
};

// Applies rules to values; the number of applications is bounded.
template <class Rules>
class Validator {
 public:
  std::optional<std::string> complaint(const Json& value, const Rules& rules,
                                       const std::string& place) {
    if (++steps_ > kStepsMax) return place + " takes too many steps to check";
    if (rules.always) {
      return *rules.always ? std::nullopt : std::optional(place + " is not allowed");
    }
    const bool has_right_type =
        rules.types.empty() || std::any_of(rules.types.begin(), rules.types.end(),
                                           [&](const auto& type) { return has_type(value, type); });
    if (!has_right_type) {
      std::string names;
      for (const std::string& type : rules.types) names += (names.empty() ? "" : " or ") + type;
      return place + " is " + shown(value) + ", not of type " + names;
    }
    if (rules.allowed &&
        std::find(rules.allowed->begin(), rules.allowed->end(), value) == rules.allowed->end()) {
      return place + " is " + shown(value) + ", none of the values allowed";
    }
    if (value.is_number()) {
      if (auto found = number_complaint(value.get<double>(), rules, place)) return found;
    }
    if (value.is_string()) {
      if (auto found = text_complaint(value.get_ref<const std::string&>(), rules, place)) {
        return found;
      }
    }
    if (value.is_array()) {
      if (auto found = array_complaint(value, rules, place)) return found;
    }
    if (value.is_object()) {
      if (auto found = object_complaint(value, rules, place)) return found;
    }
    return combined_complaint(value, rules, place);
  }

 private:
  static std::optional<double> bound(const Rules& rules, std::string_view name) {
    const auto found = rules.bounds.find(name);
    return found == rules.bounds.end() ? std::nullopt : std::optional(found->second);
  }

  // Whether the amount keeps to <least> and <most>.
  static std::optional<std::string> amount_complaint(double amount, const Rules& rules,
                                                     std::string_view least, std::string_view most,
                                                     const std::string& place) {
    if (const auto limit = bound(rules, least); limit && amount < *limit) {
      return place + " breaks " + std::string(least);
    }
    if (const auto limit = bound(rules, most); limit && amount > *limit) {
      return place + " breaks " + std::string(most);
    }
    return {};
  }

  static std::optional<std::string> number_complaint(double number, const Rules& rules,
                                                     const std::string& place) {
    if (const auto limit = bound(rules, "exclusiveMinimum"); limit && number <= *limit) {
      return place + " breaks exclusiveMinimum";
    }
    if (const auto limit = bound(rules, "exclusiveMaximum"); limit && number >= *limit) {
      return place + " breaks exclusiveMaximum";
    }
    if (const auto unit = bound(rules, "multipleOf")) {
      const double times = number / *unit;
      if (std::abs(times - std::round(times)) > 1e-9 * std::max(1.0, std::abs(times))) {
        return place + " breaks multipleOf";
      }
    }
    return amount_complaint(number, rules, "minimum", "maximum", place);
  }

  static std::optional<std::string> text_complaint(const std::string& text, const Rules& rules,
                                                   const std::string& place) {
    if (rules.pattern && !rules.pattern->is_found_in(text)) return place + " breaks pattern";
    return amount_complaint(static_cast<double>(character_count(text)), rules, "minLength",
                            "maxLength", place);
  }

  std::optional<std::string> array_complaint(const Json& array, const Rules& rules,
                                             const std::string& place) {
    if (rules.has_unique_items) {
      std::set<std::string> seen;
      for (const Json& item : array) {
        if (!seen.insert(json_text(item)).second) return place + " repeats " + shown(item);
      }
    }
    for (std::size_t i = 0; rules.items && i < array.size(); ++i) {
      auto found = complaint(array[i], *rules.items, place + "[" + std::to_string(i) + "]");
      if (found) return found;
    }
    return amount_complaint(static_cast<double>(array.size()), rules, "minItems", "maxItems",
                            place);
  }

  std::optional<std::string> object_complaint(const Json& object, const Rules& rules,
                                              const std::string& place) {
    for (const std::string& name : rules.required) {
      if (!object.contains(name)) return place + " lacks \"" + name + "\"";
    }
    for (const auto& [name, value] : object.items()) {
      const auto known = rules.properties.find(name);
      const Rules* rule =
          known != rules.properties.end() ? known->second.get() : rules.additional.get();
      if (rule == nullptr) continue;
      if (auto found = complaint(value, *rule, place + "." + name)) return found;
    }
    return amount_complaint(static_cast<double>(object.size()), rules, "minProperties",
                            "maxProperties", place);
  }

  std::optional<std::string> combined_complaint(const Json& value, const Rules& rules,
                                                const std::string& place) {
    for (const auto& rule : rules.all_of) {
      if (auto found = complaint(value, *rule, place)) return found;
    }
    const auto matches = [&](const auto& list) {
      return std::count_if(list.begin(), list.end(),
                           [&](const auto& rule) { return !complaint(value, *rule, place); });
    };
    if (!rules.any_of.empty() && matches(rules.any_of) == 0) return place + " fits none of anyOf";
    if (!rules.one_of.empty() && matches(rules.one_of) != 1) {
      return place + " does not fit exactly one of oneOf";
    }
    if (rules.negated && !complaint(value, *rules.negated, place)) return place + " is excluded";
    if (steps_ > kStepsMax) return place + " takes too many steps to check";
    return {};
  }

  int steps_ = 0;
};

}  // namespace

std::optional<std::string> json_complaint(std::string_view json) {
  if (auto checked = check_strict_json(json, kJsonDepthMax); !checked) {
    return checked.error().message;
  }
  if (parse_json(json).is_discarded()) return "it is not JSON";
  return {};
}

Result<JsonSchema> JsonSchema::compile(std::string_view schema_json) {
  if (auto complaint = json_complaint(schema_json)) {
    return Error{ErrorCode::kInvalidInput, "the JSON schema is not JSON: " + *complaint, "", "",
                 ""};
  }
  Compiler<Rules> compiler;
  std::shared_ptr<const Rules> rules = compiler.compile(parse_json(schema_json), "$", 0);
  if (compiler.error()) return *compiler.error();
  return JsonSchema(std::move(rules));
}

std::optional<std::string> JsonSchema::complaint_about(std::string_view json) const {
  if (auto complaint = json_complaint(json)) return complaint;
  return Validator<Rules>().complaint(parse_json(json), *rules_, "$");
}

}  // namespace assay::verifiers
