#include "verifiers/sql/sql_verifier.h"

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/core/limits.h"
#include "verifiers/sql/reference_results.h"
#include "verifiers/sql/self_consistency.h"
#include "verifiers/sql/sql_options.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

using sql::Agreement;
using sql::QueryAnswer;
using sql::QueryStatus;
using wire::Verdict;
using wire::VerdictCode;

// An engine's words hold pieces of the query: bounded, and in valid UTF-8.
std::string sentence(const std::string& words) {
  constexpr std::size_t kPartBytes = 40;
  constexpr std::size_t kPartsMax = 4;
  std::string shown;
  for (std::size_t at = 0; at < words.size() && at < kPartBytes * kPartsMax;) {
    std::size_t end = std::min(at + kPartBytes, words.size());
    while (end < words.size() && end > at + 1 && (words[end] & 0xC0) == 0x80) --end;
    const std::string part = quoted(std::string_view(words).substr(at, end - at));
    shown += part.substr(1, part.size() - 2);
    at = end;
  }
  return words.size() > kPartBytes * kPartsMax ? shown + "..." : shown;
}

VerdictCode code_of(QueryStatus status) {
  switch (status) {
    case QueryStatus::kRejected:
      return VerdictCode::kRejected;
    case QueryStatus::kTimedOut:
      return VerdictCode::kTimeout;
    case QueryStatus::kMemoryLimit:
      return VerdictCode::kMemoryLimit;
    case QueryStatus::kOutputLimit:
      return VerdictCode::kOutputLimit;
    case QueryStatus::kUnavailable:
      return VerdictCode::kJudgeUnavailable;
    default:
      return VerdictCode::kRuntimeError;
  }
}

wire::Check result_check(const QueryAnswer& answer) {
  const bool is_done = answer.status == QueryStatus::kDone;
  return {"result", is_done, is_done ? 1.0 : 0.0, is_done ? sql::result_name(answer.table) : ""};
}

wire::Check schema_check(const QueryAnswer& answer) {
  std::string list;
  for (const std::string& name : answer.touched) list += (list.empty() ? "" : ", ") + name;
  const bool is_known =
      answer.status != QueryStatus::kFailed && answer.status != QueryStatus::kRejected;
  return {"schema", is_known, is_known ? 1.0 : 0.0,
          is_known ? "it reads " + (list.empty() ? "no table" : sentence(list))
                   : sentence(answer.reason)};
}

class SqlVerifier final : public Verifier {
 public:
  explicit SqlVerifier(sql::SqlOptions options)
      : options_(std::move(options)),
        engine_(sql::make_engine(options_)),
        references_(*engine_, options_) {}

  std::string identity() const override { return "sql/1"; }

