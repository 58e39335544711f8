#include "verifiers/option_reader.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "runtime/core/json.h"
#include "runtime/core/strict_json.h"

namespace assay::verifiers {

using nlohmann::json;

struct OptionReader::State {
  std::string verifier;
  json options;
  std::vector<std::string> known;
  std::optional<Error> first_error;

  const json* find(std::string_view name) {
    known.emplace_back(name);
    if (!options.is_object()) return nullptr;
    const auto found = options.find(std::string(name));
    return found == options.end() ? nullptr : &*found;
  }
  void complain(std::string message, std::string remedy) {
    if (first_error) return;
    first_error = Error{ErrorCode::kInvalidInput, "verifier \"" + verifier + "\": " + message,
                        std::move(remedy), "", "E403"};
  }
  void complain_of(std::string_view name, const json& value, std::string remedy) {
    constexpr std::size_t kShownBytesMax = 200;
    std::string shown = json_text(value);
    if (shown.size() > kShownBytesMax) shown = shown.substr(0, kShownBytesMax) + "...";
    complain("the option \"" + std::string(name) + "\" is " + shown, std::move(remedy));
  }
};

namespace {

std::string listed(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  return list;
}

}  // namespace

OptionReader::OptionReader(std::string_view verifier, std::string_view options_json)
    : state_(std::make_unique<State>()) {
  state_->verifier = verifier;
  if (auto checked = check_strict_json(options_json); !checked) {
    state_->complain("its options are not JSON: " + checked.error().message,
                     "write {\"key\": value}");
    return;
  }
  state_->options = parse_json(options_json);
  if (!state_->options.is_object()) {
    state_->complain("its options are not a JSON object", "write {\"key\": value}");
  }
}

OptionReader::~OptionReader() = default;

bool OptionReader::read_bool(std::string_view name, bool fallback) {
  const json* value = state_->find(name);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  state_->complain_of(name, *value, "set it to true or false");
  return fallback;
}

std::int64_t OptionReader::read_integer(std::string_view name, std::int64_t fallback,
                                        std::int64_t least, std::int64_t most) {
  const json* value = state_->find(name);
  if (value == nullptr) return fallback;
  if (value->is_number_integer() && *value >= least && *value <= most) {
    return value->get<std::int64_t>();
  }
  state_->complain_of(
      name, *value,
      "set it to a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return fallback;
}

double OptionReader::read_number(std::string_view name, double fallback, double least,
                                 double most) {
  const json* value = state_->find(name);
  if (value == nullptr) return fallback;
  if (value->is_number() && *value >= least && *value <= most) return value->get<double>();
  state_->complain_of(
      name, *value,
      "set it to a number from " + json_text(json(least)) + " to " + json_text(json(most)));
  return fallback;
}

std::string OptionReader::read_text(std::string_view name, std::string_view fallback,
                                    std::size_t bytes_max) {
  const json* value = state_->find(name);
  if (value == nullptr) return std::string(fallback);
  if (value->is_string() && value->get_ref<const std::string&>().size() <= bytes_max) {
    return value->get<std::string>();
  }
  state_->complain_of(name, *value,
                      "set it to text of at most " + std::to_string(bytes_max) + " bytes");
  return std::string(fallback);
}

std::string OptionReader::read_word(std::string_view name, std::string_view fallback,
                                    const std::vector<std::string>& allowed) {
  const json* value = state_->find(name);
  if (value == nullptr) return std::string(fallback);
  if (value->is_string() &&
      std::find(allowed.begin(), allowed.end(), value->get<std::string>()) != allowed.end()) {
    return value->get<std::string>();
  }
  state_->complain_of(name, *value, "set it to one of: " + listed(allowed));
  return std::string(fallback);
}

std::vector<std::string> OptionReader::read_texts(std::string_view name, std::size_t count_max) {
  const json* value = state_->find(name);
  if (value == nullptr) return {};
  const bool is_good =
      value->is_array() && value->size() <= count_max &&
      std::all_of(value->begin(), value->end(), [](const json& one) { return one.is_string(); });
  if (is_good) return value->get<std::vector<std::string>>();
  state_->complain_of(name, *value,
                      "set it to a list of at most " + std::to_string(count_max) + " texts");
  return {};
}

std::string OptionReader::read_json(std::string_view name) {
  const json* value = state_->find(name);
  return value == nullptr ? "" : value->dump();
}

void OptionReader::refuse(std::string what, std::string remedy) {
  state_->complain(std::move(what), std::move(remedy));
}

std::vector<std::string> OptionReader::read_words(std::string_view name,
                                                  const std::vector<std::string>& allowed) {
  const json* value = state_->find(name);
  if (value == nullptr) return {};
  std::vector<std::string> words;
  bool is_good = value->is_array();
  if (is_good) {
    for (const json& word : *value) {
      is_good = is_good && word.is_string() &&
                std::find(allowed.begin(), allowed.end(), word.get<std::string>()) != allowed.end();
      if (is_good) words.push_back(word.get<std::string>());
    }
  }
  if (is_good) return words;
  state_->complain_of(name, *value, "set it to a list of: " + listed(allowed));
  return {};
}

Result<void> OptionReader::finish() {
  if (!state_->first_error) {
    for (const auto& [name, value] : state_->options.items()) {
      if (std::find(state_->known.begin(), state_->known.end(), name) != state_->known.end()) {
        continue;
      }
      const std::string list = listed(state_->known);
      const std::string near = nearest_word(name, state_->known);
      state_->complain("unknown option \"" + name + "\"",
                       near.empty() ? "its options are: " + (list.empty() ? "none" : list)
                                    : "did you mean \"" + near + "\"?");
    }
  }
  if (state_->first_error) return *state_->first_error;
  return {};
}

std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kWordBytesMax = 64;
  std::size_t best = word.size() / 3 + 2;  // farther than this is another word
  std::string nearest;
  if (word.size() > kWordBytesMax) return nearest;
  for (const std::string& candidate : candidates) {
    // Levenshtein distance, one row at a time.
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t replaced = diagonal + (word[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      }
    }
    if (row.back() < best) {
      best = row.back();
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace assay::verifiers
