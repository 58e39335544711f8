#include "verifiers/sql/result_compare.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace assay::verifiers::sql {

namespace {

// 2^53: integers beyond it are not all doubles.
constexpr std::int64_t kExactBound = std::int64_t{1} << 53;

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

double as_real(const Value& value) {
  const auto* whole = std::get_if<std::int64_t>(&value);
  return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value);
}

bool is_same_real(double a, double b, const CompareOptions& options) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  if (!std::isfinite(a) || !std::isfinite(b)) return false;
  return std::abs(a - b) <=
         std::max(options.rel_tol * std::max(std::abs(a), std::abs(b)), options.abs_tol);
}

bool is_same_whole_and_real(std::int64_t whole, double real, const CompareOptions& options) {
  if (whole >= -kExactBound && whole <= kExactBound &&
      std::abs(real) <= static_cast<double>(kExactBound)) {
    return is_same_real(static_cast<double>(whole), real, options);
  }
  constexpr double kWholeEnd = 9223372036854775808.0;  // 2^63
  return real >= -kWholeEnd && real < kWholeEnd && std::trunc(real) == real &&
         static_cast<std::int64_t>(real) == whole;
}

// A number that sorts as the value's place among the rows of its bucket.
double sort_key(const Value& value) {
  const double real = as_real(value);
  return std::isnan(real) ? HUGE_VAL : real;
}

void append(std::string& key, std::string_view bytes) {
  key += std::to_string(bytes.size());
  key += ':';
  key += bytes;
}

using Rows = std::vector<std::size_t>;

struct Bucket {
  Rows given, expected;
};

// Compares the same rows of two tables as multisets.
class MultisetCompare {
 public:
  MultisetCompare(const ResultTable& given, const ResultTable& expected,
                  const CompareOptions& options)
      : given_(given), expected_(expected), options_(options), pairs_left_(options.pairs_max) {}

  Agreement run(std::size_t begin, std::size_t end) {
    find_loose_columns(begin, end);
    std::unordered_map<std::string, Bucket> buckets;
    for (std::size_t row = begin; row < end; ++row) {
      buckets[exact_key(given_, row)].given.push_back(row);
      buckets[exact_key(expected_, row)].expected.push_back(row);
    }
    Agreement all = Agreement::kSame;
    for (auto& [key, bucket] : buckets) {
      if (bucket.given.size() != bucket.expected.size()) return Agreement::kDifferent;
    }
    if (loose_.empty()) return all;
    for (auto& [key, bucket] : buckets) {
      const Agreement one = match(bucket);
      if (one == Agreement::kDifferent) return one;
      if (one == Agreement::kUndecided) all = one;
    }
    return all;
  }

 private:
  // The columns in which some value is a real: only they need the tolerance.
  void find_loose_columns(std::size_t begin, std::size_t end) {
    loose_.clear();
    for (std::size_t column = 0; column < given_.column_count; ++column) {
      for (std::size_t row = begin; row < end; ++row) {
        if (std::holds_alternative<double>(given_.at(row, column)) ||
            std::holds_alternative<double>(expected_.at(row, column))) {
          loose_.push_back(column);
          break;
        }
      }
    }
  }

  // Everything of a row that is compared exactly. A number in a loose column leaves its mark only.
  std::string exact_key(const ResultTable& table, std::size_t row) const {
    std::string key;
    std::size_t next_loose = 0;
    for (std::size_t column = 0; column < table.column_count; ++column) {
      const Value& value = table.at(row, column);
      const bool is_loose = next_loose < loose_.size() && loose_[next_loose] == column;
      next_loose += is_loose ? 1 : 0;
      if (is_number(value)) {
        key += is_loose ? "n" : "i" + std::to_string(std::get<std::int64_t>(value)) + ";";
      } else if (const auto* text = std::get_if<std::string>(&value)) {
        key += 't';
        append(key, *text);
      } else if (const auto* blob = std::get_if<Blob>(&value)) {
        key += 'b';
        append(key, blob->bytes);
      } else {
        key += '0';
      }
    }
    return key;
  }

  bool is_same_row(std::size_t given, std::size_t expected) {
    pairs_left_ -= std::min<std::size_t>(pairs_left_, 1);
    return std::ranges::all_of(loose_, [&](std::size_t column) {
      const Value& a = given_.at(given, column);
      return !is_number(a) || is_same_value(a, expected_.at(expected, column), options_);
    });
  }

  static void sort_by(const ResultTable& table, const std::vector<std::size_t>& columns,
                      Rows& rows) {
    std::ranges::sort(rows, [&](std::size_t a, std::size_t b) {
      for (const std::size_t column : columns) {
        if (!is_number(table.at(a, column))) continue;
        const double x = sort_key(table.at(a, column)), y = sort_key(table.at(b, column));
        if (x != y) return x < y;
      }
      return false;
    });
  }

  bool is_same_in_order(const Bucket& bucket) {
    for (std::size_t i = 0; i < bucket.given.size(); ++i) {
      if (!is_same_row(bucket.given[i], bucket.expected[i])) return false;
    }
    return true;
  }

