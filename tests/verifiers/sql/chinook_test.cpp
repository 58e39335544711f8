// The demonstration on Chinook: every reference is judged correct by its own verifier, and a query
// that answers something else is not.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>

#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "verifiers/registry.h"

namespace assay::verifiers {
namespace {

const std::string kRoot = ASSAY_SOURCE_DIR;
const std::string kDatabase = kRoot + "/../shared/data/chinook/chinook.sqlite";

struct Question {
  std::string text, query;
};

std::vector<Question> questions() {
  std::vector<Question> list;
  const std::string file = *read_file(kRoot + "/configs/chinook.jsonl", 1 << 20);
  for (std::size_t start = 0; start < file.size();) {
    const std::size_t end = file.find('\n', start);
    const Json row = parse_json(file.substr(start, end - start));
    list.push_back({row.at("question"), row.at("query")});
    start = end + 1;
  }
  return list;
}

class Chinook : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!path_exists(kDatabase)) {
      std::cerr << "SKIPPED, NOTHING IS TESTED ON CHINOOK: ../shared/data/chinook is missing\n";
      GTEST_SKIP() << "../shared/data/chinook/chinook.sqlite is missing";
    }
    verifier_ = *make_verifier("sql", json_text(Json{{"database", kDatabase}}));
  }
  wire::Verdict judge(const Question& question, const std::string& completion) {
    wire::Prompt prompt;
    prompt.text = question.text;
    prompt.reference = question.query;
    return verifier_->verify(prompt, completion);
  }

  std::unique_ptr<Verifier> verifier_;
};

TEST_F(Chinook, EveryReferenceAnswersItsQuestionAndNoOther) {
  const std::vector<Question> all = questions();
  ASSERT_GE(all.size(), 15u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const wire::Verdict right = judge(all[i], "```sql\n" + all[i].query + ";\n```");
    const wire::Verdict other = judge(all[i], all[(i + 1) % all.size()].query);
    EXPECT_EQ(right.outcome, wire::Outcome::kCorrect) << all[i].text << ": " << right.reason;
    EXPECT_EQ(other.code, wire::VerdictCode::kWrongAnswer) << all[i].text << ": " << other.reason;
  }
}

TEST_F(Chinook, NoReferenceIsEmpty) {
  for (const Question& one : questions()) {
    EXPECT_EQ(judge(one, "SELECT * FROM (" + one.query + ") WHERE 0").outcome,
              wire::Outcome::kIncorrect)
        << "an empty result would answer it: " << one.text;
  }
}

TEST_F(Chinook, AnotherWayOfSayingItIsRight) {
  const std::vector<Question> all = questions();
  const auto find = [&](const std::string& words) {
    for (const Question& one : all) {
      if (one.text.find(words) != std::string::npos) return one;
    }
    return Question();
  };

  EXPECT_EQ(judge(find("artists have no album"),
                  "SELECT a.Name FROM Artist a LEFT JOIN Album b USING (ArtistId) "
                  "WHERE b.AlbumId IS NULL")
                .outcome,
            wire::Outcome::kCorrect);
  EXPECT_EQ(judge(find("average length in seconds"),
                  "SELECT m.Name, sum(Milliseconds / 1000.0) / count(*) FROM MediaType m "
                  "JOIN Track USING (MediaTypeId) GROUP BY m.Name")
                .outcome,
            wire::Outcome::kCorrect);
}

}  // namespace
}  // namespace assay::verifiers
