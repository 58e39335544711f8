#include "runtime/config/node.h"

#include <charconv>

namespace assay::config {
namespace {

Error no_such_element(std::string_view wanted, std::string_view list, const List& items,
                      const std::string& place) {
  std::string names;
  for (const Node& item : items) {
    const Node* name = item.find("name");
    if (name == nullptr || !std::holds_alternative<std::string>(name->value)) continue;
    names += (names.empty() ? "" : ", ") + std::get<std::string>(name->value);
  }
  return Error{ErrorCode::kInvalidInput,
               "`" + std::string(list) + "` has no element `" + std::string(wanted) + "`",
               names.empty() ? "give its index, counted from 0" : "it has: " + names, place,
               "E103"};
}

Node* element_of(List& items, std::string_view wanted) {
  std::size_t index = 0;
  const char* end = wanted.data() + wanted.size();
  if (std::from_chars(wanted.data(), end, index).ptr == end) {
    return index < items.size() ? &items[index] : nullptr;
  }
  for (Node& item : items) {
    const Node* name = item.find("name");
    if (name == nullptr) continue;
    const auto* text = std::get_if<std::string>(&name->value);
    if (text != nullptr && snake_case(*text) == snake_case(wanted)) return &item;
  }
  return nullptr;
}

Node& entry_of(Table& table, const std::string& key, const std::string& place) {
  for (Entry& entry : table) {
    if (entry.key == key) return entry.node;
  }
  table.push_back({key, place, Node{Table{}, place}});
  return table.back().node;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const Table* table = std::get_if<Table>(&value);
  if (table == nullptr) return nullptr;
  for (const Entry& entry : *table) {
    if (entry.key == key) return &entry.node;
  }
  return nullptr;
}

Node* Node::find(std::string_view key) {
  return const_cast<Node*>(static_cast<const Node*>(this)->find(key));
}

const Node* Node::find_path(std::string_view path) const {
  const Node* node = this;
  while (node != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    node = node->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return node;
}

std::string kind_of(const Node& node) {
  struct Namer {
    std::string operator()(const Table&) const { return "a table"; }
    std::string operator()(const List&) const { return "a list"; }
    std::string operator()(bool value) const { return value ? "`true`" : "`false`"; }
    std::string operator()(std::int64_t value) const { return "`" + std::to_string(value) + "`"; }
    std::string operator()(double) const { return "a fractional number"; }
    std::string operator()(const std::string& text) const {
      return "the text \"" + text.substr(0, 40) + "\"";
    }
    std::string operator()(const RawText& raw) const { return "`" + raw.text.substr(0, 40) + "`"; }
    std::string operator()(const Foreign& foreign) const { return foreign.name; }
  };
  return std::visit(Namer{}, node.value);
}

void merge(Node& lower, Node upper) {
  Table* below = std::get_if<Table>(&lower.value);
  Table* above = std::get_if<Table>(&upper.value);
  if (below == nullptr || above == nullptr) {
    lower = std::move(upper);
    return;
  }
  for (Entry& entry : *above) {
    Node* present = lower.find(entry.key);
    if (present != nullptr) {
      merge(*present, std::move(entry.node));
    } else {
      below->push_back(std::move(entry));
    }
  }
}

Result<void> set_path(Node& root, std::string_view path, Node value) {
  Node* node = &root;
  std::string_view walked;
  std::string_view rest = path;
  while (true) {
    const std::size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    if (List* items = std::get_if<List>(&node->value)) {
      Node* element = element_of(*items, part);
      if (element == nullptr) return no_such_element(part, walked, *items, value.place);
      node = element;
    } else {
      if (!std::holds_alternative<Table>(node->value)) node->value = Table{};
      node = &entry_of(std::get<Table>(node->value), snake_case(part), value.place);
    }
    walked = path.substr(0, static_cast<std::size_t>(part.data() + part.size() - path.data()));
    if (dot == std::string_view::npos) break;
    rest = rest.substr(dot + 1);
  }
  *node = std::move(value);
  return {};
}

std::string snake_case(std::string_view key) {
  std::string text(key);
  for (char& letter : text) {
    if (letter == '-') letter = '_';
  }
  return text;
}

}  // namespace assay::config
