// Self-consistency of queries: which of several executions most of them agree with.
//
// For evaluation: draw a few completions, run them, and answer with the majority's. Pure; no
// reference is needed.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "verifiers/sql/query_answer.h"
#include "verifiers/sql/result_compare.h"

namespace assay::verifiers::sql {

struct ExecutionClass {
  std::size_t representative = 0;  // index of the first execution in it
  std::size_t count = 0;
};

struct ExecutionClasses {
  std::vector<ExecutionClass> classes;  // in the order of their representatives
  // [executions] the class of each, or kNoVote where a query did not run to its end.
  std::vector<std::size_t> class_of;

  static constexpr std::size_t kNoVote = static_cast<std::size_t>(-1);
};

// Executions that return the same rows, in any order, are one class: each joins the first class
// whose representative it agrees with.
ExecutionClasses classes_of(std::span<const QueryAnswer> executions, const CompareOptions& options);

// The execution to answer with: the representative of the largest class, the earliest of equal
// ones; ExecutionClasses::kNoVote where none ran to its end.
std::size_t majority_execution(const ExecutionClasses& classes);

// A name for a result, equal for equal multisets of rows: what evaluation may count as an answer
// (algo::AnswerClass) where only the verdict is at hand. Reals count by their first six digits, so
// two that are close but on different sides of a digit have different names.
std::string result_name(const ResultTable& table);

}  // namespace assay::verifiers::sql
