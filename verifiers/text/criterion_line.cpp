#include "verifiers/text/criterion_line.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verifiers/verdict_text.h"

namespace assay::verifiers {

namespace {

struct Piece {
  std::string text;
  bool is_quoted = false;
};

// Words, and what stands in single quotes as one piece; nothing where a quote stays open.
std::optional<std::vector<Piece>> pieces_of(std::string_view line) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == ' ') {
      ++i;
      continue;
    }
    if (line[i] == '\'') {
      const std::size_t end = line.find('\'', i + 1);
      if (end == std::string_view::npos || end == i + 1) return {};
      pieces.push_back({std::string(line.substr(i + 1, end - i - 1)), true});
      i = end + 1;
      continue;
    }
    const std::size_t end = std::min(line.find_first_of(" '", i), line.size());
    pieces.push_back({std::string(line.substr(i, end - i)), false});
    i = end;
  }
  return pieces;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  constexpr std::size_t kDigitsMax = 6;
  if (text.empty() || text.size() > kDigitsMax ||
      text.find_first_not_of("0123456789") != std::string_view::npos) {
    return {};
  }
  return std::stoll(std::string(text));
}

struct Bounds {
  std::optional<std::int64_t> least, most;
};

// 300..500, >=300, <=500, 300.
std::optional<Bounds> bounds_of(std::string_view text) {
  if (text.starts_with(">=")) {
    const auto least = number_of(text.substr(2));
    return least ? std::optional(Bounds{least, {}}) : std::nullopt;
  }
  if (text.starts_with("<=")) {
    const auto most = number_of(text.substr(2));
    return most ? std::optional(Bounds{{}, most}) : std::nullopt;
  }
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    const auto exact = number_of(text);
    return exact ? std::optional(Bounds{exact, exact}) : std::nullopt;
  }
  const auto least = number_of(text.substr(0, dots)), most = number_of(text.substr(dots + 2));
  return least && most ? std::optional(Bounds{least, most}) : std::nullopt;
}

bool is_unit(const std::string& word) {
  return word == "words" || word == "sentences" || word == "paragraphs" || word == "chars";
}

// The lines that begin with a quoted phrase.
std::optional<Json> line_about_phrase(const std::vector<Piece>& pieces) {
  const std::string& phrase = pieces[0].text;
  const std::size_t count = pieces.size();
  const auto word = [&](std::size_t i) {
    return i < count && !pieces[i].is_quoted ? pieces[i].text : std::string();
  };
  if (count == 1) return Json{{"type", "contains"}, {"text", phrase}};
  if (count == 5 && word(1) == "in" && word(2) == "first" && word(4) == "chars") {
    const auto chars = number_of(word(3));
    if (!chars) return {};
    return Json{{"type", "contains"}, {"text", phrase}, {"first_chars", *chars}};
  }
  if (count == 3 && pieces[2].is_quoted && word(1) == "before") {
    return Json{{"type", "order"}, {"texts", {phrase, pieces[2].text}}};
  }
  if (count == 3 && pieces[2].is_quoted && word(1) == "near") {
    return Json{{"type", "near"}, {"first", phrase}, {"second", pieces[2].text}};
  }
  if (count == 6 && pieces[5].is_quoted && word(1) == "within" && word(3) == "words" &&
      word(4) == "of") {
    const auto reach = number_of(word(2));
    if (!reach) return {};
    return Json{{"type", "near"}, {"first", phrase}, {"second", pieces[5].text}, {"words", *reach}};
  }
  return {};
}

std::optional<Json> read_line(std::string_view line) {
  if (line == "```") return Json{{"type", "code_block"}};
  if (line.size() > 2 && line.front() == '/' && line.back() == '/') {
    return Json{{"type", "regex"}, {"pattern", std::string(line.substr(1, line.size() - 2))}};
  }
  const auto pieces = pieces_of(line);
  if (!pieces || pieces->empty()) return {};
  if (pieces->front().is_quoted) return line_about_phrase(*pieces);
  if (pieces->size() != 2) return {};
  const Piece &first = (*pieces)[0], &second = (*pieces)[1];
  if (first.text == "no" && second.is_quoted) {
    return Json{{"type", "not_contains"}, {"text", second.text}};
  }
  const auto bounds = bounds_of(first.text);
  if (!bounds) return {};
  if (second.is_quoted) {
    if (!bounds->least || bounds->most || *bounds->least < 1) return {};
    return Json{{"type", "contains"}, {"text", second.text}, {"at_least", *bounds->least}};
  }
  if (!is_unit(second.text)) return {};
  Json count{{"type", "count"}, {"of", second.text}};
  if (bounds->least) count["min"] = *bounds->least;
  if (bounds->most) count["max"] = *bounds->most;
  return count;
}

}  // namespace

Result<Json> criterion_of_line(std::string_view line) {
  if (auto object = read_line(line)) return *object;
  return Error{ErrorCode::kInvalidInput, quoted(line) + " is no criterion",
               "write 'X', 'X' in first 300 chars, >=2 'X', no 'X', 300..500 words, /regex/, ```, "
               "'X' near 'Y', 'X' before 'Y', or an object with a \"type\"",
               "", ""};
}

}  // namespace assay::verifiers
