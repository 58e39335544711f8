#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <iostream>
#include <thread>

#include "runtime/core/json.h"
#include "tests/verifiers/sql/postgres_server.h"
#include "verifiers/registry.h"
#include "verifiers/sql/postgres_policy.h"

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;
using wire::Outcome;
using wire::VerdictCode;

constexpr const char* kTables = R"(
CREATE TABLE item(id int PRIMARY KEY, label text, kind text, price numeric(8,2), weight float8,
                  is_new boolean, tag bytea);
INSERT INTO item VALUES
  (1, 'bolt', 'metal', 0.25, 1.5, true, '\x00ff'), (2, 'nut', 'metal', 0.10, 0.5, false, NULL),
  (3, 'plank', 'wood', 7.50, 900, true, '\x01'), (4, 'peg', 'wood', 0.10, 2, NULL, NULL),
  (5, 'rope', NULL, NULL, NULL, false, '');
CREATE TABLE sale(item int, day date, amount int);
INSERT INTO sale VALUES (1, '2024-01-05', 10), (1, '2024-01-06', 5), (3, '2024-01-06', 1),
  (2, '2024-02-01', 100), (2, '2024-02-01', 100), (4, NULL, 3);
CREATE TABLE payroll(person text, pay int); INSERT INTO payroll VALUES ('Kim', 4200);
CREATE TABLE big AS SELECT n FROM generate_series(1, 3000) n;
GRANT SELECT ON item, sale, big TO reader;
GRANT SELECT ON payroll, item TO clerk;
GRANT SELECT, INSERT ON item TO writer;)";

// One server for all tests of this file.
class Postgres : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = testing::PostgresServer::start(why_not_).release();
    if (server_ == nullptr) return;
    server_->run("postgres",
                 "CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN; CREATE ROLE clerk LOGIN;"
                 "ALTER ROLE reader SET temp_file_limit = '4MB'");
    for (const char* database : {"shop", "other"}) {
      const std::string name = database;
      server_->run("postgres", "CREATE DATABASE " + name);
      server_->run("postgres", "REVOKE ALL ON DATABASE " + name +
                                   " FROM PUBLIC; GRANT CONNECT ON "
                                   "DATABASE " +
                                   name + " TO reader, writer, clerk");
      server_->run(name, kTables);
    }
    server_->run("other", "UPDATE item SET kind = 'metal' WHERE label = 'peg'");
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  void SetUp() override {
    if (server_ != nullptr) return;
    std::cerr << "SKIPPED, NOTHING IS TESTED ON POSTGRESQL: " << why_not_ << '\n';
    GTEST_SKIP() << why_not_;
  }

  static std::unique_ptr<Verifier> verifier(Json more = Json::object(),
                                            const std::string& role = "reader") {
    Json options = {{"engine", "postgresql"}, {"timeout_s", 1}};
    if (!more.contains("connections")) options["connection"] = server_->connection(role, "shop");
    options.update(more);
    auto made = make_verifier("sql", json_text(options));
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }

  static wire::Verdict judge(const Verifier& verifier, std::string reference,
                             std::string_view completion) {
    wire::Prompt prompt;
    prompt.reference = std::move(reference);
    return verifier.verify(prompt, completion);
  }

  static testing::PostgresServer* server_;
  static std::string why_not_;
};

testing::PostgresServer* Postgres::server_ = nullptr;
std::string Postgres::why_not_;

struct Pair {
  const char* reference;
  const char* completion;
  VerdictCode code;
};

constexpr VerdictCode kRight = VerdictCode::kCorrect;
constexpr VerdictCode kWrong = VerdictCode::kWrongAnswer;
constexpr VerdictCode kError = VerdictCode::kRuntimeError;

