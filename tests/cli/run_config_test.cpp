#include "actors/cli/run_config.h"

#include <gtest/gtest.h>

#include "runtime/core/file.h"
#include "tests/support/temporary_folder.h"

namespace assay::cli {
namespace {

Result<LoadedConfig> load(std::vector<config::Override> overrides) {
  config::Request request;
  request.overrides = std::move(overrides);
  return load_run_config(request);
}

config::Override override_of(const std::string& key, const std::string& value) {
  return {key, value, "--" + key};
}

std::string shipped(const std::string& name) {
  return std::string(ASSAY_SOURCE_DIR) + "/configs/" + name;
}

TEST(RunConfig, DefaultsAreValid) {
  const auto loaded = load({});

  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->run.curator.group_size, 8u);
}

TEST(RunConfig, ResolvedFileLoadsToTheSameConfig) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"arithmetic.toml", "gsm8k.toml", "chinook.toml"}) {
    const auto first =
        load_run_config({{shipped(name)}, {override_of("learner.optim.lr", "7e-5")}});
    ASSERT_TRUE(first) << first.error().message;
    const std::string path = folder.path(name);
    ASSERT_TRUE(write_file_durably(path, first->resolved.to_toml()));

    const auto second = load_run_config({{path}, {}});

    ASSERT_TRUE(second) << second.error().message << " " << second.error().place;
    EXPECT_EQ(first->resolved.digest(), second->resolved.digest());
    EXPECT_EQ(second->run.learner.optim.lr, 7e-5);
  }
}

TEST(RunConfig, TypeSetsWhatItsPaperSays) {
  const auto gspo = load({override_of("algo.type", "gspo")});

  ASSERT_TRUE(gspo) << gspo.error().message;
  EXPECT_EQ(gspo->run.algo.loss.surrogate, algo::Surrogate::kGspo);
  EXPECT_EQ(gspo->run.algo.loss.clip_high, 4e-4);
  EXPECT_EQ(gspo->resolved.find("algo.clip_high")->origin, "algo.type = \"gspo\"");
}

// Every word of the algorithm, and what it reaches.
TEST(RunConfig, EveryWordOfTheAlgorithmReachesItsOption) {
  const auto settings = [](const std::string& key, const std::string& value,
                           std::vector<config::Override> more = {}) {
    more.push_back(override_of(key, value));
    const auto loaded = load(std::move(more));
    EXPECT_TRUE(loaded) << key << " = " << value << ": " << loaded.error().message;
    return loaded->run.algo;
  };
  using algo::Baseline;
  const std::pair<const char*, Baseline> baselines[] = {{"mean", Baseline::kMean},
                                                        {"median", Baseline::kMedian},
                                                        {"loo", Baseline::kLeaveOneOut},
                                                        {"quantile", Baseline::kQuantile},
                                                        {"max_rl", Baseline::kMaxRl}};
  for (const auto& [word, baseline] : baselines) {
    const AlgorithmSettings chosen =
        settings("algo.baseline", word, {override_of("algo.normalise_std", "false")});
    EXPECT_EQ(advantage_options(chosen).baseline, baseline);
    EXPECT_EQ(advantage_options(chosen).scale, algo::AdvantageScale::kNone);
  }
  EXPECT_EQ(advantage_options(settings("algo.baseline_scope", "batch")).scope,
            algo::BaselineScope::kBatch);
  EXPECT_EQ(advantage_options(settings("algo.normalise_std", "true")).scale,
            algo::AdvantageScale::kGroupStd);
  EXPECT_EQ(advantage_options(settings("algo.whiten_batch", "true")).scale,
            algo::AdvantageScale::kBatchWhiten);
  EXPECT_EQ(advantage_options(settings("algo.quantile", "0.7")).quantile, 0.7);

  using algo::Aggregation;
  const std::pair<const char*, Aggregation> aggregations[] = {
      {"token_mean", Aggregation::kTokenMean},
      {"sequence_mean", Aggregation::kSequenceMean},
      {"sequence_sum", Aggregation::kSequenceSum},
      {"constant", Aggregation::kConstant}};
  for (const auto& [word, aggregation] : aggregations) {
    EXPECT_EQ(settings("algo.aggregation", word).loss.aggregation, aggregation);
  }
  using algo::Surrogate;
  EXPECT_EQ(settings("algo.surrogate", "clipped").loss.surrogate, Surrogate::kClipped);
  EXPECT_EQ(settings("algo.surrogate", "cispo").loss.surrogate, Surrogate::kCispo);
  EXPECT_EQ(settings("algo.surrogate", "reinforce").loss.surrogate, Surrogate::kReinforce);
  using algo::ImportanceCorrection;
  const std::pair<const char*, ImportanceCorrection> corrections[] = {
      {"none", ImportanceCorrection::kNone},
      {"token_truncate", ImportanceCorrection::kTokenTruncate},
      {"token_mask", ImportanceCorrection::kTokenMask},
      {"sequence_truncate", ImportanceCorrection::kSequenceTruncate},
      {"sequence_mask", ImportanceCorrection::kSequenceMask}};
  for (const auto& [word, correction] : corrections) {
    EXPECT_EQ(settings("algo.importance", word).loss.importance, correction);
  }
  using algo::KlEstimator;
  const std::pair<const char*, KlEstimator> estimators[] = {{"k1", KlEstimator::kK1},
                                                            {"k2", KlEstimator::kK2},
                                                            {"k3", KlEstimator::kK3},
                                                            {"k3_plus", KlEstimator::kK3Plus}};
  for (const auto& [word, estimator] : estimators) {
    EXPECT_EQ(settings("algo.kl_estimator", word).loss.kl_estimator, estimator);
  }
  EXPECT_FALSE(settings("algo.decoupled", "false").loss.is_decoupled);
  EXPECT_EQ(settings("algo.dual_clip", "0").loss.dual_clip, 0);
  EXPECT_EQ(settings("algo.clip_low", "0.1").loss.clip_low, 0.1);
  EXPECT_EQ(settings("algo.entropy_coefficient", "0.01").loss.entropy_coefficient, 0.01);
}

