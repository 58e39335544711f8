#include "verifiers/sql/reference_results.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "verifiers/sql/sql_names.h"

namespace assay::verifiers::sql {

namespace {

constexpr std::size_t kBytesMax = 256u << 20;
constexpr int kReferencePatience = 5;

std::size_t size_of(const ReferenceResult& result) {
  std::size_t bytes = sizeof(result) + result.groups.size() * sizeof(std::size_t);
  for (const Value& cell : result.answer.table.cells) {
    bytes += sizeof(cell);
    if (const auto* text = std::get_if<std::string>(&cell)) bytes += text->size();
    if (const auto* blob = std::get_if<Blob>(&cell)) bytes += blob->bytes.size();
  }
  return bytes;
}

std::string unquoted(std::string name) {
  if (name.size() > 2 && std::string_view("\"`[").find(name[0]) != std::string_view::npos) {
    name = name.substr(1, name.size() - 2);
  }
  return lower_case(name);
}

// The column of the result that a key is, by number or by name; the last part of table.column
// counts where no column has the whole name.
std::optional<std::size_t> column_of(const OrderKey& key, const std::vector<std::string>& columns) {
  if (key.position > 0) {
    return key.position <= columns.size() ? std::optional(key.position - 1) : std::nullopt;
  }
  const std::string wanted = unquoted(key.expression);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (lower_case(columns[i]) == wanted) return i;
  }
  return {};
}

bool starts_with_columns_of(const ResultTable& keyed, const ResultTable& plain) {
  if (keyed.row_count() != plain.row_count() || keyed.column_count < plain.column_count) {
    return false;
  }
  for (std::size_t row = 0; row < plain.row_count(); ++row) {
    for (std::size_t column = 0; column < plain.column_count; ++column) {
      if (!is_same_value(keyed.at(row, column), plain.at(row, column), {0, 0, 0})) return false;
    }
  }
  return true;
}

}  // namespace

std::vector<std::size_t> runs_of_equal_keys(const OutermostOrder& order, const QueryAnswer& answer,
                                            const QueryAnswer* keyed) {
  const std::size_t rows = answer.table.row_count();
  std::vector<std::size_t> key_columns;
  const ResultTable* table = &answer.table;
  const bool is_keyed = keyed != nullptr && keyed->status == QueryStatus::kDone &&
                        starts_with_columns_of(keyed->table, answer.table);
  if (is_keyed) table = &keyed->table;
  for (std::size_t i = 0; i < order.keys.size(); ++i) {
    const auto column = column_of(order.keys[i], answer.column_names);
    // Beyond the table's columns where nobody knows the key: then no two rows tie.
    key_columns.push_back(column.value_or(answer.table.column_count + i));
  }
  const auto is_tie = [&](std::size_t row) {
    return std::ranges::all_of(key_columns, [&](std::size_t column) {
      return column < table->column_count &&
             is_same_value(table->at(row - 1, column), table->at(row, column), {0, 0, 0});
    });
  };
  std::vector<std::size_t> runs;
  for (std::size_t row = 0; row < rows; ++row) {
    if (row > 0 && is_tie(row)) {
      ++runs.back();
    } else {
      runs.push_back(1);
    }
  }
  return runs;
}

ReferenceResult ReferenceResults::run(std::string_view reference, std::size_t database) const {
  QueryLimits limits = options_.limits;
  limits.time *= kReferencePatience;
  limits.steps_max *= kReferencePatience;
  const auto ask = [&](std::string_view query) {
    return engine_.run(database, query, QueryAuthor::kReference, limits);
  };
  ReferenceResult result;
  result.answer = ask(reference);
  if (result.answer.status != QueryStatus::kDone || !options_.is_order_sensitive) return result;
  const OutermostOrder order = outermost_order(reference, options_.dialect);
  if (order.keys.empty()) return result;
  const bool needs_keys = std::ranges::any_of(
      order.keys, [&](const OrderKey& key) { return !column_of(key, result.answer.column_names); });
  std::optional<QueryAnswer> keyed;
  if (needs_keys && !order.keyed_query.empty()) keyed = ask(order.keyed_query);
  result.groups = runs_of_equal_keys(order, result.answer, keyed ? &*keyed : nullptr);
  return result;
}

std::shared_ptr<const ReferenceResult> ReferenceResults::of(std::string_view reference,
                                                            std::size_t database) {
  const std::pair key(sha256(reference), database);
  {
    const std::lock_guard lock(mutex_);
    const auto found = results_.find(key);
    if (found != results_.end()) return found->second;
  }
  // Two threads may run the same reference once each; both get the same rows.
  const auto result = std::make_shared<const ReferenceResult>(run(reference, database));
  if (result->answer.status != QueryStatus::kDone) return result;
  const std::lock_guard lock(mutex_);
  if (bytes_ > kBytesMax) {
    results_.clear();
    bytes_ = 0;
  }
  if (results_.emplace(key, result).second) bytes_ += size_of(*result);
  return result;
}

}  // namespace assay::verifiers::sql