TEST_F(Postgres, ComparesWhatQueriesReturn) {
  const Pair pairs[] = {
      {"SELECT label FROM item", "SELECT label FROM item ORDER BY id DESC", kRight},
      {"SELECT label FROM item", "```sql\nSELECT label FROM item; -- all\n```", kRight},
      {"SELECT item FROM sale", "SELECT DISTINCT item FROM sale", kWrong},
      {"SELECT label FROM item ORDER BY price DESC NULLS LAST",
       "SELECT label FROM item ORDER BY price DESC NULLS LAST, label DESC", kRight},
      {"SELECT label FROM item ORDER BY id", "SELECT label FROM item ORDER BY id DESC", kWrong},
      {"SELECT sum(price) FROM item", "SELECT 7.95", kRight},
      {"SELECT sum(price) FROM item", "SELECT 7.96", kWrong},
      {"SELECT count(*) FROM item", "SELECT sum(1)::numeric FROM item", kRight},
      {"SELECT 1=1", "SELECT 1", kRight},
      {"SELECT 1", "SELECT '1'", kWrong},
      {"SELECT 'NaN'::float8", "SELECT 'NaN'::numeric", kRight},
      {"SELECT 'Infinity'::float8", "SELECT '-Infinity'::float8", kWrong},
      {"SELECT 99999999999999999999999", "SELECT 99999999999999999999998", kWrong},
      {"SELECT tag FROM item WHERE id = 1", "SELECT '\\x00FF'::bytea", kRight},
      {"SELECT tag FROM item WHERE id = 5", "SELECT NULL", kWrong},
      {"SELECT day FROM sale WHERE amount = 1", "SELECT '2024-01-06'::date", kRight},
      {"SELECT kind, avg(weight) FROM item GROUP BY kind",
       "SELECT DISTINCT kind, avg(weight) OVER (PARTITION BY kind) FROM item", kRight},
      {"SELECT a FROM (VALUES (1),(2)) AS t(a)",
       "WITH t(a) AS (VALUES (1)), u(b) AS (SELECT 2) SELECT a FROM t UNION SELECT b FROM u",
       kRight},
      {"SELECT label FROM item WHERE id IN (SELECT item FROM sale)",
       "SELECT label FROM item i WHERE EXISTS (SELECT FROM sale s WHERE s.item = i.id)", kRight},
      {"SELECT extract(year FROM day)::int FROM sale", "SELECT date_part('year', day) FROM sale",
       kRight},
      {"SELECT label FROM item", "SELECT lable FROM item", kError},
      {"SELECT label FROM item", "SELEC label FROM item", kError},
      {"SELECT 1/0", "SELECT 1", VerdictCode::kInternalError},
      {"SELECT 1", "SELECT 1/0", kError},
  };
  const auto with_reader = verifier();
  for (const Pair& pair : pairs) {
    const wire::Verdict verdict = judge(*with_reader, pair.reference, pair.completion);
    EXPECT_EQ(verdict.code, pair.code) << pair.completion << ": " << verdict.reason;
    EXPECT_EQ(verdict.isolation, "server");
  }
}

TEST_F(Postgres, RefusesWhatIsNoPlainQuery) {
  const char* const attacks[] = {"DELETE FROM item",
                                 "INSERT INTO item VALUES (9) RETURNING 1",
                                 "UPDATE item SET price = 0",
                                 "WITH d AS (DELETE FROM item RETURNING 1) SELECT * FROM d",
                                 "SELECT 1 INTO stolen",
                                 "CREATE TABLE t(a int)",
                                 "CREATE TEMP TABLE t AS SELECT 1",
                                 "DROP TABLE item",
                                 "TRUNCATE sale",
                                 "COPY item TO '/tmp/stolen'",
                                 "COPY item FROM PROGRAM 'id'",
                                 "DO $$ BEGIN PERFORM 1; END $$",
                                 "CALL f()",
                                 "SET ROLE postgres",
                                 "SET TRANSACTION READ WRITE",
                                 "SHOW data_directory",
                                 "BEGIN",
                                 "COMMIT",
                                 "LISTEN x",
                                 "EXPLAIN ANALYZE SELECT 1",
                                 "SELECT 1; SELECT 1",
                                 "SELECT 1; DROP TABLE item",
                                 "COMMIT; DROP TABLE item",
                                 "SELECT pg_sleep(10)",
                                 "SELECT \"pg_sleep\"(10)",
                                 "SELECT U&\"\\0070g_sleep\"(10)",
                                 "SELECT pg_catalog.pg_sleep(10)",
                                 "SELECT pg_read_file('/etc/passwd')",
                                 "SELECT lo_import('/etc/passwd')",
                                 "SELECT * FROM dblink('host=/tmp', 'SELECT 1') AS (a int)",
                                 "SELECT * FROM item, dblink('a', 'b') AS t(a int)",
                                 "SELECT set_config('statement_timeout', '0', false)",
                                 "SELECT current_setting('port')",
                                 "SELECT query_to_xml('SELECT pg_sleep(10)', true, true, '')",
                                 "SELECT * FROM ts_stat('SELECT pg_sleep(10)')",
                                 "SELECT pg_terminate_backend(1)",
                                 "SELECT pg_advisory_lock(1)",
                                 "SELECT rolname FROM pg_roles",
                                 "SELECT * FROM pg_catalog.pg_class",
                                 "SELECT * FROM information_schema.tables",
                                 "SELECT now()",
                                 "SELECT CURRENT_DATE",
                                 "SELECT 'now'::timestamp",
                                 "SELECT ' Today '::date",
                                 "SELECT random()",
                                 "SELECT * FROM item TABLESAMPLE system (10)",
                                 "SELECT current_user",
                                 "SELECT user",
                                 "SELECT nextval('s')",
                                 "SELECT gen_random_uuid()",
                                 "SELECT pay FROM payroll",
                                 "SELECT count(*) FROM payroll",
                                 "SELECT label FROM item FOR UPDATE",
                                 "SELECT version()",
                                 "",
                                 "-- nothing",
                                 ";"};
  const auto with_reader = verifier();
  for (const char* attack : attacks) {
    const wire::Verdict verdict = judge(*with_reader, "SELECT 1", attack);
    EXPECT_EQ(verdict.outcome, Outcome::kIncorrect) << attack;
    EXPECT_EQ(verdict.code, VerdictCode::kRejected) << attack << ": " << verdict.reason;
  }
  EXPECT_EQ(judge(*with_reader, "SELECT count(*) FROM item", "SELECT 5").code, kRight)
      << "nothing was written, no setting stayed";
}

