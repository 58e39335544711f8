#include "verifiers/sql/self_consistency.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "runtime/core/digest.h"

namespace assay::verifiers::sql {

namespace {

std::string name_of(double real) {
  if (real == 0) real = 0;  // not -0
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.5e", real);
  return text.data();
}

// An integer by all its digits where a double would lose some, else like the real it equals.
std::string name_of(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return "i" + std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&value)) {
    constexpr double kExact = 9007199254740992.0;  // 2^53
    if (std::trunc(*real) == *real && std::abs(*real) <= kExact) {
      return "i" + std::to_string(static_cast<std::int64_t>(*real));
    }
    return "r" + name_of(*real);
  }
  if (const auto* text = std::get_if<std::string>(&value)) return "t" + *text;
  if (const auto* blob = std::get_if<Blob>(&value)) return "b" + blob->bytes;
  return "0";
}

}  // namespace

ExecutionClasses classes_of(std::span<const QueryAnswer> executions,
                            const CompareOptions& options) {
  ExecutionClasses found;
  found.class_of.assign(executions.size(), ExecutionClasses::kNoVote);
  for (std::size_t i = 0; i < executions.size(); ++i) {
    if (executions[i].status != QueryStatus::kDone) continue;
    const auto same = std::ranges::find_if(found.classes, [&](const ExecutionClass& one) {
      return compare_results(executions[i].table, executions[one.representative].table, {}, options)
                 .agreement == Agreement::kSame;
    });
    found.class_of[i] = static_cast<std::size_t>(same - found.classes.begin());
    if (same == found.classes.end()) {
      found.classes.push_back({i, 1});
    } else {
      ++same->count;
    }
  }
  return found;
}

std::size_t majority_execution(const ExecutionClasses& classes) {
  const auto largest = std::ranges::max_element(classes.classes, {}, &ExecutionClass::count);
  return largest == classes.classes.end() ? ExecutionClasses::kNoVote : largest->representative;
}

std::string result_name(const ResultTable& table) {
  std::vector<std::string> rows;
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    Hasher hasher;
    for (std::size_t column = 0; column < table.column_count; ++column) {
      hasher.add_field(name_of(table.at(row, column)));
    }
    rows.push_back(hasher.finish().hex());
  }
  std::ranges::sort(rows);
  Hasher hasher;
  hasher.add_u64(table.column_count);
  for (const std::string& row : rows) hasher.add_field(row);
  return hasher.finish().short_hex();
}

}  // namespace assay::verifiers::sql
