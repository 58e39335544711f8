#include "verifiers/sql/sql_text.h"

#include <gtest/gtest.h>

namespace assay::verifiers::sql {
namespace {

std::vector<std::string> words(std::string_view query, Dialect dialect = Dialect::kSqlite) {
  std::vector<std::string> list;
  for (const Token& token : tokens_of(query, dialect)) list.emplace_back(token.text);
  return list;
}

std::vector<std::string> keys(std::string_view query) {
  std::vector<std::string> list;
  for (const OrderKey& key : outermost_order(query, Dialect::kSqlite).keys) {
    list.push_back(key.expression);
  }
  return list;
}

using Words = std::vector<std::string>;

TEST(SqlTokens, TextsNamesAndCommentsAreWhole) {
  EXPECT_EQ(words("SELECT 'it''s ;' /* ; */ FROM \"a b\" -- ;\n WHERE [c]=`d`"),
            (Words{"SELECT", "'it''s ;'", "FROM", "\"a b\"", "WHERE", "[c]", "=", "`d`"}));
  EXPECT_EQ(words("x'0f'||1.5e-3||.5"), (Words{"x'0f'", "|", "|", "1.5e-3", "|", "|", ".5"}));
}

TEST(SqlTokens, PostgresqlHasDollarTextsEscapesAndNestedComments) {
  const Dialect dialect = Dialect::kPostgresql;

  EXPECT_EQ(words("$tag$ ; ' $tag$ e'a\\'b' /* /* ; */ ; */ 1", dialect),
            (Words{"$tag$ ; ' $tag$", "e'a\\'b'", "1"}));
  EXPECT_EQ(words("a[1]", dialect), (Words{"a", "[", "1", "]"}));
}

TEST(SqlTokens, WhatIsNotClosedEndsWithTheText) {
  EXPECT_EQ(words("SELECT 'open"), (Words{"SELECT", "'open"}));
  EXPECT_EQ(words("1 /* open"), (Words{"1"}));
  EXPECT_EQ(words("[open"), (Words{"[open"}));
  EXPECT_EQ(words("'"), (Words{"'"}));
  EXPECT_EQ(words("$$open", Dialect::kPostgresql), (Words{"$$open"}));
  EXPECT_EQ(words("))(("), (Words{")", ")", "(", "("}));
}

TEST(QueryIn, TheLastSqlBlockCountsElseTheLastBlockElseAll) {
  EXPECT_EQ(query_in("  SELECT 1 "), "SELECT 1");
  EXPECT_EQ(query_in("a\n```sql\nSELECT 1\n```\nb\n```SQL\nSELECT 2;\n```"), "SELECT 2;");
  EXPECT_EQ(query_in("```sql\nSELECT 1\n```\n```text\nthree rows\n```"), "SELECT 1");
  EXPECT_EQ(query_in("```\nSELECT 1\n```"), "SELECT 1");
  EXPECT_EQ(query_in("```sql\nSELECT 1"), "SELECT 1");
  EXPECT_EQ(query_in("SELECT '```sql'"), "SELECT '```sql'");
  EXPECT_EQ(query_in("<think>\n```sql\nSELECT 1\n```\n</think>SELECT 2"), "SELECT 2");
  EXPECT_EQ(query_in("```"), "");
  EXPECT_EQ(query_in(""), "");
}

TEST(OutermostOrder, SeesOnlyTheOutermostSelect) {
  EXPECT_EQ(keys("SELECT a FROM t ORDER BY a DESC, b+1 NULLS LAST LIMIT 3"), (Words{"a", "b+1"}));
  EXPECT_EQ(keys("SELECT a FROM (SELECT a FROM t ORDER BY a)"), Words{});
  EXPECT_EQ(keys("WITH x AS (SELECT a FROM t ORDER BY a) SELECT a FROM x"), Words{});
  EXPECT_EQ(keys("SELECT rank() OVER (ORDER BY a) FROM t"), Words{});
  EXPECT_EQ(keys("SELECT 'ORDER BY a' FROM t -- ORDER BY a"), Words{});
  EXPECT_EQ(keys("SELECT a FROM t ORDER/**/BY max(a, b), c ASC;"), (Words{"max(a, b)", "c"}));
}

TEST(OutermostOrder, WritesTheKeysAsColumnsWhereThatIsPossible) {
  const auto keyed = [](std::string_view query) {
    return outermost_order(query, Dialect::kSqlite).keyed_query;
  };

  EXPECT_EQ(keyed("SELECT a FROM t ORDER BY b"), "SELECT a , (b) FROM t ORDER BY b");
  EXPECT_EQ(keyed("SELECT (SELECT 1 FROM u) FROM t ORDER BY 1"),
            "SELECT (SELECT 1 FROM u) , (NULL) FROM t ORDER BY 1");
  EXPECT_EQ(keyed("SELECT DISTINCT a FROM t ORDER BY b"), "");
  EXPECT_EQ(keyed("SELECT a FROM t UNION SELECT b FROM t ORDER BY 1"), "");
  EXPECT_EQ(keyed("SELECT 1 ORDER BY 1"), "");
}

TEST(WithoutSemicolons, DropsThoseAtTheEndOnly) {
  EXPECT_EQ(without_semicolons("SELECT ';' ; ; -- end", Dialect::kSqlite), "SELECT ';'");
  EXPECT_EQ(without_semicolons("SELECT 1; SELECT 2", Dialect::kSqlite), "SELECT 1; SELECT 2");
  EXPECT_EQ(without_semicolons(" ;", Dialect::kSqlite), "");
}

}  // namespace
}  // namespace assay::verifiers::sql
