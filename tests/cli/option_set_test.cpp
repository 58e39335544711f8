#include "actors/cli/option_set.h"

#include <gtest/gtest.h>

#include <sstream>

namespace assay::cli {
namespace {

// One parse of an option set with every kind of option.
struct Parsed {
  std::ostringstream out;
  std::ostringstream err;
  std::uint32_t count = 4;
  double rate = 0.5;
  bool is_fast = false;
  std::string kind = "one";
  std::string name;
  std::vector<std::uint32_t> ks;
  config::Request request;
  OutputFormat format = OutputFormat::kTable;
  std::optional<ExitCode> stop;

  explicit Parsed(std::vector<std::string> args) {
    CommandContext context{.args = std::move(args), .out = out, .err = err};
    OptionSet options("measure", "Measures.");
    options.option("-n,--count", count, "how many");
    options.option("--rate", rate, "how fast");
    options.flag("--fast", is_fast, "hurry");
    options.choice("--kind", kind, {"one", "two"}, "which");
    options.multi("--ks", ks, "each k");
    options.positional("name", name, "what", OptionSet::Presence::kOptional);
    options.config(request);
    stop = options.parse(context);
    format = context.format;
  }
};

TEST(OptionSet, FillsBoundVariables) {
  const Parsed parsed({"-n", "7", "--rate=2e-3", "--fast", "--kind", "two", "--ks", "1,2", "--ks",
                       "4", "gsm8k", "-o", "json"});

  EXPECT_EQ(parsed.stop, std::nullopt) << parsed.err.str();
  EXPECT_EQ(parsed.count, 7u);
  EXPECT_EQ(parsed.rate, 2e-3);
  EXPECT_TRUE(parsed.is_fast);
  EXPECT_EQ(parsed.kind, "two");
  EXPECT_EQ(parsed.ks, (std::vector<std::uint32_t>{1, 2, 4}));
  EXPECT_EQ(parsed.name, "gsm8k");
  EXPECT_EQ(parsed.format, OutputFormat::kJson);
}

TEST(OptionSet, KeepsDefaults) {
  const Parsed parsed({});

  EXPECT_EQ(parsed.count, 4u);
  EXPECT_EQ(parsed.kind, "one");
}

TEST(OptionSet, TakesConfigWordsInTheirFourShapes) {
  const Parsed parsed({"@", "a.toml", "-c", "b.toml", "--learner.optim.lr", "1e-4", "--max-steps=5",
                       "ckpt.keep=3", "--deterministic", "--fast"});

  EXPECT_EQ(parsed.stop, std::nullopt) << parsed.err.str();
  EXPECT_EQ(parsed.request.files, (std::vector<std::string>{"a.toml", "b.toml"}));
  ASSERT_EQ(parsed.request.overrides.size(), 4u);
  EXPECT_EQ(parsed.request.overrides[0].key, "learner.optim.lr");
  EXPECT_EQ(parsed.request.overrides[0].value, "1e-4");
  EXPECT_EQ(parsed.request.overrides[1].key, "max-steps");
  EXPECT_EQ(parsed.request.overrides[1].value, "5");
  EXPECT_EQ(parsed.request.overrides[2].value, "3");
  EXPECT_EQ(parsed.request.overrides[3].value, "true");  // a key alone switches it on
  EXPECT_TRUE(parsed.is_fast);
}

TEST(OptionSet, NegativeNumbersAreValues) {
  const Parsed parsed({"--learner.optim.lr", "-1"});

  ASSERT_EQ(parsed.request.overrides.size(), 1u);
  EXPECT_EQ(parsed.request.overrides[0].value, "-1");
}

TEST(OptionSet, HelpNamesOptionsAndDefaults) {
  const Parsed parsed({"--help"});

  EXPECT_EQ(parsed.stop, ExitCode::kDone);
  EXPECT_NE(parsed.out.str().find("-n, --count N"), std::string::npos) << parsed.out.str();
  EXPECT_NE(parsed.out.str().find("how many [4]"), std::string::npos);
}

TEST(OptionSet, WrongValueIsWrongUsage) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{"-n", "many"},
                                               {"-n", "-1"},
                                               {"-n"},
                                               {"--kind", "three"},
                                               {"--unknown"},
                                               {"one", "two"},
                                               {"@"}}) {
    const Parsed parsed(args);
    EXPECT_EQ(parsed.stop, ExitCode::kUsage) << args.front();
    EXPECT_EQ(parsed.err.str().substr(0, 6), "error:") << parsed.err.str();
  }
}

}  // namespace
}  // namespace assay::cli