TEST_F(Postgres, TheServerRefusesEvenWhatNobodyThoughtOf) {
  // References are not looked at beforehand, so this is the server's guard alone.
  const auto with_reader = verifier();
  for (const char* attack :
       {"DELETE FROM item", "INSERT INTO item VALUES (9) RETURNING 1", "SELECT 1 INTO stolen",
        "WITH d AS (DELETE FROM item RETURNING 1) SELECT * FROM d", "SELECT 1; SELECT 2",
        "COPY item TO STDOUT", "SELECT pg_read_file('/etc/passwd')", "SELECT pay FROM payroll",
        "SET ROLE postgres", "SELECT label FROM item FOR UPDATE"}) {
    const wire::Verdict verdict = judge(*with_reader, attack, "SELECT 1");
    EXPECT_EQ(verdict.code, VerdictCode::kInternalError) << attack << ": " << verdict.reason;
  }
  EXPECT_EQ(judge(*with_reader, "SELECT count(*) FROM item", "SELECT 5").code, kRight);
}

TEST_F(Postgres, CutsWhatTakesTooMuch) {
  const auto code_of = [&](double limit_s, const char* query, const char* role = "reader") {
    const auto with_reader = verifier({{"timeout_s", limit_s}}, role);
    const auto start = std::chrono::steady_clock::now();
    const wire::Verdict verdict = judge(*with_reader, "SELECT 1", query);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    EXPECT_LT(spent.count(), limit_s + 0.2) << query;
    EXPECT_EQ(verdict.outcome, Outcome::kIncorrect) << verdict.reason;
    return verdict.code;
  };

  EXPECT_EQ(code_of(0.5, "SELECT count(*) FROM big a, big b, big c"), VerdictCode::kTimeout);
  EXPECT_EQ(code_of(0.5, "SELECT sum(a.n * b.n * c.n) FROM big a, big b, big c WHERE a.n <> c.n"),
            VerdictCode::kTimeout);
  // The rows of an endless recursion go to disk.
  EXPECT_EQ(code_of(10,
                    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
                    "SELECT count(*) FROM c"),
            VerdictCode::kMemoryLimit);
  EXPECT_EQ(code_of(10, "SELECT a.n FROM big a, generate_series(1, 100) b ORDER BY md5(a.n::text)"),
            VerdictCode::kMemoryLimit);
  EXPECT_EQ(code_of(10, "SELECT a.n FROM big a, generate_series(1, 100) b"),
            VerdictCode::kOutputLimit);
  EXPECT_EQ(code_of(10, "SELECT repeat('x', 40000000)", "clerk"), VerdictCode::kOutputLimit);
}

TEST_F(Postgres, AllowedTablesAreReadFromThePlan) {
  const auto with_clerk = verifier({{"allowed_tables", {"item"}}, {"schema_check", true}}, "clerk");

  const wire::Verdict allowed =
      judge(*with_clerk, "SELECT label FROM item", "SELECT label FROM item");
  const wire::Verdict denied =
      judge(*with_clerk, "SELECT 1", "SELECT pay FROM (SELECT * FROM payroll) AS item");

  EXPECT_EQ(allowed.code, kRight) << allowed.reason;
  ASSERT_EQ(allowed.checks.size(), 1u);
  EXPECT_EQ(allowed.checks[0].reason, "it reads item");
  EXPECT_EQ(denied.code, VerdictCode::kRejected);
  EXPECT_EQ(denied.reason, "it reads the table payroll");
}

