#include "verifiers/sql/sql_verifier.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <thread>

#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "tests/support/temporary_folder.h"
#include "verifiers/case_file.h"
#include "verifiers/registry.h"
#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/jail_message.h"
#include "verifiers/sql/companion_pool.h"
#include "verifiers/sql/query_codec.h"

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;
using wire::Outcome;
using wire::VerdictCode;

constexpr const char* kFruit =
    "CREATE TABLE fruit(name TEXT, price REAL); INSERT INTO fruit VALUES('fig',2.5),('kiwi',0.5);";

std::unique_ptr<Verifier> fruit(Json more = Json::object()) {
  Json options = {{"schema", kFruit}};
  options.update(more);
  auto made = make_verifier("sql", json_text(options));
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

wire::Verdict judge(const Verifier& verifier, std::string reference, std::string_view completion) {
  wire::Prompt prompt;
  prompt.reference = std::move(reference);
  return verifier.verify(prompt, completion);
}

Error refusal(const Json& options) {
  const auto made = make_verifier("sql", json_text(options));
  return made ? Error{ErrorCode::kInvalidInput, "accepted", "", "", ""} : made.error();
}

void expect_agreement(const std::string& file) {
  const auto text = read_file(std::string(ASSAY_SOURCE_DIR) + "/tests/verifiers/sql/" + file,
                              std::size_t{1} << 26);
  ASSERT_TRUE(text) << text.error().message;
  const auto set = parse_cases(*text, file);
  ASSERT_TRUE(set) << to_text(set.error());
  EXPECT_GE(set->cases.size(), 70u);
  for (const Case& one : set->cases) {
    const wire::Verdict verdict = timed_verdict(*one.verifier, one.prompt, one.completion);
    EXPECT_TRUE(agrees(one, verdict))
        << one.id << ": " << wire::to_string(verdict.code) << ": " << verdict.reason;
    EXPECT_LT(verdict.reason.size(), 400u) << one.id;
  }
}

TEST(SqlVerifier, AgreesWithItsQueryCases) {
  expect_agreement("queries.jsonl");
}

TEST(SqlVerifier, DeniesOrCutsItsHostileCases) {
  expect_agreement("hostile.jsonl");
}

TEST(SqlVerifier, AQueryThatCannotBeInterruptedIsKilledAtItsLimit) {
  const auto verifier = fruit({{"timeout_s", 0.3}});
  const auto start = std::chrono::steady_clock::now();

  const wire::Verdict verdict = judge(*verifier, "SELECT 1",
                                      "SELECT instr(replace(hex(zeroblob(400000)),'00','aa'), "
                                      "replace(hex(zeroblob(200000)),'00','aa')||'b')");

  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(verdict.outcome, Outcome::kIncorrect);
  EXPECT_EQ(verdict.code, VerdictCode::kTimeout);
  EXPECT_LT(spent.count(), 0.3 + 0.2);
  EXPECT_EQ(judge(*verifier, "SELECT 1", "SELECT 1").outcome, Outcome::kCorrect)
      << "a killed companion is replaced";
}

TEST(SqlVerifier, NobodyWaitsForAQueryThatHangs) {
  const auto verifier = fruit({{"timeout_s", 1}});
  constexpr const char* kEndless =
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c";
  std::atomic<int> answered = 0;
  std::thread hanging([&] {
    EXPECT_EQ(judge(*verifier, "SELECT 1", kEndless).code, VerdictCode::kTimeout);
    EXPECT_GT(answered, 20);
  });
  for (; answered < 100; ++answered) {
    EXPECT_EQ(judge(*verifier, "SELECT name FROM fruit", "SELECT name FROM fruit").outcome,
              Outcome::kCorrect);
  }
  hanging.join();
}

// A database file made of a script.
void make_database(const std::string& path, const char* script) {
  sqlite3* database = nullptr;
  ASSERT_EQ(::sqlite3_open(path.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(::sqlite3_exec(database, script, nullptr, nullptr, nullptr), SQLITE_OK);
  ::sqlite3_close(database);
}

TEST(SqlVerifier, AFileIsReadAndNeverTouched) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path("fruit? #1 %20.sqlite");
  make_database(path, kFruit);
  const std::string before = *read_file(path, 1 << 20);
  VerifierContext context;
  context.folder = folder.root();
  const auto verifier = *make_verifier("sql", R"({"database": "fruit? #1 %20.sqlite"})", context);

  const auto read = judge(*verifier, "SELECT name FROM fruit", "SELECT name FROM fruit");
  for (const char* attack :
       {"DELETE FROM fruit", "PRAGMA journal_mode=wal", "VACUUM INTO 'stolen'", "BEGIN EXCLUSIVE",
        "INSERT INTO fruit VALUES('x',1) RETURNING 1", "ATTACH 'new.sqlite' AS n"}) {
    EXPECT_EQ(judge(*verifier, "SELECT 1", attack).code, VerdictCode::kRejected) << attack;
  }

  EXPECT_EQ(read.outcome, Outcome::kCorrect) << read.reason;
  EXPECT_EQ(*read_file(path, 1 << 20), before);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(folder.root())) {
    ++files;
  }
  EXPECT_EQ(files, 1u) << "no journal, no copy";
}

TEST(SqlVerifier, AFileThatIsNoDatabaseIsRefusedAtOnce) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder.path("text")) << "these are only words";

  EXPECT_THAT(refusal({{"database", folder.path("text")}}).message,
              HasSubstr("is not a SQLite database"));
  EXPECT_EQ(refusal({{"database", folder.path("text")}}).id, "E403");
  EXPECT_THAT(refusal({{"database", folder.path("none")}}).message, HasSubstr("cannot be read"));
}

