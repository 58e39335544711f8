#include "runtime/dataset/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/core/file.h"
#include "runtime/dataset/jsonl_reader.h"
#include "tests/support/temporary_folder.h"

namespace assay::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class DatasetFiles : public ::testing::Test {
 protected:
  std::string write(const std::string& content, const std::string& name = "rows.jsonl") {
    const std::string path = folder_.path(name);
    EXPECT_TRUE(write_file_durably(path, content));
    return path;
  }
  Result<JsonlDataset> load(const std::string& content) {
    return JsonlDataset::load({.path = write(content)});
  }
  // A dataset whose prompts are "<name>0", "<name>1", ...
  JsonlDataset numbered(const std::string& name, int count) {
    std::string content;
    for (int i = 0; i < count; ++i) {
      content += R"({"prompt": ")" + name + std::to_string(i) + R"(", "answer": "1"})" + "\n";
    }
    return *JsonlDataset::load({.path = write(content, name + ".jsonl")});
  }

  testing::TemporaryFolder folder_;
};

using JsonlDatasets = DatasetFiles;
using JsonlErrors = DatasetFiles;
using Sources = DatasetFiles;

TEST(ExtractTruth, TakesTheMarkedThenTheBoxedThenTheWhole) {
  EXPECT_EQ(extract_truth("48+24 = 72 clips.\n#### 72"), "72");
  EXPECT_EQ(extract_truth("#### 1\nno\n####  70,000 \nand on"), "70,000");
  EXPECT_EQ(extract_truth("so \\boxed{1} or \\boxed{\\frac{1}{2}}."), "\\frac{1}{2}");
  EXPECT_EQ(extract_truth("  x = 3 \n"), "x = 3");
  EXPECT_EQ(extract_truth("\\boxed{3"), "\\boxed{3");
  EXPECT_EQ(extract_truth("12 ####"), "12 ####");
}

TEST_F(JsonlDatasets, ReadsRowsAndFindsTheColumns) {
  const auto dataset = load(
      "{\"question\": \"How many?\", \"answer\": \"2+3=5\\n#### 5\", \"id\": 1}\n"
      "\n"
      "{\"question\": \"And now?\", \"answer\": \"#### 1,234\", \"id\": 2}\r\n");

  ASSERT_TRUE(dataset);
  ASSERT_EQ(dataset->prompts().size(), 2u);
  const wire::Prompt& first = dataset->prompts()[0];
  EXPECT_EQ(first.text, "How many?");
  EXPECT_EQ(first.reference, "5");
  EXPECT_EQ(first.source, "rows");
  EXPECT_EQ(first.verifier, "math");
  EXPECT_EQ(first.id, derive_prompt_id("rows", "How many?", "5"));
  EXPECT_EQ(dataset->prompts()[1].reference, "1,234");
  EXPECT_EQ(dataset->prompts()[1].row, 1u);
  EXPECT_THAT(dataset->mapping().columns_seen, ElementsAre("answer", "id", "question"));
  EXPECT_EQ(dataset->mapping().marked_truths, 2u);
  EXPECT_THAT(dataset->describe(), HasSubstr("prompt from \"question\", truth from \"answer\""));
  EXPECT_THAT(dataset->describe(), HasSubstr("row 0: \"How many?\" -> \"5\""));
}

TEST_F(JsonlDatasets, KeepsTheOtherColumnsForVerifiers) {
  const auto dataset = load(
      R"({"question": "q", "answer": "1", "tests": ["assert f(1) == 1"], "level": 3})"
      "\n"
      R"({"question": "r", "answer": "2"})"
      "\n");

  ASSERT_TRUE(dataset);
  EXPECT_EQ(dataset->prompts()[0].columns, R"({"level":3,"tests":["assert f(1) == 1"]})");
  EXPECT_EQ(dataset->prompts()[1].columns, "");
}

TEST_F(JsonlDatasets, PrefersColumnsInTheStatedOrder) {
  const auto both = load(R"({"problem": "b", "prompt": "a", "solution": "2", "answer": "1"})");
  const auto nested = load(R"({"prompt": [{"role": "user", "content": "a"}],
      "reward_model": {"style": "rule", "ground_truth": "7"}})"
                           "\n");

  ASSERT_TRUE(both);
  EXPECT_EQ(both->prompts()[0].text, "a");
  EXPECT_EQ(both->prompts()[0].reference, "1");
  EXPECT_FALSE(nested);  // a row ends with its line
}

