#include "verifiers/compose/compose_verifier.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/digest.h"
#include "runtime/core/json.h"
#include "verifiers/compose/composition.h"
#include "verifiers/option_reader.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

constexpr std::size_t kPartsMax = 64;

struct Part {
  std::string name;
  PartRole role = PartRole::kScore;
  double weight = 1;
  std::unique_ptr<Verifier> verifier;
};

class ComposeVerifier final : public Verifier {
 public:
  ComposeVerifier(const CompositionOptions& options, std::vector<Part> parts, std::string identity)
      : options_(options), parts_(std::move(parts)), identity_(std::move(identity)) {}

  std::string identity() const override { return identity_; }

  std::chrono::milliseconds longest_check() const override {
    std::chrono::milliseconds sum{0};
    for (const Part& part : parts_) sum += part.verifier->longest_check();
    return sum;
  }

  std::vector<std::string> side_effects() const override {
    std::vector<std::string> effects;
    for (const Part& part : parts_) {
      for (const std::string& one : part.verifier->side_effects()) {
        effects.push_back(part.name + ": " + one);
      }
    }
    return effects;
  }

  // One part reads the reference, others may judge form alone: one that can judge by it is enough.
  Result<void> check_reference(const wire::Prompt& prompt) const override {
    Result<void> first = parts_.front().verifier->check_reference(prompt);
    for (std::size_t i = 1; !first && i < parts_.size(); ++i) {
      if (parts_[i].verifier->check_reference(prompt)) return {};
    }
    return first;
  }

  wire::Verdict verify(const wire::Prompt& prompt, std::string_view completion) const override {
    std::vector<JudgedPart> judged;
    for (const Part& part : parts_) {
      JudgedPart one{part.name, part.role, part.weight, std::nullopt};
      if (!is_decided(options_, judged)) one.verdict = part.verifier->verify(prompt, completion);
      judged.push_back(std::move(one));
    }
    return stamped(compose(options_, judged), identity_, completion);
  }

 private:
  CompositionOptions options_;
  std::vector<Part> parts_;  // gates and tripwires first
  std::string identity_;
};

template <class Value>
Value chosen(const std::string& word, std::initializer_list<std::pair<const char*, Value>> table) {
  for (const auto& [name, value] : table) {
    if (word == name) return value;
  }
  return table.begin()->second;
}

CompositionOptions read_options(OptionReader& reader) {
  CompositionOptions options;
  options.rule = chosen<CompositionRule>(
      reader.read_word("rule", "all", {"all", "weighted", "min", "cascade"}),
      {{"all", CompositionRule::kAll},
       {"weighted", CompositionRule::kWeighted},
       {"min", CompositionRule::kMin},
       {"cascade", CompositionRule::kCascade}});
  options.abstention =
      chosen<Abstention>(reader.read_word("abstain", "unscored", {"unscored", "skip", "fail"}),
                         {{"unscored", Abstention::kUnscored},
                          {"skip", Abstention::kSkip},
                          {"fail", Abstention::kFail}});
  options.threshold = reader.read_number("threshold", 1, 0, 1);
  return options;
}

Result<Part> read_part(const VerifierContext& context, const Json& described) {
  OptionReader reader("compose", json_text(described));
  Part part;
  const std::string type = reader.read_text("type", "");
  part.name = reader.read_text("name", type);
  part.weight = reader.read_number("weight", 1, 1e-9, 1e9);
  part.role = chosen<PartRole>(
      reader.read_word("role", "score", {"score", "gate", "tripwire"}),
      {{"score", PartRole::kScore}, {"gate", PartRole::kGate}, {"tripwire", PartRole::kTripwire}});
  const std::string options = reader.read_json("options");
  if (auto finished = reader.finish(); !finished) return finished.error();
  auto made = make_verifier(type, options.empty() ? "{}" : options, context);
  if (!made) {
    Error error = made.error();
    error.message = "part \"" + part.name + "\": " + error.message;
    return error;
  }
  part.verifier = std::move(*made);
  return part;
}

Error parts_error(std::string what, std::string remedy) {
  return {ErrorCode::kInvalidInput, "verifier \"compose\": " + what, std::move(remedy), "", "E403"};
}

Result<std::vector<Part>> read_parts(const VerifierContext& context, const std::string& text) {
  const Json list = text.empty() ? Json::array() : parse_json(text);
  if (!list.is_array() || list.empty() || list.size() > kPartsMax) {
    return parts_error("its `parts` are not a list of 1 to 64 verifiers",
                       "parts = [{ name = \"answer\", type = \"math\" }, ...]");
  }
  std::vector<Part> parts;
  std::set<std::string> names;
  for (const Json& described : list) {
    Result<Part> part = read_part(context, described);
    if (!part) return part.error();
    if (!names.insert(part->name).second) {
      return parts_error("two parts are named \"" + part->name + "\"", "give each its own name");
    }
    parts.push_back(std::move(*part));
  }
  std::stable_partition(parts.begin(), parts.end(),
                        [](const Part& part) { return part.role != PartRole::kScore; });
  return parts;
}

}  // namespace

Result<std::unique_ptr<Verifier>> make_compose_verifier(const VerifierContext& context,
                                                        std::string_view options_json) {
  OptionReader reader("compose", options_json);
  const CompositionOptions options = read_options(reader);
  const std::string parts_json = reader.read_json("parts");
  if (auto finished = reader.finish(); !finished) return finished.error();
  Result<std::vector<Part>> parts = read_parts(context, parts_json);
  if (!parts) return parts.error();
  // The judge is what its options and its parts are.
  std::string text(options_json);
  for (const Part& part : *parts) text += "\n" + part.verifier->identity();
  return std::unique_ptr<Verifier>(std::make_unique<ComposeVerifier>(
      options, std::move(*parts), "compose/1:" + sha256(text).short_hex()));
}

}  // namespace assay::verifiers