TEST(SqlVerifier, ADamagedFileLeavesTheCompletionUnscored) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path("fruit.sqlite");
  make_database(path, kFruit);
  std::string bytes = *read_file(path, 1 << 20);
  for (std::size_t i = 4096; i < bytes.size(); ++i) bytes[i] = '\xff';
  std::ofstream(path, std::ios::binary) << bytes;
  const auto verifier = fruit({{"schema", ""}, {"database", path}});

  const wire::Verdict verdict =
      judge(*verifier, "SELECT name FROM fruit", "SELECT name FROM fruit");

  EXPECT_EQ(verdict.outcome, Outcome::kUnscored);
  EXPECT_EQ(verdict.code, VerdictCode::kJudgeUnavailable);
}

TEST(SqlVerifier, RefusesOptionsThatContradictEachOther) {
  EXPECT_THAT(refusal({{"connection", "dbname=x"}}).remedy, HasSubstr("postgresql"));
  EXPECT_THAT(refusal({{"engine", "postgresql"}}).message, HasSubstr("no \"connection\""));
  EXPECT_THAT(
      refusal({{"engine", "postgresql"}, {"connection", "dbname=x"}, {"schema", "SELECT 1"}})
          .message,
      HasSubstr("for SQLite"));
  EXPECT_EQ(refusal({{"engine", "oracle"}}).id, "E403");
  EXPECT_EQ(refusal({{"timeout_s", 0}}).id, "E403");
  EXPECT_THAT(refusal({{"alowed_tables", {"a"}}}).remedy, HasSubstr("allowed_tables"));
}

TEST(SqlVerifier, AnEmptyListOfTablesAllowsNone) {
  const auto verifier = fruit({{"allowed_tables", Json::array()}});

  EXPECT_EQ(judge(*verifier, "SELECT 2", "SELECT count(*) FROM fruit").code,
            VerdictCode::kRejected);
  EXPECT_EQ(judge(*verifier, "SELECT 2", "SELECT 1+1").outcome, Outcome::kCorrect);
}

