#include "runtime/store/ledger_bench.h"

#include <gtest/gtest.h>

#include <iostream>

#include "tests/support/temporary_folder.h"

namespace assay::store {
namespace {

TEST(LedgerBench, ReportsItsFiguresBesideTheDisksCeiling) {
  const assay::testing::TemporaryFolder folder;
  LedgerBenchOptions options;
  options.folder = folder.root();
  options.groups = 600;
  const Result<LedgerBenchReport> report = ledger_bench(options);
  ASSERT_TRUE(report) << report.error().message;
  // fence + 600 groups of 1 issued, 8 generated, 8 verified, 1 dropped
  EXPECT_EQ(report->events, 1u + 600u * 18u);
  EXPECT_GT(report->events_per_s, 0);
  EXPECT_LE(report->commit_p50_ms, report->commit_p99_ms);
  std::cout << "durable events/s " << report->events_per_s << ", CPU us/event "
            << report->cpu_us_per_event << ", commit p50 " << report->commit_p50_ms << " ms p99 "
            << report->commit_p99_ms << " ms, fsyncs/s " << report->fsyncs_per_s
            << ", checked events/s " << report->checked_events_per_s << "\n";
}

}  // namespace
}  // namespace assay::store
