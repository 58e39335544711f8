// Schema: the typed table of a config. Each key is bound once to a variable, with help and limits;
// loading, help, JSON Schema and resolved.toml all come from that one table.
//
//   Schema schema;
//   schema.table("learner.optim", "the optimiser");
//   schema.key("lr", config.learner.optim.lr, "peak learning rate", Range::above(0));
//
// A schema borrows the variables it is bound to and is meant to live for one load.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/config/node.h"
#include "runtime/config/resolved.h"
#include "runtime/config/size.h"
#include "runtime/core/check.h"
#include "runtime/core/result.h"

namespace assay::config {

// Inclusive limits of a number, a duration in milliseconds, a size in bytes, or of each element of
// a list.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool is_low_excluded = false;

  static Range at_least(double low) { return {.low = low}; }
  static Range above(double low) { return {.low = low, .is_low_excluded = true}; }
  static Range between(double low, double high) { return {.low = low, .high = high}; }

  bool contains(double value) const;
  std::string to_text() const;  // " >= 1", " above 0", " in [0, 1]"; empty without limits
};

enum class ValueKind { kBool, kInteger, kNumber, kText, kDuration, kSize, kChoice, kObject };

// One key as the tables, the JSON Schema and the documents see it.
struct Field {
  std::string key;  // dotted, from the root of its schema
  std::string help;
  ValueKind kind = ValueKind::kText;
  bool is_list = false;
  std::size_t list_size = 0;  // 0: any
  Range range;
  std::vector<std::string> choices;
  std::function<Result<void>(const Node&)> assign;
  std::function<std::string()> text;  // the current value as canonical TOML

  std::string expected() const;  // "a whole number >= 2", "one of: mean, median"
};

class Schema {
 public:
  // Keys that follow are below this dotted table; "" returns to the root.
  void table(std::string_view name, std::string_view help);

  void key(std::string_view name, bool& target, std::string_view help);
  void key(std::string_view name, double& target, std::string_view help, Range range = {});
  void key(std::string_view name, float& target, std::string_view help, Range range = {});
  void key(std::string_view name, std::string& target, std::string_view help);
  void key(std::string_view name, std::chrono::milliseconds& target, std::string_view help,
           Range range = Range::at_least(0));
  void key(std::string_view name, Size& target, std::string_view help,
           Range range = Range::at_least(0));
  template <std::unsigned_integral T>
  void key(std::string_view name, T& target, std::string_view help, Range range = {});

  void key(std::string_view name, std::vector<double>& target, std::string_view help,
           Range range = {});
  void key(std::string_view name, std::vector<std::string>& target, std::string_view help,
           std::vector<std::string> choices = {});
  void key(std::string_view name, std::vector<std::uint32_t>& target, std::string_view help,
           Range range = Range::at_least(0));
  // A list of exactly two numbers, such as Adam's betas.
  void pair(std::string_view name, double& first, double& second, std::string_view help,
            Range range = {});

  // A table whose keys belong to someone else, kept as a JSON object on one line with its keys in
  // order: written as a TOML table, or as JSON text.
  void object(std::string_view name, std::string& target, std::string_view help);

  // A word out of a closed list, kept as text or as an enumerator.
  void choice(std::string_view name, std::string& target, std::vector<std::string> choices,
              std::string_view help);
  template <class Enum>
  void choice(std::string_view name, Enum& target,
              std::vector<std::pair<std::string, Enum>> choices, std::string_view help);

  // An array of tables, [[name]]: `describe(schema, item)` binds the keys of one item.
  template <class Item>
  void items(std::string_view name, std::vector<Item>& target, std::string_view help,
             void (*describe)(Schema&, Item&));

  // Assigns every value of the tree to its variable; keys that are absent keep their default.
  // Returns all values in table order, each with its origin.
  // Errors, only the first: kInvalidInput with E103 (unknown key; names the nearest) or E104 (wrong
  // type or out of range; says what is expected).
  Result<std::vector<ResolvedValue>> load(const Node& root) const;