TEST_F(JsonlDatasets, ReadsChatMessagesAndNestedTruths) {
  const auto dataset =
      load(R"({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}, )"
           R"({"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}], )"
           R"("reward_model": {"style": "rule", "ground_truth": 7}})");

  ASSERT_TRUE(dataset) << to_text(dataset.error());
  EXPECT_EQ(dataset->prompts()[0].text, "b");
  EXPECT_EQ(dataset->prompts()[0].reference, "7");
  EXPECT_EQ(dataset->mapping().truth_column, "reward_model.ground_truth");
}

TEST_F(JsonlDatasets, OverridesChooseOtherColumns) {
  const std::string path =
      write(R"({"prompt": "a", "answer": "1", "task": "b", "gold": {"x": 2}})");

  const auto dataset = JsonlDataset::load(
      {.path = path, .name = "mine", .prompt_column = "task", .truth_column = "gold.x"});

  ASSERT_TRUE(dataset);
  EXPECT_EQ(dataset->prompts()[0].text, "b");
  EXPECT_EQ(dataset->prompts()[0].reference, "2");
  EXPECT_EQ(dataset->name(), "mine");
}

TEST_F(JsonlDatasets, WindowsLineEndsAndAByteOrderMarkAreNoPartOfARow) {
  const auto dataset = load(
      "\xEF\xBB\xBF{\"prompt\": \"a\", \"answer\": \"1\"}\r\n"
      "\r\n"
      "{\"prompt\": \"b\", \"answer\": \"2\"}\r\n");

  ASSERT_TRUE(dataset) << to_text(dataset.error());
  ASSERT_EQ(dataset->prompts().size(), 2u);
  EXPECT_EQ(dataset->prompts()[0].text, "a");
  EXPECT_EQ(dataset->prompts()[1].reference, "2");
  EXPECT_EQ(dataset->prompts()[1].row, 1u);
}

TEST_F(JsonlDatasets, NumbersAndTruthValuesAreReferencesAsWritten) {
  const auto dataset = load(
      "{\"prompt\": \"a\", \"answer\": 9007199254740993}\n"  // 2^53 + 1
      "{\"prompt\": \"b\", \"answer\": 0.1}\n"
      "{\"prompt\": \"c\", \"answer\": true}\n"
      "{\"prompt\": \"d\", \"answer\": -7}\n");

  ASSERT_TRUE(dataset) << to_text(dataset.error());
  EXPECT_EQ(dataset->prompts()[0].reference, "9007199254740993");
  EXPECT_EQ(dataset->prompts()[1].reference, "0.1");
  EXPECT_EQ(dataset->prompts()[2].reference, "true");
  EXPECT_EQ(dataset->prompts()[3].reference, "-7");
  EXPECT_EQ(dataset->mapping().plain_truths, 4u);
}

TEST_F(JsonlDatasets, AColumnNamedWithADotIsFoundBeforeANestedOne) {
  const auto dataset = load(R"({"prompt": "a", "reward_model.ground_truth": "1", )"
                            R"("reward_model": {"ground_truth": "2"}})");

  ASSERT_TRUE(dataset);
  EXPECT_EQ(dataset->prompts()[0].reference, "1");
}

TEST_F(JsonlDatasets, EqualRowsHaveEqualIdsAndRowsOfTheirOwn) {
  const std::string row = R"({"prompt": "a", "answer": "1"})"
                          "\n";
  const auto dataset = load(row + row);

  ASSERT_TRUE(dataset);
  EXPECT_EQ(dataset->prompts()[0].id, dataset->prompts()[1].id);
  EXPECT_EQ(dataset->prompts()[1].row, 1u);
}

TEST_F(JsonlErrors, AnOverrideThatNamesNoColumnIsAnErrorNotAGuess) {
  const std::string path = write(R"({"prompt": "a", "answer": "1"})");

  const auto prompt = JsonlDataset::load({.path = path, .prompt_column = "promt"});
  const auto truth = JsonlDataset::load({.path = path, .truth_column = "gold"});

  EXPECT_EQ(prompt.error().id, "E302");
  EXPECT_THAT(prompt.error().message, HasSubstr("\"promt\""));
  EXPECT_EQ(truth.error().id, "E301");
}

