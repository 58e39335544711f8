#include "tests/web/summary_contract.h"

namespace assay::web {
namespace {

using Json = nlohmann::json;

// The published shape. A key in angle brackets stands for any number of names, an array's element
// for every element; values show the kind that is wanted.
constexpr const char* kContract = R"json(
{"assay": 1, "run": "...", "config_sha256": "...", "seed": 17, "steps": 100,
 "wall_s": {"total": 0, "sft": 0, "base_eval": 0, "rl": 0, "final_eval": 0},
 "eval": {"<source>": {"n_prompts": 0, "n_samples": 0, "clustered_by": "prompt",
     "base":  {"<pass@k>": {"value": 0.39, "low": 0.36, "high": 0.42}},
     "after": {"<pass@k>": {"value": 0.39, "low": 0.36, "high": 0.42}},
     "guess_floor": {"<pass@k>": 0.01},
     "compression_ratio": {"value": 0.71, "low": 0.6, "high": 0.8},
     "capability_gain": {"value": 0.02, "low": -0.01, "high": 0.05},
     "crossing_k": 0, "reading": "pure search compression"}},
 "controls": {"<arm>": {}},
 "health": {"alerts": [{"step": 12, "signal": "entropy", "level": "warn", "value": 0.1}]},
 "throughput": {"rollouts_per_s": 0, "generated_tokens_per_s": 0, "trained_tokens_per_s": 0},
 "accounting": {"issued": 0, "consumed": 0, "dropped": {"<reason>": 0}, "open": 0}}
)json";

class Comparison {
 public:
  void object(const Json& wanted, const Json& actual, const std::string& path) {
    if (!actual.is_object()) return breach(path, "is no object");
    for (const auto& [key, kind] : wanted.items()) {
      if (key.front() == '<') {
        any_of_them(key, kind, actual, path);
      } else if (const auto found = actual.find(key); found == actual.end()) {
        breach(path + "/" + key, "is missing");
      } else {
        value(kind, *found, has_reason(actual, key), path + "/" + key);
      }
    }
  }

  std::vector<std::string> breaches;

 private:
  static bool is_text(const Json& object, const std::string& key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() && !found->get<std::string>().empty();
  }

  static bool has_reason(const Json& object, const std::string& key) {
    return is_text(object, "null_reason") || is_text(object, key + "_null_reason");
  }

  void value(const Json& kind, const Json& actual, bool has_reason, const std::string& path) {
    if (actual.is_null()) {
      if (!has_reason) breach(path, "is null without a reason");
    } else if (kind.is_object()) {
      object(kind, actual, path);
    } else if (kind.is_array()) {
      if (!actual.is_array()) return breach(path, "is no list");
      for (const Json& one : actual) object(kind.front(), one, path + "[]");
    } else if (kind.is_number() != actual.is_number() || kind.is_string() != actual.is_string()) {
      breach(path, "is of another kind");
    }
  }

  // "<pass@k>" asks for the names that begin with "pass@"; any other placeholder for all names.
  void any_of_them(const std::string& placeholder, const Json& kind, const Json& actual,
                   const std::string& path) {
    const bool is_pass = placeholder == "<pass@k>";
    std::size_t count = 0;
    for (const auto& [key, one] : actual.items()) {
      if (is_pass && !key.starts_with("pass@")) continue;
      ++count;
      value(kind, one, has_reason(actual, key), path + "/" + key);
    }
    if (is_pass && count == 0) breach(path, "holds no pass@k");
  }

  void breach(const std::string& path, const std::string& what) {
    breaches.push_back(path + ": " + what);
  }
};

}  // namespace

std::vector<std::string> contract_breaches(const Json& summary) {
  Comparison comparison;
  comparison.object(Json::parse(kContract), summary, "");
  return std::move(comparison.breaches);
}

}  // namespace assay::web
