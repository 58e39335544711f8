// ResultTable: what a query returned, as plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace assay::verifiers::sql {

struct Blob {
  std::string bytes;
  friend bool operator==(const Blob&, const Blob&) = default;
};

// NULL, INTEGER, REAL, TEXT or BLOB.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;

struct ResultTable {
  std::size_t column_count = 0;  // at least 1 where there is a row
  std::vector<Value> cells;      // [row_count, column_count], row by row

  std::size_t row_count() const { return column_count == 0 ? 0 : cells.size() / column_count; }
  const Value& at(std::size_t row, std::size_t column) const {
    return cells[row * column_count + column];
  }
};

}  // namespace assay::verifiers::sql
