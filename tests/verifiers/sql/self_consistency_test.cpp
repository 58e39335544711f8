#include "verifiers/sql/self_consistency.h"

#include <gtest/gtest.h>

namespace assay::verifiers::sql {
namespace {

QueryAnswer returned(std::vector<Value> cells) {
  QueryAnswer answer;
  answer.status = QueryStatus::kDone;
  answer.table = {1, std::move(cells)};
  return answer;
}

Value whole(std::int64_t value) {
  return value;
}

TEST(SelfConsistency, TheMostFrequentExecutionAnswers) {
  const std::vector<QueryAnswer> executions = {
      returned({whole(1)}), returned({whole(2), whole(3)}), returned({Value(3.0), whole(2)}),
      QueryAnswer::ended(QueryStatus::kFailed, "no such column")};

  const ExecutionClasses found = classes_of(executions, {});

  EXPECT_EQ(found.class_of, (std::vector<std::size_t>{0, 1, 1, ExecutionClasses::kNoVote}));
  EXPECT_EQ(found.classes[1].count, 2u);
  EXPECT_EQ(majority_execution(found), 1u);
}

TEST(SelfConsistency, TheEarliestOfEqualClassesAnswersAndFailuresDoNotVote) {
  const auto failed = QueryAnswer::ended(QueryStatus::kTimedOut, "slow");
  const std::vector<QueryAnswer> tied = {failed, failed, returned({whole(7)}),
                                         returned({whole(8)})};
  const std::vector<QueryAnswer> none = {failed};

  EXPECT_EQ(majority_execution(classes_of(tied, {})), 2u);
  EXPECT_EQ(majority_execution(classes_of(none, {})), ExecutionClasses::kNoVote);
  EXPECT_EQ(majority_execution(classes_of({}, {})), ExecutionClasses::kNoVote);
}

TEST(ResultName, IsThatOfTheMultiset) {
  const auto name = [](std::vector<Value> cells) { return result_name({1, std::move(cells)}); };

  EXPECT_EQ(name({whole(1), whole(2)}), name({Value(2.0), whole(1)}));
  EXPECT_NE(name({whole(1), whole(1)}), name({whole(1)}));
  EXPECT_NE(name({Value(std::string("1"))}), name({whole(1)}));
  EXPECT_NE(name({Value(Blob{"a"})}), name({Value(std::string("a"))}));
  EXPECT_EQ(name({Value(0.1 + 0.2)}), name({Value(0.3)}));
  EXPECT_NE(result_name({1, {}}), result_name({2, {}}));
}

}  // namespace
}  // namespace assay::verifiers::sql