TEST_F(JsonlErrors, WhatIsTooLongForAMessageIsRefusedByItsRow) {
  const std::string good = R"({"prompt": "a", "answer": "1"})"
                           "\n";
  const std::string endless(300'000, 'x');

  const auto prompt = load(good + R"({"prompt": ")" + endless + R"(", "answer": "1"})");
  const auto truth = load(good + R"({"prompt": "a", "answer": ")" + endless + R"("})");

  EXPECT_THAT(prompt.error().place, EndsWith(":2"));
  EXPECT_THAT(truth.error().place, EndsWith(":2"));
  EXPECT_THAT(truth.error().message, HasSubstr("reference answer has 300000 bytes"));
}

TEST_F(JsonlErrors, AFolderIsNoDataset) {
  EXPECT_FALSE(JsonlDataset::load({.path = folder_.root()}));
}

TEST_F(JsonlErrors, WhatOnlyLooksLikeJsonIsRefused) {
  for (const char* line :
       {"{\"prompt\": \"a\", \"answer\": NaN}", "{'prompt': 'a'}",
        "{\"prompt\": \"a\", \"answer\": 1e999}", "{\"prompt\": \"a\", \"answer\": \"1\"} {}",
        "{\"prompt\": \"\x01\"}", "// a comment"}) {
    EXPECT_EQ(load(line).error().code, ErrorCode::kCorrupt) << line;
  }
}

TEST_F(JsonlDatasets, StopsAtTheRowLimit) {
  const auto dataset = JsonlDataset::load(
      {.path = write("{\"prompt\":\"a\",\"answer\":\"1\"}\nbroken"), .rows_max = 1});

  ASSERT_TRUE(dataset);
  EXPECT_EQ(dataset->prompts().size(), 1u);
}

TEST_F(JsonlErrors, AMissingTruthColumnNamesTheColumnsSeen) {
  const auto dataset = load(R"({"prompt": "a", "label": "1"})");

  ASSERT_FALSE(dataset);
  EXPECT_EQ(dataset.error().id, "E301");
  EXPECT_THAT(dataset.error().message, HasSubstr("the columns are label, prompt"));
  EXPECT_THAT(dataset.error().place, EndsWith("rows.jsonl:1"));
  EXPECT_THAT(dataset.error().remedy, HasSubstr("reference_column = "));
}

TEST_F(JsonlErrors, AMissingPromptColumnIsItsOwnError) {
  EXPECT_EQ(load(R"({"text": "a", "answer": "1"})").error().id, "E302");
}

TEST_F(JsonlErrors, BrokenLinesAreNamedByFileAndLine) {
  const std::string good = R"({"prompt": "a", "answer": "1"})"
                           "\n";
  const std::string broken[] = {
      "{\"prompt\": \"b\"",                                // not JSON
      R"({"prompt": "b", "answer": "1", "answer": "2"})",  // a key twice
      "{\"prompt\": \"\xff\", \"answer\": \"1\"}",         // not UTF-8
      R"(["b", "1"])",                                     // not an object
      R"({"prompt": "b"})",                                // a column of the first row is gone
      R"({"prompt": "", "answer": "1"})",                  // nothing to ask
      R"({"prompt": "b", "answer": [1]})",                 // no single truth
      R"({"prompt": "b", "answer": " "})",                 // an empty truth
      R"({"prompt": "b", "answer": 123456789012345678901234567890})",  // JSON readers round it
      R"({"prompt": "b", "answer": "1", "x": [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]})",  // deep
  };
  for (const std::string& line : broken) {
    const auto dataset = load(good + "\n" + line + "\n" + good);

    ASSERT_FALSE(dataset) << line;
    EXPECT_EQ(dataset.error().code, ErrorCode::kCorrupt) << line;
    EXPECT_THAT(dataset.error().place, EndsWith("rows.jsonl:3")) << line;
    EXPECT_FALSE(dataset.error().remedy.empty()) << line;
  }
}

TEST_F(JsonlErrors, ALineLongerThanTheLimitIsRefused) {
  const std::string path = write("{}\n\"" + std::string(1'000'000, 'x') + "\"\n");
  auto reader = *JsonlReader::open(path, 1000);

  EXPECT_TRUE(reader.next());
  const auto line = reader.next();

  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(line.error().place, EndsWith(":2"));
}

TEST_F(JsonlErrors, TheLimitCountsTheLineAloneAndHoldsAtTheEndOfTheFile) {
  const std::string ten = "\"12345678\"";  // ten bytes
  for (const char* end : {"\n", ""}) {
    auto reader = *JsonlReader::open(write(ten + end), 10);
    EXPECT_TRUE(reader.next()->has_value());
    auto shorter = *JsonlReader::open(write(ten + end), 9);
    EXPECT_EQ(shorter.next().error().code, ErrorCode::kExhausted);
  }
}

TEST_F(JsonlErrors, MissingAndEmptyFilesAreErrors) {
  EXPECT_EQ(JsonlDataset::load({.path = folder_.path("absent.jsonl")}).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(load("\n \n").error().code, ErrorCode::kInvalidInput);
}

TEST_F(JsonlDatasets, LinesAcrossReadsAreWhole) {
  // Lines of growing length cross every boundary of the reader's own buffer.
  std::string content;
  for (int length = 0; length < 1500; ++length) {
    content += "\"" + std::string(static_cast<std::size_t>(length), 'y') + "\"\n";
  }
  auto reader = *JsonlReader::open(write(content));
  for (std::size_t length = 0; length < 1500; ++length) {
    const auto line = reader.next();
    ASSERT_TRUE(line);
    ASSERT_TRUE(line->has_value());
    EXPECT_EQ((**line).text.size(), length + 2);
    EXPECT_EQ((**line).number, length + 1);
  }
  EXPECT_FALSE(reader.next()->has_value());
}

TEST_F(Sources, EachEpochVisitsEveryRowOnceInAnOrderOfItsOwn) {
  const auto source = shuffled(numbered("row", 100), 17);
  std::vector<std::string> first;
  std::vector<std::string> second;
  for (std::uint64_t index = 0; index < 100; ++index) {
    first.push_back(source->prompt(0, index).text);
    second.push_back(source->prompt(1, index).text);
  }

  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()).size(), 100u);
  EXPECT_EQ(std::set<std::string>(second.begin(), second.end()).size(), 100u);
  EXPECT_NE(first, second);
  EXPECT_EQ(source->prompt(0, 130).text, second[30]);
}

