#include "runtime/dataset/dataset.h"

#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include "runtime/core/json.h"
#include "runtime/core/limits.h"
#include "runtime/dataset/jsonl_reader.h"

namespace assay::dataset {

namespace {

using nlohmann::json;

constexpr std::array<const char*, 4> kPromptColumns = {"prompt", "question", "problem", "messages"};
constexpr std::array<const char*, 4> kTruthColumns = {"answer", "ground_truth",
                                                      "reward_model.ground_truth", "solution"};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// The content of the last \boxed{...} whose braces close; nothing where there is none.
std::optional<std::string_view> last_boxed(std::string_view text) {
  constexpr std::string_view kMark = "\\boxed{";
  const std::size_t start = text.rfind(kMark);
  if (start == std::string_view::npos) return {};
  int depth = 0;
  for (std::size_t i = start + kMark.size() - 1; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) {
      return text.substr(start + kMark.size(), i - start - kMark.size());
    }
  }
  return {};
}

std::optional<std::string_view> marked_truth(std::string_view text) {
  constexpr std::string_view kMark = "####";
  const std::size_t start = text.rfind(kMark);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = text.substr(start + kMark.size());
  const std::string_view line = trimmed(rest.substr(0, rest.find('\n')));
  if (line.empty()) return {};
  return line;
}

// A column by name; a dot in the name descends, unless a key is written with the dot itself.
const json* find_column(const json& row, std::string_view name) {
  if (!row.is_object()) return nullptr;
  if (const auto found = row.find(std::string(name)); found != row.end()) return &*found;
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const auto outer = row.find(std::string(name.substr(0, dot)));
  return outer == row.end() ? nullptr : find_column(*outer, name.substr(dot + 1));
}

// A list of chat messages asks with its last user message.
std::optional<std::string> last_user_message(const json& messages) {
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    const json* role = find_column(*message, "role");
    const json* content = find_column(*message, "content");
    if (role != nullptr && *role == "user" && content != nullptr && content->is_string()) {
      return content->get<std::string>();
    }
  }
  return {};
}

std::optional<std::string> prompt_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) return last_user_message(value);
  return {};
}

std::optional<std::string> truth_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number_integer()) return json_text(value);
  // A number with a fraction keeps its shortest form. A huge one was an integer that JSON readers
  // round, so it must come as text.
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  if (value.is_number() && std::fabs(value.get<double>()) < kExactMax) return json_text(value);
  return {};
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

template <std::size_t kCount>
std::string detect(const json& row, const std::array<const char*, kCount>& candidates) {
  for (const char* candidate : candidates) {
    if (find_column(row, candidate) != nullptr) return candidate;
  }
  return "";
}

// Chooses the two columns from the first row.
Result<ColumnMapping> detect_columns(const json& row, const JsonlOptions& options,
                                     const std::string& place) {
  ColumnMapping mapping;
  for (const auto& [name, value] : row.items()) mapping.columns_seen.push_back(name);
  const std::string seen = "; the columns are " + joined(mapping.columns_seen);
  mapping.prompt_column =
      options.prompt_column.empty() ? detect(row, kPromptColumns) : options.prompt_column;
  mapping.truth_column =
      options.truth_column.empty() ? detect(row, kTruthColumns) : options.truth_column;
  if (mapping.prompt_column.empty() || find_column(row, mapping.prompt_column) == nullptr) {
    return Error{ErrorCode::kInvalidInput,
                 "no prompt column" +
                     (mapping.prompt_column.empty() ? "" : " \"" + mapping.prompt_column + "\"") +
                     seen,
                 "name it in the source's table: prompt_column = \"...\"", place, "E302"};
  }
  if (mapping.truth_column.empty() || find_column(row, mapping.truth_column) == nullptr) {
    return Error{ErrorCode::kInvalidInput,
                 "no truth column" +
                     (mapping.truth_column.empty() ? "" : " \"" + mapping.truth_column + "\"") +
                     seen,
                 "name it in the source's table: reference_column = \"...\"", place, "E301"};
  }
  return mapping;
}

Error row_error(std::string message, const std::string& place) {
  return {ErrorCode::kCorrupt, std::move(message), "repair or remove this row", place, ""};
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t kShownBytes = 60;
  std::string shown;
  for (const char character : text.substr(0, kShownBytes)) {
    shown += static_cast<unsigned char>(character) < ' ' ? ' ' : character;
  }
  return text.size() > kShownBytes ? shown + "..." : shown;
}

void count_truth(std::string_view truth, ColumnMapping& mapping) {
  if (marked_truth(truth)) {
    ++mapping.marked_truths;
  } else if (last_boxed(truth)) {
    ++mapping.boxed_truths;
  } else {
    ++mapping.plain_truths;
  }
}

