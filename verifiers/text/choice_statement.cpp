#include "verifiers/text/choice_statement.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace assay::verifiers {

namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::string_view kSpace = " \t\r\n";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_word_part(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '\'' ||
         static_cast<unsigned char>(c) >= 0x80;
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower_case(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(), lower);
  return small;
}

std::string_view trimmed(std::string_view text, std::string_view what = kSpace) {
  const std::size_t first = text.find_first_not_of(what);
  if (first == kNone) return {};
  return text.substr(first, text.find_last_not_of(what) - first + 1);
}

// Marks that may wrap a choice: **B**, (B), $B$, "B".
constexpr std::string_view kWrapping = " \t\r\n*_`\"'$().[]{}:,;";

bool stands_alone(std::string_view text, std::size_t place) {
  const bool starts = place == 0 || !is_word_part(text[place - 1]);
  return starts && (place + 1 == text.size() || !is_word_part(text[place + 1]));
}

// "A dog", "I think": a capital that begins a sentence of words is no choice.
bool is_english(std::string_view text, std::size_t place) {
  if (text[place] != 'A' && text[place] != 'I') return false;
  if (place + 2 >= text.size() || text[place + 1] != ' ' || !is_letter(text[place + 2])) {
    return false;
  }
  const std::string_view next = text.substr(place + 2);
  for (const std::string_view word : {"and", "or", "is", "because", "since", "as", "not", "not"}) {
    if (next.starts_with(word) &&
        (next.size() == word.size() || !is_word_part(next[word.size()]))) {
      return false;
    }
  }
  return true;
}

bool has_word(std::string_view text, std::string_view word) {
  const std::string small = lower_case(text);
  for (std::size_t place = 0; (place = small.find(word, place)) != kNone; ++place) {
    const std::size_t end = place + word.size();
    const bool starts = place == 0 || !is_letter(small[place - 1]) || word == "n't";
    if (starts && (end == small.size() || !is_letter(small[end]))) return true;
  }
  return false;
}

// Where a statement goes on with something else: a reason, or what it is not.
std::size_t statement_end(std::string_view text) {
  const std::string small = lower_case(text);
  std::size_t end = text.size();
  for (const std::string_view turn : {" because", " since ", ", as ", " rather than", " instead of",
                                      ", not ", " (not", " and not ", " but not", "\n", " over "}) {
    end = std::min(end, small.find(turn));
  }
  return end;
}

std::set<char> letters_in(std::string_view text, const ChoiceSet& choices) {
  std::set<char> letters;
  const std::string_view bare = trimmed(text, kWrapping);
  for (std::size_t i = 0; i < text.size(); ++i) {
    // A small letter counts only where nothing else is said: "b", "(b)".
    const bool is_small = text[i] >= 'a' && text[i] <= 'z';
    const bool is_bracketed =
        i > 0 && i + 1 < text.size() && text[i - 1] == '(' && text[i + 1] == ')';
    if (is_small && bare.size() != 1 && !is_bracketed) continue;
    const char letter = is_small ? static_cast<char>(text[i] - 'a' + 'A') : text[i];
    if (choices.letters.find(letter) == kNone || !stands_alone(text, i)) continue;
    if (is_english(text, i)) continue;
    letters.insert(letter);
    // "B. Paris", "B) a city": what follows the mark explains the letter.
    const bool has_mark =
        i + 1 < text.size() && (text[i + 1] == '.' || text[i + 1] == ':' ||
                                (text[i + 1] == ')' && (i == 0 || text[i - 1] != '(')));
    if (has_mark && letters.size() == 1 && trimmed(text.substr(0, i), kWrapping).empty()) break;
  }
  return letters;
}

std::optional<char> letter_of_text(std::string_view text, const ChoiceSet& choices) {
  const std::string said = lower_case(trimmed(text, kWrapping));
  for (std::size_t i = 0; i < choices.texts.size(); ++i) {
    if (!said.empty() && said == lower_case(trimmed(choices.texts[i], kWrapping))) {
      return choices.letters[i];
    }
  }
  return {};
}

ChoiceStatement read_statement(std::string_view text, const ChoiceSet& choices) {
  ChoiceStatement statement;
  text = trimmed(text);
  if (const auto letter = letter_of_text(text, choices)) {
    statement.letters.insert(*letter);
    return statement;
  }
  const std::string_view part = text.substr(0, statement_end(text));
  const std::string_view before_letter = part.substr(0, part.find_first_of("ABCDEFGHIJ("));
  if (has_word(before_letter, "not") || has_word(before_letter, "n't") ||
      has_word(before_letter, "cannot") || has_word(before_letter, "never")) {
    statement.reason = "the choice is only denied";
    return statement;
  }
  statement.letters = letters_in(part, choices);
  if (statement.letters.empty()) statement.reason = "the answer names no letter";
  return statement;
}

// One past the brace that closes the one at `open`; npos where none does.
std::size_t brace_end(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i + 1;
  }
  return kNone;
}

struct Marked {
  std::size_t place = 0;
  std::string_view text;
};

void keep_later(std::optional<Marked>& last, const Marked& found) {
  if (!last || found.place >= last->place) last = found;
}

