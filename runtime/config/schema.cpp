#include "runtime/config/schema.h"

#include <cmath>

#include "runtime/config/nearest.h"
#include "runtime/config/node_json.h"
#include "runtime/config/toml_file.h"
#include "runtime/config/value_text.h"

namespace assay::config {
namespace {

// A number for people: whole ones without a fraction.
std::string plain(double value) {
  std::string text = number_text(value);
  if (text.size() > 2 && text.substr(text.size() - 2) == ".0") text.resize(text.size() - 2);
  return text;
}

Error mismatch() {
  return Error{ErrorCode::kInvalidInput, {}, {}, {}, "E104"};
}

const std::string* raw_text(const Node& node) {
  const auto* raw = std::get_if<RawText>(&node.value);
  return raw == nullptr ? nullptr : &raw->text;
}

std::optional<bool> read_bool(const Node& node) {
  if (const auto* flag = std::get_if<bool>(&node.value)) return *flag;
  const std::string* raw = raw_text(node);
  if (raw != nullptr && *raw == "true") return true;
  if (raw != nullptr && *raw == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(const Node& node) {
  if (const auto* integer = std::get_if<std::int64_t>(&node.value)) return *integer;
  const std::string* raw = raw_text(node);
  return raw == nullptr ? std::nullopt : parse_integer(*raw);
}

std::optional<double> read_number(const Node& node) {
  if (const auto* number = std::get_if<double>(&node.value)) {
    return std::isfinite(*number) ? std::optional(*number) : std::nullopt;
  }
  if (const auto* integer = std::get_if<std::int64_t>(&node.value)) {
    return static_cast<double>(*integer);
  }
  const std::string* raw = raw_text(node);
  return raw == nullptr ? std::nullopt : parse_number(*raw);
}

std::optional<std::string> read_text(const Node& node) {
  if (const auto* text = std::get_if<std::string>(&node.value)) return *text;
  const std::string* raw = raw_text(node);
  return raw == nullptr ? std::nullopt : std::optional(*raw);
}

std::optional<std::chrono::milliseconds> read_duration(const Node& node) {
  const auto text = read_text(node);
  return text ? parse_duration(*text) : std::nullopt;
}

std::optional<Size> read_size(const Node& node) {
  if (const auto* integer = std::get_if<std::int64_t>(&node.value)) {
    if (*integer < 0) return std::nullopt;
    return Size{static_cast<std::uint64_t>(*integer)};
  }
  const auto text = read_text(node);
  if (!text) return std::nullopt;
  const auto count = parse_integer(*text);
  if (count && *count >= 0) return Size{static_cast<std::uint64_t>(*count)};
  return parse_size(*text);
}

// The elements of a list node, or of a list typed on the command line: `[1, 2]`, `1,2` or `1`.
std::optional<List> read_list(const Node& node) {
  if (const auto* list = std::get_if<List>(&node.value)) return *list;
  const std::string* raw = raw_text(node);
  if (raw == nullptr) return std::nullopt;
  if (!raw->empty() && raw->front() == '[') {
    const auto parsed = parse_toml_value(*raw, node.place);
    const List* list = parsed ? std::get_if<List>(&parsed->value) : nullptr;
    return list == nullptr ? std::nullopt : std::optional(*list);
  }
  List list;
  for (std::size_t start = 0; start <= raw->size() && !raw->empty();) {
    const std::size_t comma = std::min(raw->find(',', start), raw->size());
    list.push_back(Node{RawText{raw->substr(start, comma - start)}, node.place});
    start = comma + 1;
  }
  return list;
}

// Reads each element with `read` and keeps those `is_valid` accepts; nothing when one is refused.
template <class T, class Read, class Valid>
std::optional<std::vector<T>> read_elements(const Node& node, Read read, Valid is_valid) {
  const auto list = read_list(node);
  if (!list) return std::nullopt;
  std::vector<T> values;
  for (const Node& item : *list) {
    const auto value = read(item);
    if (!value || !is_valid(*value)) return std::nullopt;
    values.push_back(static_cast<T>(*value));
  }
  return values;
}

template <class T, class Text>
std::string list_text(const std::vector<T>& values, Text text) {
  std::string result = "[";
  for (const T& value : values) result += (result.size() > 1 ? ", " : "") + text(value);
  return result + "]";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

bool is_in(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

bool Range::contains(double value) const {
  return (is_low_excluded ? value > low : value >= low) && value <= high;
}

std::string Range::to_text() const {
  constexpr double kTypeLimit = 4294967295.0;  // a limit of the type is not worth a word
  const bool has_low = std::isfinite(low);
  const bool has_high = high < kTypeLimit;
  if (has_low && has_high) {
    return (is_low_excluded ? " in (" : " in [") + plain(low) + ", " + plain(high) + "]";
  }
  if (has_low) return (is_low_excluded ? " above " : " >= ") + plain(low);
  if (has_high) return " <= " + plain(high);
  return "";
}

std::string Field::expected() const {
  static constexpr std::string_view kNouns[] = {"true or false", "whole number", "number", "text",
                                                "duration",      "size",         "word",   "table"};
  if (!choices.empty()) {
    return (is_list ? "a list of: " : "one of: ") + joined(choices);
  }
  const std::string noun(kNouns[static_cast<std::size_t>(kind)]);
  if (is_list) {
    const std::string count = list_size == 0 ? "" : std::to_string(list_size) + " ";
    return "a list of " + count + noun + "s" + (range.to_text().empty() ? "" : ", each") +
           range.to_text();
  }
  if (kind == ValueKind::kBool) return noun;
  if (kind == ValueKind::kObject) return "a table, or a JSON object as text";
  if (kind == ValueKind::kDuration) return "a duration such as \"500ms\", \"2s\" or \"5m\"";
  if (kind == ValueKind::kSize) return "a size such as \"64MiB\" or a number of bytes";
  return "a " + noun + range.to_text();
}

void Schema::object(std::string_view name, std::string& target, std::string_view help) {
  Field& field = add_field(name, ValueKind::kObject, help);
  field.assign = [&target](const Node& node) -> Result<void> {
    auto object = object_json(node);
    if (!object) return mismatch();
    target = std::move(*object);
    return {};
  };
  field.text = [&target] { return quoted(target); };
}

void Schema::table(std::string_view name, std::string_view help) {
  prefix_ = name;
  if (!name.empty()) tables_.emplace_back(name, help);
}

std::string Schema::full_key(std::string_view name) const {
  return prefix_.empty() ? std::string(name) : prefix_ + "." + std::string(name);
}

Field& Schema::add_field(std::string_view name, ValueKind kind, std::string_view help) {
  Row row;
  row.field.key = full_key(name);
  row.field.kind = kind;
  row.field.help = help;
  ASSAY_CHECK(!has(row.field.key), "each key is described once");
  rows_.push_back(std::move(row));
  return rows_.back().field;
}

void Schema::add_items(Items items) {
  Row row;
  row.items = std::move(items);
  row.is_items = true;
  rows_.push_back(std::move(row));
}

void Schema::add_integer(std::string_view name, std::string_view help, Range range,
                         std::function<void(std::int64_t)> set, std::function<std::int64_t()> get) {
  Field& field = add_field(name, ValueKind::kInteger, help);
  field.range = range;
  field.assign = [range, set](const Node& node) -> Result<void> {
    const auto value = read_integer(node);
    if (!value || !range.contains(static_cast<double>(*value))) return mismatch();
    set(*value);
    return {};
  };
  field.text = [get] { return std::to_string(get()); };
}

void Schema::add_choice(std::string_view name, std::string_view help,
                        std::vector<std::string> words, std::function<void(std::size_t)> set,
                        std::function<std::size_t()> get) {
  Field& field = add_field(name, ValueKind::kChoice, help);
  field.choices = words;
  field.assign = [words, set](const Node& node) -> Result<void> {
    const auto text = read_text(node);
    if (!text || !is_in(words, *text)) return mismatch();
    set(static_cast<std::size_t>(std::find(words.begin(), words.end(), *text) - words.begin()));
    return {};
  };
  field.text = [words, get] { return quoted(words[get()]); };
}

void Schema::key(std::string_view name, bool& target, std::string_view help) {
  Field& field = add_field(name, ValueKind::kBool, help);
  field.assign = [&target](const Node& node) -> Result<void> {
    const auto value = read_bool(node);
    if (!value) return mismatch();
    target = *value;
    return {};
  };
  field.text = [&target] { return std::string(target ? "true" : "false"); };
}

void Schema::key(std::string_view name, double& target, std::string_view help, Range range) {
  Field& field = add_field(name, ValueKind::kNumber, help);
  field.range = range;
  field.assign = [&target, range](const Node& node) -> Result<void> {
    const auto value = read_number(node);
    if (!value || !range.contains(*value)) return mismatch();
    target = *value;
    return {};
  };
  field.text = [&target] { return number_text(target); };
}

void Schema::key(std::string_view name, float& target, std::string_view help, Range range) {
  Field& field = add_field(name, ValueKind::kNumber, help);
  field.range = range;
  field.assign = [&target, range](const Node& node) -> Result<void> {
    const auto value = read_number(node);
    if (!value || !range.contains(*value)) return mismatch();
    target = static_cast<float>(*value);
    return std::isfinite(target) ? Result<void>() : mismatch();
  };
  field.text = [&target] { return number_text(target); };
}

void Schema::key(std::string_view name, std::string& target, std::string_view help) {
  Field& field = add_field(name, ValueKind::kText, help);
  field.assign = [&target](const Node& node) -> Result<void> {
    auto value = read_text(node);
    if (!value) return mismatch();
    target = std::move(*value);
    return {};
  };
  field.text = [&target] { return quoted(target); };
}

void Schema::key(std::string_view name, std::chrono::milliseconds& target, std::string_view help,
                 Range range) {
  Field& field = add_field(name, ValueKind::kDuration, help);
  field.range = range;
  field.assign = [&target, range](const Node& node) -> Result<void> {
    const auto value = read_duration(node);
    if (!value || !range.contains(static_cast<double>(value->count()))) return mismatch();
    target = *value;
    return {};
  };
  field.text = [&target] { return quoted(duration_text(target)); };
}

void Schema::key(std::string_view name, Size& target, std::string_view help, Range range) {
  Field& field = add_field(name, ValueKind::kSize, help);
  field.range = range;
  field.assign = [&target, range](const Node& node) -> Result<void> {
    const auto value = read_size(node);
    if (!value || !range.contains(static_cast<double>(value->bytes))) return mismatch();
    target = *value;
    return {};
  };
  field.text = [&target] { return quoted(size_text(target)); };
}

void Schema::key(std::string_view name, std::vector<double>& target, std::string_view help,
                 Range range) {
  Field& field = add_field(name, ValueKind::kNumber, help);
  field.is_list = true;
  field.range = range;
  field.assign = [&target, range](const Node& node) -> Result<void> {
    auto values = read_elements<double>(node, read_number,
                                        [range](double value) { return range.contains(value); });
    if (!values) return mismatch();
    target = std::move(*values);
    return {};
  };
  field.text = [&target] { return list_text(target, [](double v) { return number_text(v); }); };
}

void Schema::key(std::string_view name, std::vector<std::uint32_t>& target, std::string_view help,
                 Range range) {
  range.low = std::max(range.low, 0.0);
  range.high = std::min(range.high, 4294967295.0);
  Field& field = add_field(name, ValueKind::kInteger, help);
  field.is_list = true;
  field.range = range;
  field.assign = [&target, range](const Node& node) -> Result<void> {
    auto values = read_elements<std::uint32_t>(node, read_integer, [range](std::int64_t value) {
      return range.contains(static_cast<double>(value));
    });
    if (!values) return mismatch();
    target = std::move(*values);
    return {};
  };
  field.text = [&target] {
    return list_text(target, [](std::uint32_t value) { return std::to_string(value); });
  };
}

void Schema::key(std::string_view name, std::vector<std::string>& target, std::string_view help,
                 std::vector<std::string> choices) {
  Field& field = add_field(name, ValueKind::kText, help);
  field.is_list = true;
  field.choices = choices;
  field.assign = [&target, choices](const Node& node) -> Result<void> {
    auto values = read_elements<std::string>(node, read_text, [&choices](const std::string& value) {
      return choices.empty() || is_in(choices, value);
    });
    if (!values) return mismatch();
    target = std::move(*values);
    return {};
  };
  field.text = [&target] { return list_text(target, quoted); };
}

void Schema::pair(std::string_view name, double& first, double& second, std::string_view help,
                  Range range) {
  Field& field = add_field(name, ValueKind::kNumber, help);
  field.is_list = true;
  field.list_size = 2;
  field.range = range;
  field.assign = [&first, &second, range](const Node& node) -> Result<void> {
    const auto values = read_elements<double>(
        node, read_number, [range](double value) { return range.contains(value); });
    if (!values || values->size() != 2) return mismatch();
    first = values->front();
    second = values->back();
    return {};
  };
  field.text = [&first, &second] {
    return "[" + number_text(first) + ", " + number_text(second) + "]";
  };
}

void Schema::choice(std::string_view name, std::string& target, std::vector<std::string> choices,
                    std::string_view help) {
  key(name, target, help);
  Field& field = rows_.back().field;
  field.kind = ValueKind::kChoice;
  field.choices = choices;
  field.assign = [&target, choices](const Node& node) -> Result<void> {
    const auto value = read_text(node);
    if (!value || !is_in(choices, *value)) return mismatch();
    target = *value;
    return {};
  };
}

bool Schema::has(std::string_view key) const {
  return std::any_of(rows_.begin(), rows_.end(), [key](const Row& row) {
    const std::string& present = row.key();
    return present == key ||
           (present.size() > key.size() && present.starts_with(key) && present[key.size()] == '.');
  });
}

std::vector<std::string> Schema::keys() const {
  std::vector<std::string> keys;
  for (const Row& row : rows_) {
    if (!row.is_items) {
      keys.push_back(row.field.key);
      continue;
    }
    for (const std::string& below : row.items.blank().keys()) {
      keys.push_back(row.items.key + "." + below);
    }
  }
  return keys;
}

std::vector<std::string> Schema::children(std::string_view table) const {
  std::vector<std::string> names;
  for (const Row& row : rows_) {
    std::string_view key = row.key();
    if (!table.empty()) {
      if (!key.starts_with(table) || key.size() <= table.size() || key[table.size()] != '.') {
        continue;
      }
      key.remove_prefix(table.size() + 1);
    }
    std::string name(key.substr(0, key.find('.')));
    if (!is_in(names, name)) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace assay::config
