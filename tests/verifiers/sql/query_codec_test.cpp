#include "verifiers/sql/query_codec.h"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::verifiers::sql {
namespace {

CompanionReply reply() {
  CompanionReply made;
  made.answer.status = QueryStatus::kDone;
  made.answer.column_names = {"a", "b"};
  made.answer.touched = {"t.a"};
  made.answer.query_us = 17;
  made.answer.table = {2, {Value(), std::int64_t{-5}, -0.0, std::string("x\0y", 3)}};
  return made;
}

TEST(QueryCodec, KeepsEveryKindOfValue) {
  const auto read = decode_reply(encode(reply()));

  ASSERT_TRUE(read);
  EXPECT_EQ(read->answer.table.cells, reply().answer.table.cells);
  EXPECT_TRUE(std::signbit(std::get<double>(read->answer.table.cells[2])));
  EXPECT_EQ(read->answer.column_names, reply().answer.column_names);
  EXPECT_EQ(read->answer.touched, reply().answer.touched);
  EXPECT_EQ(read->answer.query_us, 17u);
}

TEST(QueryCodec, KeepsARequest) {
  CompanionRequest request;
  request.database = sha256("x");
  request.query = "SELECT 1";
  request.author = QueryAuthor::kReference;
  request.limits = {std::chrono::milliseconds(5), 6, 7, 8};
  const auto read = decode_request(encode(request));

  ASSERT_TRUE(read);
  EXPECT_EQ(read->database, request.database);
  EXPECT_EQ(read->query, "SELECT 1");
  EXPECT_EQ(read->author, QueryAuthor::kReference);
  EXPECT_EQ(read->limits.rows_max, 7u);
}

TEST(QueryCodec, RefusesWhatIsCutOrDamaged) {
  const std::string whole = encode(reply());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_reply(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_reply(whole + "x"));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = '\xff';
    static_cast<void>(decode_reply(damaged));  // must only return
  }
}

TEST(DatabaseSource, EveryPartOfItCountsForItsDigest) {
  const DatabaseSource plain{"", "a", {}, false};

  EXPECT_EQ(plain.digest(), (DatabaseSource{"", "a", {}, false}).digest());
  EXPECT_NE(plain.digest(), (DatabaseSource{"a", "", {}, false}).digest());
  EXPECT_NE(plain.digest(), (DatabaseSource{"", "a", {"t"}, false}).digest());
  EXPECT_NE(plain.digest(), (DatabaseSource{"", "a", {}, true}).digest());
}

}  // namespace
}  // namespace assay::verifiers::sql
