#include "runtime/config/schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/config/toml_file.h"

namespace assay::config {
namespace {

enum class Baseline { kMean, kMedian };

struct Source {
  std::string name;
  std::uint32_t prompts = 8;
  std::string options = "{}";
};

// A small config with one key of each kind.
struct Sample {
  std::uint64_t steps = 10;
  bool is_fast = false;
  double lr = 0.5;
  double beta1 = 0.9, beta2 = 0.99;
  std::chrono::milliseconds timeout{2000};
  Size cache{1 << 20};
  Baseline baseline = Baseline::kMean;
  std::vector<std::uint32_t> ks = {1, 2};
  std::vector<std::string> arms;
  std::vector<Source> sources;
};

void describe_source(Schema& schema, Source& source) {
  schema.key("name", source.name, "its name");
  schema.key("prompts", source.prompts, "how many", Range::at_least(1));
  schema.object("options", source.options, "its own");
}

Schema describe(Sample& sample) {
  Schema schema;
  schema.key("steps", sample.steps, "updates", Range::at_least(1));
  schema.table("learner", "the learner");
  schema.key("fast", sample.is_fast, "hurry");
  schema.key("lr", sample.lr, "rate", Range::above(0));
  schema.pair("betas", sample.beta1, sample.beta2, "moments", Range::between(0, 1));
  schema.key("timeout", sample.timeout, "patience");
  schema.key("cache", sample.cache, "memory");
  schema.choice<Baseline>("baseline", sample.baseline,
                          {{"mean", Baseline::kMean}, {"median", Baseline::kMedian}}, "baseline");
  schema.key("ks", sample.ks, "k of pass@k", Range::at_least(1));
  schema.key("arms", sample.arms, "controls", {"permute", "iid"});
  schema.table("", "");
  schema.items("source", sample.sources, "sources", describe_source);
  return schema;
}

Result<std::vector<ResolvedValue>> load(Sample& sample, std::string_view text) {
  const auto root = parse_toml(text, "f.toml");
  EXPECT_TRUE(root);
  return describe(sample).load(*root);
}

Error error_of(std::string_view text) {
  Sample sample;
  const auto loaded = load(sample, text);
  EXPECT_FALSE(loaded) << text;
  return loaded ? Error{} : loaded.error();
}

TEST(Schema, AssignsEveryKind) {
  Sample sample;

  const auto loaded = load(sample,
                           "steps = 3\n[learner]\nfast = true\nlr = 1\nbetas = [0.8, 0.95]\n"
                           "timeout = \"1m\"\ncache = \"2KiB\"\nbaseline = \"median\"\nks = [4]\n"
                           "arms = [\"iid\"]\n[[source]]\nname = \"a\"\n[[source]]\nprompts = 2\n");

  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(sample.steps, 3u);
  EXPECT_TRUE(sample.is_fast);
  EXPECT_EQ(sample.lr, 1.0);
  EXPECT_EQ(sample.beta2, 0.95);
  EXPECT_EQ(sample.timeout, std::chrono::minutes(1));
  EXPECT_EQ(sample.cache.bytes, 2048u);
  EXPECT_EQ(sample.baseline, Baseline::kMedian);
  EXPECT_EQ(sample.ks, std::vector<std::uint32_t>{4});
  EXPECT_EQ(sample.arms, std::vector<std::string>{"iid"});
  ASSERT_EQ(sample.sources.size(), 2u);
  EXPECT_EQ(sample.sources[0].prompts, 8u);  // the default of an item
  EXPECT_EQ(sample.sources[1].prompts, 2u);
}

TEST(Schema, SaysWhereEachValueCameFrom) {
  Sample sample;

  const Resolved resolved(*load(sample, "\nsteps = 3\n[[source]]\nprompts = 2\n"));

  EXPECT_EQ(resolved.find("steps")->origin, "f.toml:2");
  EXPECT_EQ(resolved.find("learner.lr")->origin, "default");
  EXPECT_EQ(resolved.find("source[0].prompts")->origin, "f.toml:4");
}

TEST(Schema, UnknownKeyNamesTheNearest) {
  const Error error = error_of("[learner]\nbaselin = \"mean\"\n");

  EXPECT_EQ(error.id, "E103");
  EXPECT_EQ(error.place, "f.toml:2:1");
  EXPECT_NE(error.message.find("`baselin` in [learner]"), std::string::npos) << error.message;
  EXPECT_NE(error.remedy.find("did you mean `baseline`?"), std::string::npos) << error.remedy;
}

TEST(Schema, KeyInTheWrongTableNamesTheRightOne) {
  EXPECT_NE(error_of("lr = 1.0\n").remedy.find("`learner.lr`"), std::string::npos);
}

TEST(Schema, UnknownKeyOfAnItemNamesItsTable) {
  const Error error = error_of("[[source]]\nprompt = 3\n");

  EXPECT_NE(error.message.find("in [source]"), std::string::npos) << error.message;
  EXPECT_NE(error.remedy.find("`prompts`"), std::string::npos);
}

TEST(Schema, WrongTypesAndRangesSayWhatIsExpected) {
  struct Case {
    const char* text;
    const char* expected;
  };
  const Case cases[] = {
      {"steps = \"x\"\n", "a whole number >= 1"},
      {"steps = 0\n", "a whole number >= 1"},
      {"steps = -1\n", "a whole number >= 1"},
      {"steps = 1.5\n", "a whole number >= 1"},
      {"steps = 1979-05-27\n", "a whole number >= 1"},
      {"[learner]\nfast = 1\n", "true or false"},
      {"[learner]\nlr = 0\n", "a number above 0"},
      {"[learner]\nlr = nan\n", "a number above 0"},
      {"[learner]\nbetas = [0.9]\n", "a list of 2 numbers, each in [0, 1]"},
      {"[learner]\nbetas = 0.9\n", "a list of 2 numbers"},
      {"[learner]\ntimeout = 5\n", "a duration such as"},
      {"[learner]\ncache = \"5 parsecs\"\n", "a size such as"},
      {"[learner]\nbaseline = \"average\"\n", "one of: mean, median"},
      {"[learner]\nks = [1, \"2\"]\n", "a list of whole numbers, each >= 1"},
      {"[learner]\narms = [\"none\"]\n", "a list of: permute, iid"},
      {"learner = 3\n", "a table"},
      {"[source]\nname = \"a\"\n", "tables: write each as [[source]]"},
      {"source = [1]\n", "tables: write each as [[source]]"},
  };
  for (const Case& one : cases) {
    const Error error = error_of(one.text);
    EXPECT_EQ(error.id, "E104") << one.text;
    EXPECT_NE(error.remedy.find(one.expected), std::string::npos)
        << one.text << ": " << error.remedy;
    EXPECT_EQ(error.place.substr(0, 7), "f.toml:") << one.text;
  }
}

Result<std::vector<ResolvedValue>> load_raw(Sample& sample, std::string_view key,
                                            const std::string& text) {
  Node root{Table{}, ""};
  EXPECT_TRUE(set_path(root, key, Node{RawText{text}, "--" + std::string(key)}));
  return describe(sample).load(root);
}

TEST(Schema, TypedWordsTakeTheTypeOfTheirKey) {
  Sample sample;

  EXPECT_TRUE(load_raw(sample, "steps", "12"));
  EXPECT_EQ(sample.steps, 12u);
  EXPECT_TRUE(load_raw(sample, "learner.lr", "1e-4"));
  EXPECT_EQ(sample.lr, 1e-4);
  EXPECT_TRUE(load_raw(sample, "learner.ks", "4,8"));
  EXPECT_EQ(sample.ks, (std::vector<std::uint32_t>{4, 8}));
  EXPECT_TRUE(load_raw(sample, "learner.ks", "[16]"));
  EXPECT_EQ(sample.ks, std::vector<std::uint32_t>{16});
  EXPECT_TRUE(load_raw(sample, "learner.arms", "iid"));
  EXPECT_EQ(sample.arms, std::vector<std::string>{"iid"});
  EXPECT_TRUE(load_raw(sample, "learner.arms", ""));
  EXPECT_TRUE(sample.arms.empty());
}

TEST(Schema, WrongTypedWordNamesTheOption) {
  Sample sample;

  const auto loaded = load_raw(sample, "learner.lr", "fast");

  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().place, "--learner.lr");
}

TEST(Schema, JsonSchemaHoldsEveryKeyWithItsLimits) {
  Sample sample;

  const auto document = nlohmann::json::parse(describe(sample).to_json_schema("sample"));

  const auto& learner = document["properties"]["learner"];
  EXPECT_EQ(document["properties"]["steps"]["minimum"], 1);
  EXPECT_EQ(document["additionalProperties"], false);
  EXPECT_EQ(learner["properties"]["lr"]["exclusiveMinimum"], 0);
  EXPECT_EQ(learner["properties"]["baseline"]["enum"][1], "median");
  EXPECT_EQ(learner["properties"]["betas"]["minItems"], 2);
  EXPECT_EQ(learner["description"], "the learner");
  EXPECT_EQ(document["properties"]["source"]["items"]["properties"]["prompts"]["default"], 8);
}

TEST(Schema, KnowsItsKeysAndTables) {
  Sample sample;
  const Schema schema = describe(sample);

  EXPECT_TRUE(schema.has("learner.lr"));
  EXPECT_TRUE(schema.has("learner"));
  EXPECT_TRUE(schema.has("source"));
  EXPECT_FALSE(schema.has("learn"));
  EXPECT_EQ(schema.keys().back(), "source.options");
}

// ---- tables that belong to someone else

std::string options_of(std::string_view text) {
  Sample sample;
  const auto loaded = load(sample, "[[source]]\nname = 'a'\n" + std::string(text));
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded ? sample.sources.at(0).options : "";
}

TEST(SchemaObject, IsATableOrJsonText) {
  const std::string expected = R"({"a":true,"b":[1,2.5,"x"],"c":{"d":"e"}})";
  EXPECT_EQ(options_of("[source.options]\nb = [1, 2.5, 'x']\na = true\nc.d = 'e'\n"), expected);
  EXPECT_EQ(options_of("options = { a = true, b = [1, 2.5, 'x'], c = { d = 'e' } }"), expected);
  EXPECT_EQ(options_of("options = '" + expected + "'"), expected);
  EXPECT_EQ(options_of(""), "{}");
}

TEST(SchemaObject, RefusesWhatIsNoObject) {
  for (const char* wrong : {"options = 3", "options = 'x'", "options = '[1]'",
                            "options = '{\"a\": 1, \"a\": 2}'", "options = { a = inf }",
                            "options = { a = 1979-05-27 }"}) {
    Sample sample;
    const auto loaded = load(sample, "[[source]]\nname = 'a'\n" + std::string(wrong));
    ASSERT_FALSE(loaded) << wrong;
    EXPECT_EQ(loaded.error().id, "E104") << wrong;
    EXPECT_NE(loaded.error().remedy.find("a table, or a JSON object"), std::string::npos);
  }
}

TEST(SchemaObject, TakesWordsFromTheCommandLine) {
  Sample sample;
  auto root = parse_toml("[[source]]\nname = 'a'\noptions = { b = 1 }", "f.toml");
  ASSERT_TRUE(root);
  const auto set = [&](const char* path, const char* text) {
    ASSERT_TRUE(set_path(*root, path, Node{RawText{text}, "--source"}));
  };
  set("source.a.options.flag", "true");
  set("source.a.options.word", "hello");
  set("source.a.options.list", "[1, 2]");

  ASSERT_TRUE(describe(sample).load(*root));

  EXPECT_EQ(sample.sources.at(0).options,
            R"({"b":1,"flag":true,"list":[1,2],"word":"hello"})");
}

}  // namespace
}  // namespace assay::config
