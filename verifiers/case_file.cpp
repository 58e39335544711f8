#include "verifiers/case_file.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "runtime/core/json.h"
#include "runtime/core/strict_json.h"
#include "verifiers/registry.h"

namespace assay::verifiers {

namespace {

using nlohmann::json;

constexpr std::size_t kCaseDepthMax = 64;

class CaseReader {
 public:
  CaseReader(const std::string& name, const CaseSelection& selection)
      : name_(name), selection_(selection) {}

  // Reads one line into the set; blank lines add nothing.
  Result<void> read_line(std::string_view text, std::size_t line, CaseSet& set) {
    line_ = line;
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) return {};
    if (text.size() > kCaseLineBytesMax) return malformed("the line is too long");
    if (auto checked = check_strict_json(text, kCaseDepthMax); !checked) {
      return malformed(checked.error().message);
    }
    const json object = parse_json(text);
    if (!object.is_object()) return malformed("it is not a JSON object");
    const auto verifier = object.find("verifier");
    if (verifier == object.end() && selection_.fallback != nullptr) {
      return add_for_fallback(object, line, set);
    }
    if (verifier == object.end() || !verifier->is_object() || !has_text(*verifier, "type")) {
      return malformed("\"verifier\" is not an object with a \"type\"");
    }
    const auto type = (*verifier)["type"].get<std::string>();
    if (is_skipped(type)) {
      ++set.skipped_count;
      return {};
    }
    Case read;
    read.line = line;
    if (auto filled = fill(object, read); !filled) return filled;
    auto made = make(type, *verifier);
    if (!made) return made.error();
    read.verifier = std::move(*made);
    read.prompt.verifier = type;
    set.cases.push_back(std::move(read));
    return {};
  }

 private:
  std::string place() const { return name_ + ":" + std::to_string(line_); }

  Error malformed(const std::string& what) const {
    return {ErrorCode::kCorrupt, "the case is malformed: " + what,
            "see the README of the case files for the fields of a case", place(), "E410"};
  }

  static bool has_text(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string();
  }

  Result<void> add_for_fallback(const json& object, std::size_t line, CaseSet& set) const {
    Case read;
    read.line = line;
    if (auto filled = fill(object, read); !filled) return filled;
    read.verifier = selection_.fallback;
    set.cases.push_back(std::move(read));
    return {};
  }

  bool is_skipped(const std::string& type) const {
    const auto& only = selection_.only_types;
    if (!only.empty() && std::find(only.begin(), only.end(), type) == only.end()) return true;
    const auto kinds = verifier_kinds();
    const bool is_known = std::any_of(kinds.begin(), kinds.end(),
                                      [&](const VerifierKind& kind) { return kind.name == type; });
    return selection_.skips_unknown && !is_known;
  }

  Result<void> fill(const json& object, Case& read) const {
    if (!has_text(object, "id")) return malformed("\"id\" is missing or not text");
    if (!has_text(object, "completion")) return malformed("\"completion\" is missing or not text");
    read.id = object["id"].get<std::string>();
    read.completion = object["completion"].get<std::string>();
    for (const auto& [key, target] :
         {std::pair{"reference", &read.prompt.reference}, std::pair{"prompt", &read.prompt.text}}) {
      if (!object.contains(key)) continue;
      if (!has_text(object, key)) return malformed("\"" + std::string(key) + "\" is not text");
      *target = object[key].get<std::string>();
    }
    if (has_text(object, "category")) read.category = object["category"].get<std::string>();
    if (object.contains("columns")) {
      if (!object["columns"].is_object()) return malformed("\"columns\" is not an object");
      read.prompt.columns = json_text(object["columns"]);
    }
    read.prompt.source = "cases";
    read.prompt.id = derive_prompt_id(read.prompt.source, read.prompt.text, read.prompt.reference);
    const auto expect = read_names(object, "expect", wire::parse_outcome);
    if (!expect || expect->empty()) {
      return malformed("\"expect\" is not a list of correct, incorrect or unscored");
    }
    read.expect = *expect;
    if (object.contains("expect_code")) {
      const auto codes = read_names(object, "expect_code", wire::parse_verdict_code);
      if (!codes) return malformed("\"expect_code\" is not a list of verdict codes");
      read.expect_code = *codes;
    }
    return {};
  }

  template <class Enum>
  static std::optional<std::vector<Enum>> read_names(
      const json& object, const char* key, std::optional<Enum> (*parse)(std::string_view)) {
    const auto list = object.find(key);
    if (list == object.end() || !list->is_array()) return {};
    std::vector<Enum> values;
    for (const json& name : *list) {
      const auto value = name.is_string() ? parse(name.get<std::string>()) : std::nullopt;
      if (!value) return {};
      values.push_back(*value);
    }
    return values;
  }

  Result<std::shared_ptr<const Verifier>> make(const std::string& type, json options) {
    options.erase("type");
    const std::string options_json = json_text(options);
    auto& shared = made_[{type, options_json}];
    if (shared != nullptr) return shared;
    auto verifier = make_verifier(type, options_json, {selection_.folder});
    if (!verifier) {
      Error error = verifier.error();
      error.place = place();
      return error;
    }
    shared = std::move(*verifier);
    return shared;
  }

  const std::string& name_;
  const CaseSelection& selection_;
  std::size_t line_ = 0;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const Verifier>> made_;
};

}  // namespace

Result<CaseSet> parse_cases(std::string_view text, const std::string& name,
                            const CaseSelection& selection) {
  CaseSet set;
  CaseReader reader(name, selection);
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto read = reader.read_line(text.substr(0, end), line, set); !read) return read.error();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (set.cases.empty()) {
    return Error{
        ErrorCode::kInvalidInput,
        "no case to judge in " + name + " (" + std::to_string(set.skipped_count) + " skipped)",
        "give a file with at least one case of a verifier that is not skipped", name, ""};
  }
  return set;
}

bool agrees(const Case& judged, const wire::Verdict& verdict) {
  const auto holds = [](const auto& list, auto value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  return holds(judged.expect, verdict.outcome) &&
         (judged.expect_code.empty() || holds(judged.expect_code, verdict.code));
}

std::string verdict_record(std::string_view id, const wire::Verdict& verdict) {
  nlohmann::ordered_json record;
  record["id"] = id;
  record["verdict"] = wire::to_string(verdict.outcome);
  record["reward"] = nullptr;
  if (verdict.reward) record["reward"] = *verdict.reward;
  record["code"] = wire::to_string(verdict.code);
  record["reason"] = verdict.reason;
  record["latency_ms"] = verdict.latency_ms;
  record["isolation"] = verdict.isolation;
  record["checks"] = nlohmann::ordered_json::array();
  for (const wire::Check& check : verdict.checks) {
    record["checks"].push_back({{"name", check.name},
                                {"is_passed", check.is_passed},
                                {"score", check.score},
                                {"reason", check.reason}});
  }
  return json_text(record);
}

wire::Verdict timed_verdict(const Verifier& verifier, const wire::Prompt& prompt,
                            std::string_view completion) {
  const auto start = std::chrono::steady_clock::now();
  wire::Verdict verdict = verifier.verify(prompt, completion);
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  verdict.latency_ms = spent.count();
  return verdict;
}

}  // namespace assay::verifiers