  // In one column alone, sorted values pair up whenever any pairing does.
  bool is_same_in_column(Bucket bucket, std::size_t column) const {
    sort_by(given_, {column}, bucket.given);
    sort_by(expected_, {column}, bucket.expected);
    for (std::size_t i = 0; i < bucket.given.size(); ++i) {
      const Value& a = given_.at(bucket.given[i], column);
      if (is_number(a) && !is_same_value(a, expected_.at(bucket.expected[i], column), options_)) {
        return false;
      }
    }
    return true;
  }

  Agreement match(Bucket& bucket) {
    sort_by(given_, loose_, bucket.given);
    sort_by(expected_, loose_, bucket.expected);
    if (is_same_in_order(bucket)) return Agreement::kSame;
    if (loose_.size() == 1 || bucket.given.size() == 1) return Agreement::kDifferent;
    for (const std::size_t column : loose_) {
      if (!is_same_in_column(bucket, column)) return Agreement::kDifferent;
    }
    return match_pairs(bucket);
  }

  // A perfect matching by augmenting paths: rows close to each other in every column may be paired
  // in more than one way, and sorting sees only one.
  Agreement match_pairs(const Bucket& bucket) {
    constexpr std::size_t kFree = SIZE_MAX;
    std::vector<std::size_t> partner(bucket.expected.size(), kFree);
    for (std::size_t start = 0; start < bucket.given.size(); ++start) {
      std::vector<std::size_t> reached_by(bucket.expected.size(), kFree);
      Rows queue = {start};
      std::size_t end = kFree;
      for (std::size_t next = 0; next < queue.size() && end == kFree; ++next) {
        for (std::size_t j = 0; j < bucket.expected.size() && end == kFree; ++j) {
          if (pairs_left_ == 0) return Agreement::kUndecided;
          if (reached_by[j] != kFree ||
              !is_same_row(bucket.given[queue[next]], bucket.expected[j])) {
            continue;
          }
          reached_by[j] = queue[next];
          if (partner[j] == kFree) {
            end = j;
          } else {
            queue.push_back(partner[j]);
          }
        }
      }
      if (end == kFree) return Agreement::kDifferent;
      rewire(end, start, reached_by, partner);
    }
    return Agreement::kSame;
  }

  static void rewire(std::size_t end, std::size_t start, const std::vector<std::size_t>& reached_by,
                     std::vector<std::size_t>& partner) {
    for (std::size_t row = SIZE_MAX; row != start;) {
      row = reached_by[end];
      const auto previous = std::ranges::find(partner, row);
      partner[end] = row;
      if (row != start) {
        end = static_cast<std::size_t>(previous - partner.begin());
      }
    }
  }

  const ResultTable& given_;
  const ResultTable& expected_;
  const CompareOptions& options_;
  std::size_t pairs_left_;
  std::vector<std::size_t> loose_;
};

std::string counted(std::size_t count, const char* thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace

bool is_same_value(const Value& a, const Value& b, const CompareOptions& options) {
  const auto* whole_a = std::get_if<std::int64_t>(&a);
  const auto* whole_b = std::get_if<std::int64_t>(&b);
  const auto* real_a = std::get_if<double>(&a);
  const auto* real_b = std::get_if<double>(&b);
  if (real_a != nullptr && real_b != nullptr) return is_same_real(*real_a, *real_b, options);
  if (whole_a != nullptr && real_b != nullptr) {
    return is_same_whole_and_real(*whole_a, *real_b, options);
  }
  if (real_a != nullptr && whole_b != nullptr) {
    return is_same_whole_and_real(*whole_b, *real_a, options);
  }
  return a == b;
}

Comparison compare_results(const ResultTable& given, const ResultTable& expected,
                           std::span<const std::size_t> groups, const CompareOptions& options) {
  if (given.column_count != expected.column_count) {
    return {Agreement::kDifferent, counted(given.column_count, "column") + ", expected " +
                                       std::to_string(expected.column_count)};
  }
  const std::size_t rows = expected.row_count();
  if (given.row_count() != rows) {
    return {Agreement::kDifferent,
            counted(given.row_count(), "row") + ", expected " + std::to_string(rows)};
  }
  const std::size_t whole[] = {rows};
  if (groups.empty()) groups = whole;
  MultisetCompare compare(given, expected, options);
  std::size_t begin = 0;
  for (const std::size_t size : groups) {
    const Agreement agreement = compare.run(begin, begin + size);
    if (agreement == Agreement::kUndecided) {
      return {agreement, "too many rows lie within the tolerance of each other"};
    }
    if (agreement == Agreement::kDifferent) {
      const bool is_ordered = groups.size() > 1;
      return {agreement, is_ordered
                             ? "the rows from row " + std::to_string(begin + 1) + " on differ"
                             : "the rows differ"};
    }
    begin += size;
  }
  return {};
}

}  // namespace assay::verifiers::sql
