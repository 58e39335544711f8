#include "verifiers/sql/sql_bench.h"

#include <gtest/gtest.h>

namespace assay::verifiers::sql {
namespace {

TEST(SqlBench, JudgesItsCasesRightAndNamesItsFigures) {
  VerifierBenchOptions options;
  options.threads = 1;
  options.round_s = 0.01;
  options.repeats = 1;

  const auto figures = sql_bench(options);

  ASSERT_TRUE(figures) << figures.error().message;
  ASSERT_EQ(figures->size(), 7u);
  EXPECT_EQ((*figures)[5].kind.name, "sql_beyond_query_p50_us");
  EXPECT_EQ((*figures)[6].kind.name, "sql_beyond_query_p99_us");
  EXPECT_GT((*figures)[6].value, 0);
}

}  // namespace
}  // namespace assay::verifiers::sql