TEST_F(Sources, AMixtureGivesEachSourceItsShareOfEveryBlock) {
  std::vector<MixtureEntry> entries;
  entries.push_back({shuffled(numbered("a", 700), 1), 3.0});
  entries.push_back({shuffled(numbered("b", 500), 1), 1.0});
  const auto mixed = mixture(std::move(entries), 17);

  ASSERT_TRUE(mixed);
  EXPECT_EQ((*mixed)->prompts_per_epoch(), 1200u);
  std::map<char, int> count;
  std::set<std::string> drawn_of_b;
  for (std::uint64_t index = 0; index < 2000; ++index) {
    const std::string text = (*mixed)->prompt(0, index).text;
    ++count[text[0]];
    if (text[0] == 'b') drawn_of_b.insert(text);
    EXPECT_EQ(text, (*mixed)->prompt(index / 1200, index % 1200).text);
  }
  EXPECT_EQ(count['a'], 1500);
  EXPECT_EQ(count['b'], 500);
  EXPECT_EQ(drawn_of_b.size(), 500u);  // two blocks of 250 are exactly one epoch of b
}

TEST_F(Sources, AMixtureInterleavesItsSources) {
  std::vector<MixtureEntry> entries;
  entries.push_back({shuffled(numbered("a", 10), 1), 1.0});
  entries.push_back({shuffled(numbered("b", 10), 1), 1.0});
  const auto mixed = mixture(std::move(entries), 17);
  int of_a = 0;
  for (std::uint64_t index = 0; index < 100; ++index) {
    of_a += (*mixed)->prompt(0, index).text[0] == 'a';
  }

  EXPECT_NEAR(of_a, 50, 25);  // five deviations of sqrt(100)/2
}

TEST_F(Sources, AMixtureRefusesRatiosThatMeanNothing) {
  const std::shared_ptr<const PromptSource> source = shuffled(numbered("a", 10), 1);

  EXPECT_FALSE(mixture({}, 17));
  EXPECT_FALSE(mixture({{source, 0.0}}, 17));
  EXPECT_FALSE(mixture({{source, -1.0}}, 17));
  EXPECT_FALSE(mixture({{source, 1.0}, {source, 1e-6}}, 17));
  EXPECT_TRUE(mixture({{source, 1.0}, {source, 0.01}}, 17));
}

}  // namespace
}  // namespace assay::dataset