TEST_F(Postgres, SeveralDatabasesMustAllAgree) {
  const auto on_both =
      verifier({{"connections",
                 {server_->connection("reader", "shop"), server_->connection("reader", "other")}}});
  constexpr const char* kReference = "SELECT label FROM item WHERE kind = 'wood'";

  EXPECT_EQ(judge(*on_both, kReference, "SELECT label FROM item WHERE kind LIKE 'w%'").code,
            kRight);
  EXPECT_THAT(judge(*on_both, kReference, "SELECT label FROM item WHERE id IN (3, 4)").reason,
              HasSubstr("on database 2"));
}

TEST_F(Postgres, ARoleThatCanWriteIsNotUsed) {
  for (const char* role : {"writer", "postgres"}) {
    const wire::Verdict verdict = judge(*verifier(Json::object(), role), "SELECT 1", "SELECT 1");
    EXPECT_EQ(verdict.outcome, Outcome::kUnscored) << role;
    EXPECT_EQ(verdict.code, VerdictCode::kJudgeUnavailable) << role;
    EXPECT_THAT(verdict.reason, HasSubstr("only be able to SELECT"));
  }
}

TEST_F(Postgres, AServerThatIsAwayLeavesTheCompletionUnscoredUntilItIsBack) {
  const auto with_reader = verifier();
  ASSERT_EQ(judge(*with_reader, "SELECT 1", "SELECT 1").code, kRight);

  server_->stop();
  const wire::Verdict away = judge(*with_reader, "SELECT 1", "SELECT 1");
  server_->restart();

  EXPECT_EQ(away.outcome, Outcome::kUnscored);
  EXPECT_EQ(away.code, VerdictCode::kJudgeUnavailable);
  EXPECT_EQ(judge(*with_reader, "SELECT 1", "SELECT 1").code, kRight);
}

TEST_F(Postgres, ARestartThatNobodyNoticedCostsNoVerdict) {
  const auto with_reader = verifier();
  ASSERT_EQ(judge(*with_reader, "SELECT 1", "SELECT 1").code, kRight);

  server_->restart();  // the idle connection is dead, and the verifier cannot know

  EXPECT_EQ(judge(*with_reader, "SELECT 2", "SELECT 2").code, kRight);
}

TEST_F(Postgres, VerdictsAreTheSameHoweverManyThreadsAsk) {
  const auto with_reader = verifier();
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        EXPECT_EQ(judge(*with_reader, "SELECT count(*) FROM big", "SELECT 3000").code, kRight);
        EXPECT_EQ(judge(*with_reader, "SELECT count(*) FROM big", "SELECT 3001").code, kWrong);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(PostgresAway, AServerThatNeverAnswersIsGivenUp) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path(".s.PGSQL.5432");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const FileDescriptor silent(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(silent.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(silent.get(), 4), 0);
  const Json options = {{"engine", "postgresql"},
                        {"connection", "host=" + folder.root() + " user=x dbname=y"}};
  const auto verifier = *make_verifier("sql", json_text(options));
  const auto start = std::chrono::steady_clock::now();

  const wire::Verdict verdict = verifier->verify({}, "SELECT 1");

  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(verdict.outcome, Outcome::kUnscored);
  EXPECT_EQ(verdict.code, VerdictCode::kJudgeUnavailable);
  EXPECT_LT(spent.count(), 4);
}

TEST(PostgresPolicy, LetsOrdinaryQueriesPass) {
  for (const char* query :
       {"SELECT count(*) FILTER (WHERE a > 0) FROM t", "SELECT CAST(a AS numeric(10, 2)) FROM t",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT * FROM "
        "c",
        "WITH a(x) AS MATERIALIZED (SELECT 1), b(y) AS (VALUES (2)) SELECT * FROM a, b",
        "SELECT * FROM (SELECT 1) t(a) JOIN LATERAL (SELECT 2) u(b) ON true",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t",
        "SELECT 'drop table; now' AS update FROM \"order\"", "TABLE t", "VALUES (1), (2)",
        "SELECT a FROM t WHERE (a, b) IN (SELECT 1, 2) AND NOT (a = 1)"}) {
    EXPECT_EQ(sql::postgres_refusal(query), "") << query;
  }
}

TEST(PostgresPolicy, IsNotFooledByFormsOfACall) {
  for (const char* query :
       {"SELECT PG_SLEEP (1)", "SELECT pg_sleep/**/(1)", "SELECT public.f(1)", "SELECT \"f\"(1)",
        "SELECT * FROM t, f('x') AS (a int)", "SELECT * FROM ROWS FROM (f('x') AS (a int))",
        "SELECT * FROM t, f(1) AS (values int)", "SELECT 1 /* /* */ ; */ ; SELECT 2",
        "SELECT $$a$$; SELECT 2"}) {
    EXPECT_NE(sql::postgres_refusal(query), "") << query;
  }
}

}  // namespace
}  // namespace assay::verifiers
