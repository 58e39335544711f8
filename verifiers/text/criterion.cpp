#include "verifiers/text/criterion.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "verifiers/option_reader.h"
#include "verifiers/text/criterion_line.h"
#include "verifiers/text/format_check.h"
#include "verifiers/text/pattern.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

constexpr std::int64_t kCountMax = 1'000'000;
constexpr std::size_t kPhraseBytesMax = 400;

std::string lower_case(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return small;
}

std::size_t character_count(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & '\xC0') != '\x80'; }));
}

// The byte at which so many characters have gone by.
std::size_t bytes_of_characters(std::string_view text, std::size_t characters) {
  std::size_t place = 0;
  for (; place < text.size(); ++place) {
    if ((text[place] & '\xC0') == '\x80') continue;
    if (characters-- == 0) break;
  }
  return place;
}

class Contains final : public Criterion {
 public:
  explicit Contains(OptionReader& options)
      : phrase_(lower_case(options.read_text("text", "", kPhraseBytesMax))),
        least_(static_cast<std::size_t>(options.read_integer("at_least", 1, 1, kCountMax))),
        first_chars_(
            static_cast<std::size_t>(options.read_integer("first_chars", 0, 0, kCountMax))),
        is_anywhere_(options.read_bool("anywhere", false)) {
    if (phrase_.empty()) options.refuse("\"text\" is missing", "name what to look for");
  }

  CriterionResult judge(const JudgedText& judged) const override {
    const std::size_t bytes =
        first_chars_ == 0 ? judged.text.size() : bytes_of_characters(judged.text, first_chars_);
    const std::size_t occurring = occurrences(judged.text.substr(0, bytes));
    const std::size_t count =
        is_anywhere_ || occurring == 0 ? occurring : judged.prose.uses_of(phrase_, bytes);
    return {count >= least_, verifiers::quoted(phrase_) + " is used " + std::to_string(count) +
                                 " times, wanted " + std::to_string(least_)};
  }
  bool is_keyword_presence() const override { return true; }

 private:
  std::size_t occurrences(std::string_view text) const {
    const std::string small = lower_case(text);
    std::size_t count = 0;
    for (std::size_t place = 0; (place = small.find(phrase_, place)) != std::string::npos;
         place += phrase_.size()) {
      ++count;
    }
    return count;
  }

  std::string phrase_;
  std::size_t least_;
  std::size_t first_chars_;  // 0: anywhere in the text
  bool is_anywhere_;
};

class NotContains final : public Criterion {
 public:
  explicit NotContains(OptionReader& options)
      : phrase_(lower_case(options.read_text("text", "", kPhraseBytesMax))) {
    if (phrase_.empty()) options.refuse("\"text\" is missing", "name what must not occur");
  }
  CriterionResult judge(const JudgedText& judged) const override {
    const bool is_there = lower_case(judged.text).find(phrase_) != std::string::npos;
    return {!is_there, verifiers::quoted(phrase_) + (is_there ? " occurs" : " does not occur")};
  }
  bool is_keyword_presence() const override { return true; }

 private:
  std::string phrase_;
};

class Count final : public Criterion {
 public:
  explicit Count(OptionReader& options)
      : of_(options.read_word("of", "words", {"words", "sentences", "paragraphs", "chars"})),
        least_(static_cast<std::size_t>(options.read_integer("min", 0, 0, kCountMax))),
        most_(static_cast<std::size_t>(options.read_integer("max", kCountMax, 0, kCountMax))) {
    if (least_ > most_) options.refuse("\"min\" is above \"max\"", "swap them");
  }
  CriterionResult judge(const JudgedText& judged) const override {
    const std::size_t count = count_in(judged);
    const std::string wanted = most_ == static_cast<std::size_t>(kCountMax)
                                   ? "at least " + std::to_string(least_)
                                   : std::to_string(least_) + " to " + std::to_string(most_);
    return {count >= least_ && count <= most_,
            "it has " + std::to_string(count) + " " + of_ + ", wanted " + wanted};
  }
  bool is_keyword_presence() const override { return true; }

 private:
  std::size_t count_in(const JudgedText& judged) const {
    if (of_ == "words") return judged.prose.word_count();
    if (of_ == "sentences") return judged.prose.sentence_count();
    if (of_ == "paragraphs") return judged.prose.paragraph_count();
    return character_count(judged.text);
  }

  std::string of_;
  std::size_t least_, most_;
};

class MatchesPattern final : public Criterion {
 public:
  MatchesPattern(OptionReader& options, std::optional<Pattern> pattern)
      : pattern_(std::move(pattern)),
        least_(static_cast<std::size_t>(options.read_integer("at_least", 1, 1, kCountMax))),
        is_negated_(options.read_bool("negate", false)) {}
  CriterionResult judge(const JudgedText& judged) const override {
    const std::size_t count = pattern_->count_in(judged.text, least_);
    const bool is_found = count >= least_;
    return {is_found != is_negated_,
            is_found ? "the pattern is found" : "the pattern is not found"};
  }
  bool is_keyword_presence() const override { return true; }

 private:
  std::optional<Pattern> pattern_;
  std::size_t least_;
  bool is_negated_;
};

// Positions of a phrase among the words of a text.
std::vector<std::size_t> places_of(const std::vector<std::string>& words,
                                   const std::string& phrase) {
  const std::vector<std::string> wanted = words_of(phrase);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; !wanted.empty() && i + wanted.size() <= words.size(); ++i) {
    if (std::equal(wanted.begin(), wanted.end(), words.begin() + static_cast<std::ptrdiff_t>(i))) {
      places.push_back(i);
    }
  }
  return places;
}

