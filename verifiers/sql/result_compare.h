// Whether two results are the same answer: rows as a multiset, numbers within a tolerance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "verifiers/sql/result_table.h"

namespace assay::verifiers::sql {

struct CompareOptions {
  double rel_tol = 1e-6;  // of the larger of two reals
  double abs_tol = 1e-9;
  // Pairs of rows that are tried where several columns are within the tolerance of several rows.
  std::size_t pairs_max = 4'000'000;
};

enum class Agreement : std::uint8_t { kSame, kDifferent, kUndecided };

struct Comparison {
  Agreement agreement = Agreement::kSame;
  std::string reason;  // what differs, for people; the contents of rows are not in it
};

// NULL is the same as NULL; integers are exact; an integer and a real are compared exactly beyond
// 2^53, else within the tolerance like two reals; text and blobs byte for byte, and never the same
// as each other or as a number. Infinities are the same as themselves only, and so is NaN.
bool is_same_value(const Value& a, const Value& b, const CompareOptions& options);

// Compares `given` with `expected`: the number of columns, then the rows.
//   `groups`: the sizes of runs of rows of `expected`, in order, that add up to its rows. Each run
//   is compared as a multiset with the rows at the same places. Empty: all rows are one.
// Duplicates count. Rows are paired exactly, not greedily: kUndecided only where more than
// pairs_max pairs would have to be tried.
Comparison compare_results(const ResultTable& given, const ResultTable& expected,
                           std::span<const std::size_t> groups, const CompareOptions& options);

}  // namespace assay::verifiers::sql
