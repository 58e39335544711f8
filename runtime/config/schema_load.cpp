// Schema::load: checks a tree against the table, assigns it, and notes where each value came from.
#include <charconv>

#include "runtime/config/nearest.h"
#include "runtime/config/schema.h"
#include "runtime/config/value_text.h"

namespace assay::config {
namespace {

// "configs/a.toml:12:7" -> "configs/a.toml:12"; anything else stays as it is.
std::string without_column(const std::string& place) {
  const std::size_t last = place.rfind(':');
  if (last == std::string::npos || last == 0 || last + 1 == place.size()) return place;
  if (place.find_first_not_of("0123456789", last + 1) != std::string::npos) return place;
  const std::size_t before = place.rfind(':', last - 1);
  if (before == std::string::npos) return place;
  return place.substr(0, last);
}

// A key that ends in the same word, for values that were put into the wrong table.
std::optional<std::string> same_word_elsewhere(const std::string& word,
                                               const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (key.ends_with("." + word) || key == word) return key;
  }
  return std::nullopt;
}

Error wrong_type(const std::string& key, const Node& found, const std::string& expected) {
  return Error{ErrorCode::kInvalidInput, "wrong value for `" + key + "`: found " + kind_of(found),
               "expected " + expected, found.place, "E104"};
}

}  // namespace

struct Schema::Loading {
  std::vector<ResolvedValue> values;
  std::vector<Error> errors;
  std::vector<std::string> all_keys;  // of the whole config
  std::string items_key;              // of the array of tables being walked; empty at the root
};

Error Schema::unknown_key(const Entry& entry, const std::string& table,
                          const Loading& loading) const {
  const std::string shown = loading.items_key.empty() || table.empty()
                                ? loading.items_key + table
                                : loading.items_key + "." + table;
  Error error{ErrorCode::kInvalidInput, "unknown key `" + entry.key + "`", {}, entry.place, "E103"};
  if (!shown.empty()) error.message += " in [" + shown + "]";
  auto meant = nearest_name(entry.key, children(table));
  if (!meant) meant = same_word_elsewhere(entry.key, loading.all_keys);
  if (meant) error.remedy = "did you mean `" + *meant + "`? ";
  error.remedy +=
      "`assay config show" + (shown.empty() ? "" : " --keys " + shown) + "` lists the valid keys";
  return error;
}

void Schema::check_keys(const Node& node, const std::string& table, Loading& loading) const {
  for (const Entry& entry : std::get<Table>(node.value)) {
    const std::string key = table.empty() ? entry.key : table + "." + entry.key;
    const auto is_row = [&key](const Row& row) { return row.key() == key; };
    if (std::any_of(rows_.begin(), rows_.end(), is_row)) continue;
    if (!has(key)) {
      loading.errors.push_back(unknown_key(entry, table, loading));
    } else if (std::holds_alternative<Table>(entry.node.value)) {
      check_keys(entry.node, key, loading);
    } else {
      loading.errors.push_back(wrong_type(key, entry.node, "a table: write it as [" + key + "]"));
    }
  }
}

void Schema::load_field(const Field& field, const Node* node, const std::string& shown,
                        Loading& loading) const {
  if (node != nullptr && !field.assign(*node)) {
    loading.errors.push_back(wrong_type(shown, *node, field.expected() + " (" + field.help + ")"));
  }
  const std::string place = node == nullptr ? "" : node->place;
  const std::string origin = node == nullptr ? "default" : without_column(place);
  loading.values.push_back({shown, field.text(), origin, place, field.help});
}

void Schema::load_items(const Items& items, const Node* node, const std::string& shown,
                        Loading& loading) const {
  if (node == nullptr) return;
  const std::string expected = "tables: write each as [[" + items.key + "]]";
  const List* list = std::get_if<List>(&node->value);
  if (list == nullptr) {
    loading.errors.push_back(wrong_type(shown, *node, expected));
    return;
  }
  items.resize(list->size());
  for (std::size_t index = 0; index < list->size(); ++index) {
    const Node& item = (*list)[index];
    const std::string item_shown = shown + "[" + std::to_string(index) + "]";
    if (!std::holds_alternative<Table>(item.value)) {
      loading.errors.push_back(wrong_type(item_shown, item, expected));
      continue;
    }
    const Schema schema = items.item(index);
    const std::string outer = std::exchange(loading.items_key, items.key);
    schema.check_keys(item, "", loading);
    schema.load_rows(item, item_shown + ".", loading);
    loading.items_key = outer;
  }
}

void Schema::load_rows(const Node& root, const std::string& shown_prefix, Loading& loading) const {
  for (const Row& row : rows_) {
    const Node* node = root.find_path(row.key());
    if (row.is_items) {
      load_items(row.items, node, shown_prefix + row.key(), loading);
    } else {
      load_field(row.field, node, shown_prefix + row.key(), loading);
    }
  }
}

Result<std::vector<ResolvedValue>> Schema::load(const Node& root) const {
  Loading loading;
  loading.all_keys = keys();
  check_keys(root, "", loading);
  load_rows(root, "", loading);
  if (!loading.errors.empty()) return loading.errors.front();
  return std::move(loading.values);
}

}  // namespace assay::config