void find_box(std::string_view text, std::optional<Marked>& last) {
  constexpr std::string_view kBox = "\\boxed{";
  const std::size_t place = text.rfind(kBox);
  if (place == kNone) return;
  const std::size_t end = brace_end(text, place + kBox.size() - 1);
  if (end == kNone) return;
  std::string_view content = text.substr(place + kBox.size(), end - place - kBox.size() - 1);
  for (const std::string_view command : {"\\text{", "\\textbf{", "\\mathrm{", "\\mathbf{"}) {
    const std::size_t inner = content.find(command);
    if (inner == kNone) continue;
    content = content.substr(inner + command.size());
    content = content.substr(0, content.find('}'));
  }
  keep_later(last, {place, content});
}

// The words that announce a choice; each needs a verb, a mark or the letter itself behind it.
void find_announcement(std::string_view text, std::optional<Marked>& last) {
  constexpr std::size_t kAnnouncementsMax = 64;
  constexpr std::array<std::string_view, 3> kWords = {"answer", "option", "choice"};
  const std::string small = lower_case(text);
  for (const std::string_view word : kWords) {
    std::size_t place = small.rfind(word);
    for (std::size_t tries = 0; place != kNone && tries < kAnnouncementsMax; ++tries) {
      std::string_view rest = text.substr(place + word.size());
      if (rest.starts_with("s")) rest.remove_prefix(1);
      rest.remove_prefix(std::min(rest.find_first_not_of("*_ "), rest.size()));
      bool is_announced = false;
      for (const std::string_view verb :
           {"is", "are", "would be", "should be", ":", "=", ">", "was"}) {
        if (!rest.starts_with(verb)) continue;
        rest.remove_prefix(verb.size());
        is_announced = true;
        break;
      }
      // </answer> ends what <answer> announced.
      is_announced = is_announced && !(place > 0 && text[place - 1] == '/');
      const std::string_view next = trimmed(rest.substr(0, 6), kWrapping);
      is_announced = is_announced ||
                     (!next.empty() && stands_alone(next, 0) && next[0] >= 'A' && next[0] <= 'Z');
      if (is_announced) {
        rest.remove_prefix(std::min(rest.find_first_not_of(" :*\n\r\t"), rest.size()));
        std::size_t end = std::min(rest.find('\n'), rest.find("</answer>"));
        const std::size_t stop = rest.find(". ", 2);
        end = std::min({end, stop == kNone ? rest.size() : stop, rest.size()});
        keep_later(last, {place, rest.substr(0, end)});
        break;
      }
      place = place == 0 ? kNone : small.rfind(word, place - 1);
    }
  }
}

// "I'd go with B.": the one letter that the last sentence names and does not deny.
ChoiceStatement passing_choice(std::string_view line, const ChoiceSet& choices) {
  const std::string_view body = trimmed(line, " .!\t\r");
  const std::size_t stop = body.rfind(". ");
  const std::string_view sentence = stop == kNone ? body : body.substr(stop + 2);
  for (const std::string_view denial : {"not", "n't", "never", "wrong", "incorrect", "false"}) {
    if (has_word(sentence, denial)) return {{}, "the last sentence denies one"};
  }
  ChoiceStatement statement{letters_in(sentence, choices), ""};
  if (statement.letters.empty()) statement.reason = "nothing announces one";
  return statement;
}

}  // namespace

ChoiceStatement last_choice(std::string_view text, const ChoiceSet& choices) {
  std::optional<Marked> last;
  find_announcement(text, last);
  if (const std::size_t mark = text.rfind("####"); mark != kNone) {
    const std::string_view rest = text.substr(mark + 4);
    keep_later(last, {mark, rest.substr(0, rest.find('\n'))});
  }
  find_box(text, last);
  if (last) return read_statement(last->text, choices);
  const std::string_view whole = trimmed(text);
  const std::size_t line = whole.rfind('\n');
  const std::string_view last_line = line == kNone ? whole : trimmed(whole.substr(line + 1));
  // Without an announcement a line counts only if it is a choice and nothing more: "B", "(B)
  // Paris".
  if (const auto letter = letter_of_text(last_line, choices)) return {{*letter}, ""};
  const std::string_view inner =
      last_line.substr(std::min(last_line.find_first_not_of("*(_[ "), last_line.size()));
  const bool is_choice = !inner.empty() && stands_alone(inner, 0) &&
                         (inner.size() == 1 || !is_word_part(inner[1])) &&
                         (inner.size() == 1 || inner[1] != ' ');
  if (is_choice) return read_statement(last_line, choices);
  return passing_choice(last_line, choices);
}

std::set<char> choices_of_reference(std::string_view reference, const ChoiceSet& choices) {
  const std::string_view bare = trimmed(reference, kWrapping);
  if (const auto letter = letter_of_text(reference, choices)) return {*letter};
  const auto is_choice = [&](char c) { return choices.letters.find(c) != kNone; };
  if (bare.size() > 1 && std::all_of(bare.begin(), bare.end(), is_choice)) {
    return {bare.begin(), bare.end()};  // "AC"
  }
  return letters_in(reference, choices);
}

}  // namespace assay::verifiers