TEST(SqlVerifier, TheContextSetsTheLimitWhereTheOptionsDoNot) {
  VerifierContext context;
  context.time_limit = std::chrono::milliseconds(50);
  const auto verifier = *make_verifier("sql", "{}", context);

  const wire::Verdict verdict =
      judge(*verifier, "SELECT 1",
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT max(x) FROM c");

  EXPECT_EQ(verdict.code, VerdictCode::kTimeout);
  EXPECT_THAT(verdict.reason, HasSubstr("50 ms"));
}

TEST(SqlVerifier, StepsAreBoundedWhateverTheClockSays) {
  const auto verifier = fruit({{"steps_max", 100'000}, {"timeout_s", 60}});

  const wire::Verdict verdict =
      judge(*verifier, "SELECT 1",
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT max(x) FROM c");

  EXPECT_EQ(verdict.code, VerdictCode::kTimeout);
  EXPECT_EQ(verdict.reason, "the query needs more than 100000 steps");
}

TEST(SqlVerifier, TheSchemaCheckNamesWhatAQueryReads) {
  const auto verifier = fruit({{"schema_check", true}});

  const wire::Verdict right =
      judge(*verifier, "SELECT name FROM fruit", "SELECT name FROM fruit WHERE price>0");
  const wire::Verdict unknown = judge(*verifier, "SELECT name FROM fruit", "SELECT nme FROM fruit");

  ASSERT_EQ(right.checks.size(), 1u);
  EXPECT_TRUE(right.checks[0].is_passed);
  EXPECT_EQ(right.checks[0].reason, "it reads fruit.name, fruit.price");
  ASSERT_EQ(unknown.checks.size(), 1u);
  EXPECT_FALSE(unknown.checks[0].is_passed);
  EXPECT_EQ(unknown.checks[0].reason, "no such column: nme");
}

TEST(SqlVerifier, ResultsHaveNamesToBeCountedBy) {
  const auto verifier = fruit({{"result_name", true}});
  const auto name_of = [&](std::string_view completion) {
    const wire::Verdict verdict = judge(*verifier, "SELECT name FROM fruit", completion);
    EXPECT_EQ(verdict.checks.size(), 1u) << completion;
    return verdict.checks.at(0).reason;
  };

  EXPECT_EQ(name_of("SELECT name FROM fruit"), name_of("SELECT name FROM fruit ORDER BY 1 DESC"));
  EXPECT_NE(name_of("SELECT name FROM fruit"), name_of("SELECT price FROM fruit"));
  for (const char* nothing : {"", "SELECT", "DROP TABLE fruit"}) EXPECT_EQ(name_of(nothing), "");
}

TEST(SqlVerifier, AnOrphanedCompanionEndsByItself) {
  auto companion = sandbox::ChildProcess::start(*sandbox::find_companion("assay-sqlite"), {});
  ASSERT_TRUE(companion);
  const SystemClock clock;
  ASSERT_TRUE(companion->receive(64, clock.now() + std::chrono::seconds(10)));
  sql::CompanionRequest open, hang;
  open.is_open = true;
  open.database = hang.database = open.source.digest();
  hang.limits.time = std::chrono::milliseconds(10);
  hang.query =
      "SELECT instr(replace(hex(zeroblob(400000)),'00','aa'), "
      "replace(hex(zeroblob(200000)),'00','aa')||'b')";
  ASSERT_TRUE(companion->send(sql::encode(open), clock.now() + std::chrono::seconds(10)));
  ASSERT_TRUE(companion->receive(1 << 20, clock.now() + std::chrono::seconds(10)));

  ASSERT_TRUE(companion->send(sql::encode(hang), clock.now() + std::chrono::seconds(10)));
  const auto reply = companion->receive(1 << 20, clock.now() + std::chrono::seconds(10));

  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable) << "it is gone, not silent";
}

// Asks a companion of its own that may go up to this level: what it says of itself, then its answer
// to a query of a file.
struct LevelAnswer {
  std::string level;
  sql::QueryAnswer answer;
};
LevelAnswer ask_at(int level, const std::string& file) {
  const SteadyTime end = SystemClock().now() + std::chrono::seconds(20);
  auto companion = *sandbox::ChildProcess::start(*sandbox::find_companion("assay-sqlite"),
                                                 {"--level-max", std::to_string(level)});
  LevelAnswer said{companion.receive(4096, end)->substr(0, 2), {}};
  sql::CompanionRequest open, query;
  open.is_open = true;
  open.source.file = file;
  open.database = query.database = open.source.digest();
  query.query = "SELECT name, upper(name), date(0, 'unixepoch', 'localtime') FROM fruit ORDER BY 1";
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const int beside = opened.get();
  EXPECT_TRUE(companion.send(sql::encode(open), end));
  EXPECT_TRUE(sandbox::send_message(companion.socket(), std::as_bytes(std::span(sql::kFileComes)),
                                    std::span(&beside, 1), end));
  const auto reply = sql::decode_reply(*companion.receive(1 << 20, end));
  EXPECT_EQ(reply->answer.status, sql::QueryStatus::kDone) << reply->answer.reason;
  EXPECT_TRUE(companion.send(sql::encode(query), end));
  said.answer = sql::decode_reply(*companion.receive(1 << 20, end))->answer;
  return said;
}

TEST(SqlVerifier, ALevelChangesTheWallsAndNoAnswer) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path("fruit.sqlite");
  make_database(path, kFruit);
  const LevelAnswer free = ask_at(0, path);
  ASSERT_EQ(free.answer.status, sql::QueryStatus::kDone) << free.answer.reason;
  ASSERT_EQ(free.answer.table.row_count(), 2u);
  EXPECT_EQ(free.level, "L0");
  for (const int level : {1, 2, 3}) {
    const LevelAnswer walled = ask_at(level, path);
    EXPECT_NE(walled.level, "L0");
    EXPECT_LE(walled.level, "L" + std::to_string(level));
    EXPECT_EQ(walled.answer.status, sql::QueryStatus::kDone) << walled.answer.reason;
    EXPECT_TRUE(walled.answer.table.cells == free.answer.table.cells) << level;
  }
}

// What the kernel says of the process that answers, which at L3 is the companion's only child.
TEST(SqlVerifier, TheCompanionIsUnderAFilterAndSaysSoInTheVerdict) {
  const auto verifier = fruit();
  const wire::Verdict verdict = judge(*verifier, "SELECT 1", "SELECT 1");
  EXPECT_EQ(judge(*verifier, "SELECT 1", "").isolation, "none") << "nothing was run";
  if (verdict.isolation == "process") GTEST_SKIP() << "this kernel has no system call filters";
  auto companion = *sql::CompanionPool::shared()->borrow();
  EXPECT_EQ(verdict.isolation, companion.isolation);
  std::string pid = std::to_string(companion.process.pid());
  if (verdict.isolation == "L3") {
    std::ifstream("/proc/" + pid + "/task/" + pid + "/children") >> pid;
  }
  std::stringstream status;
  status << std::ifstream("/proc/" + pid + "/status").rdbuf();

  EXPECT_THAT(status.str(), HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(status.str(), HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status.str(), HasSubstr("CapEff:\t0000000000000000"));
  sql::CompanionPool::shared()->give_back(std::move(companion));
}

TEST(SqlVerifier, SqlitesWordsAreBoundedAndValid) {
  const auto verifier = fruit();
  const std::string bytes(3000, '\xff');

  const wire::Verdict verdict = judge(*verifier, "SELECT 1", "SELECT \"" + bytes + "\"");

  EXPECT_EQ(verdict.code, VerdictCode::kRuntimeError);
  EXPECT_LT(verdict.reason.size(), 600u);
}

TEST(SqlVerifier, VerdictsAreTheSameHoweverManyThreadsAsk) {
  const auto verifier = fruit();
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        const auto right = judge(*verifier, "SELECT sum(price) FROM fruit", "SELECT 3.0");
        const auto other = judge(*verifier, "SELECT sum(price) FROM fruit", "SELECT 3.1");
        wrong += right.outcome != Outcome::kCorrect || other.code != VerdictCode::kWrongAnswer;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
}

TEST(CompanionPool, ACompanionThatDiedWhileIdleCostsNoVerdict) {
  const auto verifier = fruit();
  const auto pool = sql::CompanionPool::shared();
  auto companion = pool->borrow();
  ASSERT_TRUE(companion);
  ASSERT_EQ(::kill(companion->process.pid(), SIGKILL), 0);
  // Behind its walls it is a child of the process that was killed, and dies a moment later.
  pollfd end{companion->process.socket(), POLLIN, 0};
  ASSERT_EQ(::poll(&end, 1, 10'000), 1) << "it lives on";
  pool->give_back(std::move(*companion));

  EXPECT_EQ(judge(*verifier, "SELECT 1", "SELECT 1").outcome, Outcome::kCorrect);
}

TEST(CompanionPool, EndsItsCompanionsWithItself) {
  pid_t pid = -1;
  {
    sql::CompanionPool pool(1);
    auto companion = pool.borrow();
    ASSERT_TRUE(companion) << companion.error().message;
    pid = companion->process.pid();
    pool.give_back(std::move(*companion));
    auto again = pool.borrow();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->process.pid(), pid) << "an idle companion is used again";
    pool.give_back(std::move(*again));
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

}  // namespace
}  // namespace assay::verifiers