Result<wire::Prompt> read_row(const json& row, const JsonlOptions& options,
                              const std::string& place, ColumnMapping& mapping) {
  const json* prompt_value = find_column(row, mapping.prompt_column);
  const json* truth_value = find_column(row, mapping.truth_column);
  if (prompt_value == nullptr || truth_value == nullptr) {
    return row_error("the row lacks the column \"" +
                         (prompt_value == nullptr ? mapping.prompt_column : mapping.truth_column) +
                         "\" that the first row has",
                     place);
  }
  auto text = prompt_text(*prompt_value);
  const auto truth = truth_text(*truth_value);
  if (!text || text->empty()) {
    return row_error("the column \"" + mapping.prompt_column +
                         "\" holds neither text nor a list with a user message",
                     place);
  }
  if (text->size() > limits::kPromptBytesMax) {
    return row_error("the prompt has " + std::to_string(text->size()) + " bytes, more than " +
                         std::to_string(limits::kPromptBytesMax),
                     place);
  }
  std::string reference = truth ? extract_truth(*truth) : "";
  if (reference.empty()) {
    return row_error(
        "the column \"" + mapping.truth_column + "\" holds no text, exact number or true/false",
        place);
  }
  if (reference.size() > limits::kPromptBytesMax) {
    return row_error("the reference answer has " + std::to_string(reference.size()) +
                         " bytes, more than " + std::to_string(limits::kPromptBytesMax),
                     place);
  }
  count_truth(*truth, mapping);
  wire::Prompt prompt;
  prompt.source = options.name;
  prompt.text = std::move(*text);
  prompt.verifier = options.verifier;
  prompt.reference = std::move(reference);
  prompt.id = derive_prompt_id(prompt.source, prompt.text, prompt.reference);
  return prompt;
}

// What is neither the prompt nor its truth.
std::string other_columns(json row, const ColumnMapping& mapping) {
  row.erase(mapping.prompt_column);
  row.erase(mapping.truth_column);
  return row.empty() ? "" : json_text(row);
}

}  // namespace

std::string extract_truth(std::string_view truth) {
  if (const auto marked = marked_truth(truth)) return std::string(*marked);
  if (const auto boxed = last_boxed(truth)) return std::string(trimmed(*boxed));
  return std::string(trimmed(truth));
}

Result<JsonlDataset> JsonlDataset::load(const JsonlOptions& given) {
  JsonlOptions options = given;
  if (options.name.empty()) options.name = std::filesystem::path(options.path).stem().string();
  auto reader = JsonlReader::open(options.path);
  if (!reader) return reader.error();
  JsonlDataset dataset;
  dataset.path_ = options.path;
  dataset.name_ = options.name;
  const std::uint64_t rows_max = options.rows_max == 0 ? limits::kDatasetRowsMax : options.rows_max;
  while (dataset.prompts_.size() < rows_max) {
    auto line = reader->next();
    if (!line) return line.error();
    if (!line->has_value()) break;
    const std::string place = options.path + ":" + std::to_string((**line).number);
    const json row = parse_json((**line).text);
    if (!row.is_object()) return row_error("the line is not a JSON object", place);
    if (dataset.prompts_.empty()) {
      auto mapping = detect_columns(row, options, place);
      if (!mapping) return mapping.error();
      dataset.mapping_ = std::move(*mapping);
    }
    auto prompt = read_row(row, options, place, dataset.mapping_);
    if (!prompt) return prompt.error();
    prompt->row = dataset.prompts_.size();
    prompt->columns = other_columns(row, dataset.mapping_);
    dataset.prompts_.push_back(std::move(*prompt));
  }
  if (dataset.prompts_.empty()) {
    return Error{ErrorCode::kInvalidInput, "the dataset has no rows",
                 "give a JSONL file with one object a line", options.path, ""};
  }
  return dataset;
}

std::string JsonlDataset::describe() const {
  std::string text = name_ + ": " + path_ + ", " + std::to_string(prompts_.size()) +
                     " rows\n  prompt from \"" + mapping_.prompt_column + "\", truth from \"" +
                     mapping_.truth_column + "\" (" + std::to_string(mapping_.marked_truths) +
                     " after ####, " + std::to_string(mapping_.boxed_truths) + " boxed, " +
                     std::to_string(mapping_.plain_truths) +
                     " whole); columns: " + joined(mapping_.columns_seen);
  for (std::size_t row = 0; row < prompts_.size() && row < 2; ++row) {
    text += "\n  row " + std::to_string(row) + ": \"" + excerpt(prompts_[row].text) + "\" -> \"" +
            excerpt(prompts_[row].reference) + "\"";
  }
  return text;
}

}  // namespace assay::dataset
