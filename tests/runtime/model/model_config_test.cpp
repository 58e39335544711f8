#include "runtime/model/model_config.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace assay::model {
namespace {

ModelConfig small_config() {
  ModelConfig config;
  config.vocab_size = 10;
  config.hidden_size = 8;
  config.layer_count = 2;
  config.head_count = 4;
  config.kv_head_count = 2;
  config.head_size = 6;
  config.ffn_size = 16;
  config.context_size = 32;
  return config;
}

TEST(ModelConfig, WeightsAreCountedTensorByTensor) {
  ModelConfig config = small_config();
  // layer: norms 2*8 = 16; q and o 2*(8*24) = 384; k and v 2*(8*12) = 192; ffn 3*8*16 = 384
  //        together 976; two layers 1952; final norm 8; embedding 10*8 = 80
  EXPECT_EQ(weight_count(config), 1952u + 8u + 80u);
  config.has_tied_embeddings = false;
  EXPECT_EQ(weight_count(config), 1952u + 8u + 160u);
  config.has_qkv_bias = true;  // 24 + 12 + 12 a layer
  EXPECT_EQ(weight_count(config), 1952u + 96u + 8u + 160u);
  config.has_qk_norm = true;  // 6 + 6 a layer
  EXPECT_EQ(weight_count(config), 1952u + 96u + 24u + 8u + 160u);
}

TEST(ModelConfig, ImpossibleShapesAreRefusedByField) {
  using Change = std::pair<const char*, std::function<void(ModelConfig&)>>;
  const std::vector<Change> changes = {
      {"vocab_size", [](ModelConfig& c) { c.vocab_size = 0; }},
      {"hidden_size", [](ModelConfig& c) { c.hidden_size = 1u << 21; }},
      {"layer_count", [](ModelConfig& c) { c.layer_count = 2000; }},
      {"head_size", [](ModelConfig& c) { c.head_size = 7; }},
      {"kv_head_count", [](ModelConfig& c) { c.kv_head_count = 3; }},
      {"head_count", [](ModelConfig& c) { c.head_count = 1u << 20; }},
      {"context_size", [](ModelConfig& c) { c.context_size = 0; }},
      {"rms_eps", [](ModelConfig& c) { c.rms_eps = 0; }},
      {"rope_theta", [](ModelConfig& c) { c.rope_theta = -1; }},
      {"weights", [](ModelConfig& c) { c.hidden_size = c.ffn_size = 1u << 20; }},
  };
  ASSERT_TRUE(validate(small_config()));
  for (const auto& [field, change] : changes) {
    ModelConfig config = small_config();
    change(config);
    const Result<void> valid = validate(config);
    ASSERT_FALSE(valid) << field;
    EXPECT_NE(valid.error().message.find(field), std::string::npos) << valid.error().message;
  }
}

TEST(ModelConfig, JsonGivesTheSameConfigBack) {
  ModelConfig config = small_config();
  config.rms_eps = 1e-5f;
  config.has_qk_norm = true;
  EXPECT_EQ(*parse_model_config(to_json(config)), config);
}

TEST(ModelConfig, ForeignJsonIsRefused) {
  const std::string good = to_json(small_config());
  for (const std::string& bad :
       {std::string("{}"), std::string("[]"), std::string("{"),
        good.substr(0, good.size() - 1) + R"(,"x":1})",
        std::string(good).replace(good.find("\"vocab_size\":10"), 15, "\"vocab_size\":-1"),
        std::string(good).replace(good.find("\"vocab_size\":10"), 15, "\"vocab_size\":\"\"")}) {
    EXPECT_FALSE(parse_model_config(bad)) << bad;
  }
}

}  // namespace
}  // namespace assay::model
