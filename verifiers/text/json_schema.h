// JsonSchema: a bounded subset of JSON Schema.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/core/result.h"

namespace assay::verifiers {

// Knows type, enum, const, properties, required, additionalProperties, minProperties,
// maxProperties, items, minItems, maxItems, uniqueItems, minLength, maxLength (in characters),
// pattern (RE2), minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, allOf, anyOf,
// oneOf and not; title, description, default, examples and $schema say nothing. 1.0 is an integer.
// References ($ref) and formats are refused, not ignored. Copies share the schema.
class JsonSchema {
 public:
  // Errors: kInvalidInput naming the place of the first keyword that is unknown or wrong.
  static Result<JsonSchema> compile(std::string_view schema_json);

  // Why the text is not a JSON value that the schema allows, with the value's place ("$.a[0]");
  // nothing where it is one. Duplicate keys, NaN and nesting deeper than 64 are not JSON here.
  std::optional<std::string> complaint_about(std::string_view json) const;

 private:
  struct Rules;
  explicit JsonSchema(std::shared_ptr<const Rules> rules) : rules_(std::move(rules)) {}
  std::shared_ptr<const Rules> rules_;
};

// Why the text is not one JSON value; nothing where it is.
std::optional<std::string> json_complaint(std::string_view json);

}  // namespace assay::verifiers