TEST(RunConfig, EveryTypeIsValidAsItStands) {
  for (const char* type : {"grpo", "dr_grpo", "rloo", "dapo", "gspo", "cispo", "max_rl"}) {
    const auto loaded = load({override_of("algo.type", type)});
    EXPECT_TRUE(loaded) << type << ": " << loaded.error().message;
  }
}

TEST(RunConfig, WhatIsWrittenBeatsTheType) {
  const auto loaded =
      load({override_of("algo.type", "dr_grpo"), override_of("algo.normalise_std", "true")});

  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->run.algo.is_std_normalised);
  EXPECT_EQ(loaded->run.algo.loss.aggregation, algo::Aggregation::kConstant);
}

TEST(RunConfig, ContradictionsNameTheKeyToChange) {
  struct Case {
    std::vector<config::Override> overrides;
    const char* key;
    const char* id;
  };
  const Case cases[] = {
      {{override_of("curator.group_size", "1")}, "curator.group_size", "E110"},
      {{override_of("model.heads", "4"), override_of("model.kv_heads", "3")},
       "model.kv_heads",
       "E111"},
      {{override_of("model.head_size", "15")}, "model.head_size", "E111"},
      {{override_of("seq_len", "16"),
        override_of("generator.sampling.max_completion_tokens", "16")},
       "generator.sampling.max_completion_tokens",
       "E111"},
      {{override_of("algo.surrogate", "gspo")}, "algo.clip_high", "E111"},
      {{override_of("algo.baseline", "median"), override_of("algo.whiten_batch", "true")},
       "algo.baseline",
       "E111"},
      {{override_of("algo.baseline", "max_rl")}, "algo.baseline", "E111"},
      {{override_of("algo.dual_clip", "0.5")}, "algo.dual_clip", "E111"},
      {{override_of("algo.surrogate", "gspo"), override_of("algo.clip_high", "4e-4")},
       "algo.clip_low",
       "E111"},
      {{override_of("algo.cispo_ratio_max", "0.28")}, "algo.cispo_ratio_max", "E111"},
      {{override_of("algo.kl_coefficient", "0.1"), override_of("algo.kl_estimator", "k1")},
       "algo.kl_estimator",
       "E111"},
      {{override_of("generator.sampling.temperature", "0")},
       "generator.sampling.temperature",
       "E111"},
      {{override_of("algo.importance_min", "3")}, "algo.importance_min", "E111"},
      {{override_of("sft.operands_min", "6")}, "sft.operands_min", "E111"},
      {{override_of("sft.operand_weights", "1,2")}, "sft.operand_weights", "E111"},
  };
  for (const Case& one : cases) {
    const auto loaded = load(one.overrides);
    ASSERT_FALSE(loaded) << one.key;
    EXPECT_EQ(loaded.error().id, one.id) << one.key;
    EXPECT_NE(loaded.error().message.find(one.key), std::string::npos) << loaded.error().message;
    EXPECT_NE(loaded.error().remedy, "") << one.key;
  }
}

TEST(RunConfig, ElementsAreReachedByName) {
  const auto loaded = load_run_config(
      {{shipped("gsm8k.toml")}, {override_of("curator.train.source.gsm8k.path", "x.jsonl")}});

  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->run.curator.train.front().path, "x.jsonl");
}

TEST(RunConfig, KeysAreKnownWithDashesOrUnderscores) {
  EXPECT_TRUE(is_run_config_key("max-steps"));
  EXPECT_TRUE(is_run_config_key("learner.optim.grad_norm"));
  EXPECT_TRUE(is_run_config_key("learner"));
  EXPECT_FALSE(is_run_config_key("max-stepps"));
}

}  // namespace
}  // namespace assay::cli
