#include "verifiers/sql/sql_bench.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/core/ceiling.h"
#include "runtime/core/json.h"
#include "verifiers/registry.h"
#include "verifiers/sql/sqlite_engine.h"

namespace assay::verifiers::sql {

namespace {

constexpr const char* kShop =
    "CREATE TABLE item(id INTEGER PRIMARY KEY, label TEXT, kind TEXT, price REAL);"
    "CREATE TABLE sale(item INTEGER, day TEXT, amount INTEGER);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
    " INSERT INTO item SELECT i, 'item ' || i, 'kind ' || (i % 7), (i * 37 % 101) / 4.0 FROM n;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 800)"
    " INSERT INTO sale SELECT i * 13 % 200 + 1, date('2024-01-01', '+' || (i % 300) || ' day'),"
    " i % 9 FROM n;";

struct Pair {
  const char* reference;
  const char* right;
  const char* wrong;
};

constexpr Pair kPairs[] = {
    {"SELECT label FROM item WHERE kind = 'kind 3'",
     "SELECT label FROM item WHERE id % 7 = 3 ORDER BY id DESC",
     "SELECT label FROM item WHERE id % 7 = 4"},
    {"SELECT kind, avg(price) FROM item GROUP BY kind",
     "SELECT kind, sum(price) / count(*) FROM item GROUP BY kind",
     "SELECT kind, max(price) FROM item GROUP BY kind"},
    {"SELECT label, price FROM item ORDER BY price DESC, id LIMIT 10",
     "SELECT label, price FROM item ORDER BY price DESC, id ASC LIMIT 10",
     "SELECT label, price FROM item ORDER BY price, id LIMIT 10"},
    {"SELECT label FROM item WHERE id NOT IN (SELECT item FROM sale)",
     "SELECT label FROM item LEFT JOIN sale ON item = id WHERE item IS NULL",
     "SELECT label FROM item WHERE id > 190"},
    {"SELECT kind, sum(amount * price) FROM item JOIN sale ON item = id GROUP BY kind",
     "SELECT kind, sum(amount * price) FROM sale, item WHERE id = item GROUP BY 1",
     "SELECT kind, sum(amount) FROM item JOIN sale ON item = id GROUP BY kind"},
    {"SELECT id, rank() OVER (PARTITION BY kind ORDER BY price DESC) FROM item",
     "SELECT id, rank() OVER w FROM item WINDOW w AS (PARTITION BY kind ORDER BY price DESC)",
     "SELECT id, row_number() OVER (ORDER BY price DESC) FROM item"},
    {"SELECT count(*) FROM sale WHERE day >= '2024-06-01'",
     "SELECT sum(day >= '2024-06-01') FROM sale", "SELECT count(*) FROM sale"},
    {"SELECT label FROM item", "SELECT label FROM item", "SELECT labels FROM item"},
};

std::vector<BenchCase> shop_cases() {
  std::vector<BenchCase> cases;
  for (const Pair& pair : kPairs) {
    for (const bool is_correct : {true, false}) {
      BenchCase one;
      one.prompt.verifier = "sql";
      one.prompt.reference = pair.reference;
      one.completion = is_correct ? pair.right : pair.wrong;
      one.is_correct = is_correct;
      cases.push_back(std::move(one));
    }
  }
  return cases;
}

// What verdicts take beyond their queries, in microseconds.
std::vector<double> times_beyond(const Verifier& verifier, QueryEngine& engine,
                                 const std::vector<BenchCase>& cases, double seconds) {
  std::vector<double> times;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  do {
    for (const BenchCase& one : cases) {
      const auto query_us =
          static_cast<double>(engine.run(0, one.completion, QueryAuthor::kCompletion, {}).query_us);
      const double verdict_us =
          1e6 * seconds_of([&] { static_cast<void>(verifier.verify(one.prompt, one.completion)); });
      times.push_back(std::max(0.0, verdict_us - query_us));
    }
  } while (std::chrono::steady_clock::now() < end);
  return times;
}

FigureKind beyond(const char* part, double goal_us) {
  return {.name = std::string("sql_beyond_query_") + part + "_us",
          .unit = "us",
          .ceiling = "fork_us",
          .better = Better::kLower,
          .goal = Goal{Goal::Of::kValue, goal_us}};
}

}  // namespace

Result<std::vector<Figure>> sql_bench(const VerifierBenchOptions& options) {
  const auto verifier = make_verifier("sql", json_text(Json{{"schema", kShop}}));
  if (!verifier) return verifier.error();
  const std::vector<BenchCase> cases = shop_cases();
  VerifierBenchOptions named = options;
  named.name = "sql";
  auto figures = verifier_bench(**verifier, cases, named);
  if (!figures) return figures;
  SqliteEngine engine({{"", kShop, {}, false}});
  Series series[] = {Series(beyond("p50", 500)), Series(beyond("p99", 10'000))};
  for (std::size_t round = 0; round < options.repeats; ++round) {
    const Result<double> fork = fork_us();
    if (!fork) return fork.error();
    const Latency latency = latency_of(times_beyond(**verifier, engine, cases, options.round_s));
    series[0].add(latency.p50, *fork);
    series[1].add(latency.p99, *fork);
  }
  for (Figure& figure : figures_of(series)) figures->push_back(std::move(figure));
  return figures;
}

}  // namespace assay::verifiers::sql