  // The reference's query and the completion's, on every instance.
  std::chrono::milliseconds longest_check() const override {
    const auto queries = 2 * std::max<std::size_t>(1, engine_->database_count());
    return std::chrono::ceil<std::chrono::milliseconds>(options_.limits.time) *
           static_cast<std::int64_t>(queries);
  }

  Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    return stamped(judge(prompt.reference, completion), identity(), completion);
  }

 private:
  Verdict judge(const std::string& reference, std::string_view completion) const {
    if (completion.size() > limits::kCompletionBytesMax) {
      return Verdict::incorrect(VerdictCode::kOutputLimit,
                                "the completion has " + std::to_string(completion.size()) +
                                    " bytes, more than " +
                                    std::to_string(limits::kCompletionBytesMax));
    }
    const std::string_view query = sql::query_in(completion);
    if (query.empty()) return without_query();
    std::size_t rows = 0;
    std::string isolation;
    std::vector<wire::Check> checks;
    for (std::size_t i = 0; i < engine_->database_count(); ++i) {
      const QueryAnswer answer = run(i, query);
      if (i == 0 && answer.status != QueryStatus::kUnavailable) add_checks(answer, checks);
      if (i == 0) isolation = answer.isolation;
      Verdict verdict = judge_answer(reference, answer, i);
      if (verdict.outcome != wire::Outcome::kCorrect) {
        verdict.checks = std::move(checks);
        verdict.isolation = std::move(isolation);
        return verdict;
      }
      rows += answer.table.row_count();
    }
    Verdict verdict = Verdict::correct(agreement(rows));
    verdict.checks = std::move(checks);
    verdict.isolation = std::move(isolation);
    return verdict;
  }

  void add_checks(const QueryAnswer& answer, std::vector<wire::Check>& checks) const {
    if (options_.has_schema_check) checks.push_back(schema_check(answer));
    if (options_.names_results) checks.push_back(result_check(answer));
  }

  Verdict without_query() const {
    const QueryAnswer none = QueryAnswer::ended(QueryStatus::kRejected, "there is no query");
    Verdict verdict = Verdict::incorrect(VerdictCode::kRejected, none.reason);
    add_checks(none, verdict.checks);
    return verdict;
  }

  QueryAnswer run(std::size_t database, std::string_view query) const {
    QueryAnswer answer =
        engine_->run(database, query, sql::QueryAuthor::kCompletion, options_.limits);
    if (answer.status != QueryStatus::kFailed) return answer;
    // A write that fails while it is parsed (an unknown table) is a write all the same.
    const std::string word = sql::other_statement(query, options_.dialect);
    if (word.empty()) return answer;
    return QueryAnswer::ended(QueryStatus::kRejected, "it is not a plain query but " + word);
  }

  std::string agreement(std::size_t rows) const {
    const std::size_t count = engine_->database_count();
    return "the same " + std::to_string(rows) + (rows == 1 ? " row" : " rows") +
           (count > 1 ? " on " + std::to_string(count) + " databases" : "");
  }

  // Which of several databases the sentence is about.
  std::string on(std::size_t database) const {
    return engine_->database_count() == 1 ? ""
                                          : "on database " + std::to_string(database + 1) + ": ";
  }

  Verdict judge_answer(const std::string& reference, const QueryAnswer& answer,
                       std::size_t database) const {
    if (answer.status == QueryStatus::kUnavailable) {
      return Verdict::unscored(VerdictCode::kJudgeUnavailable,
                               on(database) + sentence(answer.reason));
    }
    if (answer.status != QueryStatus::kDone) {
      return Verdict::incorrect(code_of(answer.status), on(database) + sentence(answer.reason));
    }
    const auto expected = references_.of(reference, database);
    if (expected->answer.status != QueryStatus::kDone) {
      const bool is_away = expected->answer.status == QueryStatus::kUnavailable;
      return Verdict::unscored(
          is_away ? VerdictCode::kJudgeUnavailable : VerdictCode::kInternalError,
          on(database) + "the reference query fails: " + sentence(expected->answer.reason));
    }
    const sql::Comparison comparison = sql::compare_results(answer.table, expected->answer.table,
                                                            expected->groups, options_.compare);
    if (comparison.agreement == Agreement::kSame) return Verdict::correct("");
    if (comparison.agreement == Agreement::kUndecided) {
      return Verdict::unscored(VerdictCode::kUndecided, on(database) + comparison.reason);
    }
    return Verdict::incorrect(VerdictCode::kWrongAnswer, on(database) + comparison.reason);
  }

  const sql::SqlOptions options_;
  const std::unique_ptr<sql::QueryEngine> engine_;
  mutable sql::ReferenceResults references_;
};

}  // namespace

Result<std::unique_ptr<Verifier>> make_sql_verifier(const VerifierContext& context,
                                                    std::string_view options_json) {
  auto options = sql::read_sql_options(context, options_json);
  if (!options) return options.error();
  return std::unique_ptr<Verifier>(std::make_unique<SqlVerifier>(std::move(*options)));
}

}  // namespace assay::verifiers
