// Node: a parsed config as a tree, each value with the place it was written at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/core/result.h"

namespace assay::config {

struct Node;
struct Entry;

// A value as typed on the command line; its type is whatever the key wants.
struct RawText {
  std::string text;
};

// A TOML value no key of ours takes (dates, times); named in the error.
struct Foreign {
  std::string name;
};

using List = std::vector<Node>;
using Table = std::vector<Entry>;  // in written order, keys unique

struct Node {
  std::variant<Table, List, bool, std::int64_t, double, std::string, RawText, Foreign> value;
  std::string place;  // "file:line:column" or an option as typed

  // The value of `key` in a table; null for any other node or when it is absent.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  // The same over a dotted path of tables.
  const Node* find_path(std::string_view path) const;
};

struct Entry {
  std::string key;
  std::string place;  // where the key stands
  Node node;
};

// "a whole number", "a text", ...: how errors name what was found.
std::string kind_of(const Node& node);

// Lays `upper` over `lower`: tables merge key by key, everything else is replaced whole.
void merge(Node& lower, Node upper);

// Sets a dotted key, making tables on the way. An element of a list of tables is reached by index
// or by its `name`. Errors: kInvalidInput (E103) when there is no such element.
Result<void> set_path(Node& root, std::string_view path, Node value);

// `learner.optim.grad-norm` -> `learner.optim.grad_norm`.
std::string snake_case(std::string_view key);

}  // namespace assay::config