// Both phrases in one sentence, close together.
class Near final : public Criterion {
 public:
  explicit Near(OptionReader& options)
      : first_(options.read_text("first", "", kPhraseBytesMax)),
        second_(options.read_text("second", "", kPhraseBytesMax)),
        reach_(static_cast<std::size_t>(options.read_integer("words", 10, 1, 1000))) {
    if (first_.empty() || second_.empty()) {
      options.refuse("\"first\" or \"second\" is missing", "name two phrases");
    }
  }
  CriterionResult judge(const JudgedText& judged) const override {
    for (const Sentence& sentence : judged.prose.sentences()) {
      const auto seconds = places_of(sentence.words, second_);
      if (seconds.empty()) continue;
      for (const std::size_t a : places_of(sentence.words, first_)) {
        const auto after = std::lower_bound(seconds.begin(), seconds.end(), a);
        const bool is_after = after != seconds.end() && *after - a <= reach_;
        const bool is_before = after != seconds.begin() && a - *std::prev(after) <= reach_;
        if (is_after || is_before) return {true, both() + " stand together"};
      }
    }
    return {false, both() + " do not stand within " + std::to_string(reach_) +
                       " words of each other in one sentence"};
  }
  bool is_keyword_presence() const override { return false; }

 private:
  std::string both() const {
    return verifiers::quoted(first_) + " and " + verifiers::quoted(second_);
  }
  std::string first_, second_;
  std::size_t reach_;
};

// Parts in an order, each begun in a sentence or heading of its own.
class Order final : public Criterion {
 public:
  explicit Order(OptionReader& options) : texts_(options.read_texts("texts", 64)) {
    if (texts_.size() < 2) options.refuse("\"texts\" names no order", "name two parts or more");
  }
  CriterionResult judge(const JudgedText& judged) const override {
    std::size_t next = 0;
    for (const Sentence& sentence : judged.prose.sentences()) {
      if (next < texts_.size() && !places_of(sentence.words, texts_[next]).empty()) ++next;
    }
    if (next == texts_.size()) return {true, "the parts stand in their order"};
    return {false, verifiers::quoted(texts_[next]) + " does not follow where it belongs"};
  }
  bool is_keyword_presence() const override { return false; }

 private:
  std::vector<std::string> texts_;
};

class HasFormat final : public Criterion {
 public:
  HasFormat(std::string format, std::optional<FormatCheck> check)
      : format_(std::move(format)), check_(std::move(check)) {}
  CriterionResult judge(const JudgedText& judged) const override {
    const auto complaint = check_->complaint_about(judged.text);
    return {!complaint, complaint ? *complaint : "it has the format " + format_};
  }
  // A code block is one more thing that can be put there for its own sake.
  bool is_keyword_presence() const override { return format_ == "code_block"; }

 private:
  std::string format_;
  std::optional<FormatCheck> check_;
};

std::unique_ptr<Criterion> make_pattern(OptionReader& options) {
  const std::string expression = options.read_text("pattern", "", Pattern::kBytesMax);
  const bool ignores_case = options.read_bool("ignore_case", false);
  auto compiled = Pattern::compile(expression, ignores_case);
  if (!compiled) options.refuse(compiled.error().message, compiled.error().remedy);
  if (expression.empty()) options.refuse("\"pattern\" is missing", "name a regular expression");
  std::optional<Pattern> pattern;
  if (compiled) pattern = std::move(*compiled);
  return std::make_unique<MatchesPattern>(options, std::move(pattern));
}

std::unique_ptr<Criterion> make_format(OptionReader& options, const std::string& type) {
  const std::string format =
      type == "code_block" ? type : options.read_word("format", "think_answer", format_names());
  std::vector<std::string> tags = options.read_texts("tags");
  const std::string schema = options.read_json("schema");
  auto made = FormatCheck::make(format, std::move(tags), schema);
  if (!made) options.refuse(made.error().message, made.error().remedy);
  std::optional<FormatCheck> check;
  if (made) check = std::move(*made);
  return std::make_unique<HasFormat>(format, std::move(check));
}

std::unique_ptr<Criterion> make_of_type(const std::string& type, OptionReader& options) {
  if (type == "contains") return std::make_unique<Contains>(options);
  if (type == "not_contains") return std::make_unique<NotContains>(options);
  if (type == "count") return std::make_unique<Count>(options);
  if (type == "regex") return make_pattern(options);
  if (type == "near") return std::make_unique<Near>(options);
  if (type == "order") return std::make_unique<Order>(options);
  return make_format(options, type);
}

}  // namespace

Result<std::unique_ptr<Criterion>> make_criterion(const std::string& name,
                                                  const Json& description) {
  constexpr double kWeightMax = 1e6;
  Json object = description;
  if (description.is_string()) {
    auto parsed = criterion_of_line(description.get<std::string>());
    if (!parsed) {
      Error error = parsed.error();
      error.message = "the criterion \"" + name + "\": " + error.message;
      return error;
    }
    object = std::move(*parsed);
  }
  OptionReader options("rubric\" criterion \"" + name, json_text(object));
  const std::string type = options.read_word(
      "type", "contains",
      {"contains", "not_contains", "count", "regex", "near", "order", "code_block", "format"});
  const double weight = options.read_number("weight", 1, 0, kWeightMax);
  const bool is_hard = options.read_bool("hard", false);
  std::unique_ptr<Criterion> criterion = make_of_type(type, options);
  if (auto finished = options.finish(); !finished) return finished.error();
  criterion->name = name;
  criterion->weight = weight;
  criterion->is_hard = is_hard;
  return criterion;
}

}  // namespace assay::verifiers