  // Every key with its type, help, limits and default as JSON Schema (draft 2020-12).
  std::string to_json_schema(std::string_view title) const;

  // Every key, dotted; those of arrays of tables without an index.
  std::vector<std::string> keys() const;
  // True for a key, a table or an array of tables.
  bool has(std::string_view key) const;

 private:
  struct Items {
    std::string key;
    std::string help;
    std::function<void(std::size_t)> resize;
    std::function<Schema(std::size_t)> item;  // the schema of one item
    std::function<Schema()> blank;            // of an item with default values
  };
  struct Row {  // a field or an array of tables, in the order of description
    Field field;
    Items items;
    bool is_items = false;
    const std::string& key() const { return is_items ? items.key : field.key; }
  };
  struct Loading;

  std::string full_key(std::string_view name) const;
  Field& add_field(std::string_view name, ValueKind kind, std::string_view help);
  void add_integer(std::string_view name, std::string_view help, Range range,
                   std::function<void(std::int64_t)> set, std::function<std::int64_t()> get);
  void add_choice(std::string_view name, std::string_view help, std::vector<std::string> words,
                  std::function<void(std::size_t)> set, std::function<std::size_t()> get);
  void add_items(Items items);
  std::vector<std::string> children(std::string_view table) const;
  Error unknown_key(const Entry& entry, const std::string& table, const Loading& loading) const;
  void check_keys(const Node& node, const std::string& table, Loading& loading) const;
  void load_field(const Field& field, const Node* node, const std::string& shown,
                  Loading& loading) const;
  void load_items(const Items& items, const Node* node, const std::string& shown,
                  Loading& loading) const;
  std::string json_object() const;
  void load_rows(const Node& root, const std::string& shown_prefix, Loading& loading) const;

  std::vector<Row> rows_;
  std::vector<std::pair<std::string, std::string>> tables_;  // name, help
  std::string prefix_;
};

template <std::unsigned_integral T>
void Schema::key(std::string_view name, T& target, std::string_view help, Range range) {
  constexpr auto kTypeMax = static_cast<double>(
      std::min<std::uint64_t>(std::numeric_limits<T>::max(), std::uint64_t{1} << 53));
  range.low = std::max(range.low, 0.0);
  if (range.high > kTypeMax) range.high = kTypeMax;
  add_integer(
      name, help, range, [&target](std::int64_t value) { target = static_cast<T>(value); },
      [&target] { return static_cast<std::int64_t>(target); });
}

template <class Enum>
void Schema::choice(std::string_view name, Enum& target,
                    std::vector<std::pair<std::string, Enum>> choices, std::string_view help) {
  std::vector<std::string> words;
  for (const auto& [word, value] : choices) words.push_back(word);
  const auto index_of = [choices](Enum wanted) {
    std::size_t index = 0;
    while (index < choices.size() && choices[index].second != wanted) ++index;
    ASSAY_CHECK(index < choices.size(), "every enumerator in use has a word in the config");
    return index;
  };
  add_choice(
      name, help, std::move(words),
      [&target, choices](std::size_t index) { target = choices[index].second; },
      [&target, index_of] { return index_of(target); });
}

template <class Item>
void Schema::items(std::string_view name, std::vector<Item>& target, std::string_view help,
                   void (*describe)(Schema&, Item&)) {
  auto blank_item = std::make_shared<Item>();
  add_items({.key = full_key(name),
             .help = std::string(help),
             .resize = [&target](std::size_t count) { target.assign(count, Item{}); },
             .item =
                 [&target, describe](std::size_t index) {
                   Schema schema;
                   describe(schema, target[index]);
                   return schema;
                 },
             .blank =
                 [blank_item, describe] {
                   Schema schema;
                   describe(schema, *blank_item);
                   return schema;
                 }});
}

}  // namespace assay::config
