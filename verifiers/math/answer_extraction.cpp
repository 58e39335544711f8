#include "verifiers/math/answer_extraction.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>

#include "verifiers/math/math_text.h"

namespace assay::verifiers {

namespace {

constexpr std::size_t kNone = std::string_view::npos;

struct Statement {
  std::size_t start = kNone;  // where its marker stands
  std::string_view text;
  bool is_box = false;
  bool is_negated = false;
};

bool starts_with_word(std::string_view text, std::string_view word) {
  return find_ignoring_case(text.substr(0, word.size()), word, 0) == 0 &&
         (text.size() == word.size() || !is_ascii_letter(text[word.size()]));
}

std::string_view without_leading_space(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == kNone ? std::string_view{} : text.substr(first);
}

bool has_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_ascii_digit);
}

// One past the brace that closes the one at `open`; npos where none does.
std::size_t group_end(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
      continue;
    }
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i + 1;
  }
  return kNone;
}

struct Box {
  std::size_t start = 0;
  std::size_t end = 0;
  std::string_view content;
};

// One past the number or word at `start`; `start` where none stands there.
std::size_t bare_token_end(std::string_view text, std::size_t start) {
  std::size_t end = start;
  while (end < text.size() && end < start + 32 &&
         (is_ascii_digit(text[end]) || is_ascii_letter(text[end]) || text[end] == '-' ||
          (text[end] == '.' && end + 1 < text.size() && is_ascii_digit(text[end + 1])))) {
    ++end;
  }
  return end;
}

// Every closed \boxed{...} and \fbox{...}, outermost ones only. A box whose brace never closes ends
// the search: what follows it lies inside.
std::vector<Box> find_boxes(std::string_view text) {
  std::vector<Box> boxes;
  std::size_t place = 0;
  while ((place = text.find('\\', place)) != kNone) {
    const std::string_view rest = text.substr(place);
    std::size_t open = rest.starts_with("\\boxed") ? 6 : rest.starts_with("\\fbox") ? 5 : 0;
    if (open == 0) {
      ++place;
      continue;
    }
    while (open < rest.size() && rest[open] == ' ') ++open;
    if (open == rest.size() || rest[open] != '{') {
      // \boxed 5: one token without braces.
      const std::size_t end = bare_token_end(rest, open);
      if (end > open) boxes.push_back({place, place + end, rest.substr(open, end - open)});
      place += std::max<std::size_t>(end, 1);
      continue;
    }
    const std::size_t end = group_end(rest, open);
    if (end == kNone) break;
    boxes.push_back({place, place + end, rest.substr(open + 1, end - open - 2)});
    place += end;
  }
  return boxes;
}

// "\boxed{1} papers and \boxed{2} bins": the first box has a unit of one word and "and" after it.
bool counts_things(std::string_view between) {
  constexpr std::string_view kAnd = " and ";
  if (!between.starts_with(" ") || !between.ends_with(kAnd)) return false;
  const std::string_view word = between.substr(1, between.size() - kAnd.size() - 1);
  return word.size() > 1 && std::all_of(word.begin(), word.end(), is_ascii_letter);
}

// Between two boxes of one list stand only signs, names being assigned, and "and" or "or".
bool joins_boxes(std::string_view between) {
  constexpr std::size_t kJoinBytesMax = 48;
  constexpr std::array<std::string_view, 7> kWords = {"and",   "or",   "quad", "text",
                                                      "qquad", "left", "right"};
  if (between.size() > kJoinBytesMax || between.find("\n\n") != kNone) return false;
  if (counts_things(between)) return true;
  bool has_period = false;
  for (std::size_t i = 0; i < between.size();) {
    if (!is_ascii_letter(between[i])) {
      has_period = has_period || between[i] == '.';
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < between.size() && is_ascii_letter(between[end])) ++end;
    const std::string_view word = between.substr(i, end - i);
    const bool is_known = std::find(kWords.begin(), kWords.end(), word) != kWords.end();
    if (!is_known && word.size() > 1) return false;
    i = end;
  }
  return !has_period;
}

// The last box, or the list of boxes that it closes.
std::optional<Statement> last_boxed(std::string_view text, std::string& joined) {
  const std::vector<Box> boxes = find_boxes(text);
  if (boxes.empty()) return {};
  std::size_t first = boxes.size() - 1;
  while (first > 0 && joins_boxes(text.substr(boxes[first - 1].end,
                                              boxes[first].start - boxes[first - 1].end))) {
    --first;
  }
  for (std::size_t i = first; i < boxes.size(); ++i) {
    if (i > first) joined += " , ";
    joined += boxes[i].content;
  }
  return Statement{boxes[first].start, joined, true, false};
}

// The sentence at the start of `text`: to a line's end, a full stop or a chat marker.
std::string_view sentence(std::string_view text) {
  text = without_leading_space(text);
  for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"\\[", "\\]"},
                                    {"$$", "$$"},
                                    {"\\(", "\\)"},
                                    {"```", "```"}}) {
    if (!text.starts_with(open)) continue;
    const std::size_t end = text.find(close, open.size());
    if (end != kNone && open != "\\(") return text.substr(open.size(), end - open.size());
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    const bool is_stop =
        text[i] == '.' && (next == ' ' || next == '\n' || next == '<' || next == '"');
    if (is_stop || text[i] == '\n' || text.substr(i).starts_with("<|") ||
        text.substr(i).starts_with("</answer>")) {
      return text.substr(0, i);
    }
  }
  return text;
}

// What follows the word "answer" up to where the answer itself begins; nothing where the word
// announces none.
std::optional<std::string_view> announced(std::string_view rest) {
  if (rest.starts_with("s")) rest.remove_prefix(1);
  while (!rest.empty() && (rest[0] == '*' || rest[0] == ' ' || rest[0] == '}'))
    rest.remove_prefix(1);
  for (const std::string_view word : {"is", "are", "was", "equals", "would be", "should be"}) {
    if (!starts_with_word(rest, word)) continue;
    rest.remove_prefix(word.size());
    // \text{The answer is } 42
    const std::size_t brace = rest.find_first_not_of(' ');
    if (brace != kNone && rest[brace] == '}') rest.remove_prefix(brace + 1);
    return rest;
  }
  if (rest.starts_with("- ")) return rest.substr(2);
  // The denial stays, for is_denied() to see.
  if (starts_with_word(rest, "isn't") || starts_with_word(rest, "can't")) return rest.substr(2);
  if (starts_with_word(rest, "cannot")) return rest;
  if (!rest.empty() && (rest[0] == ':' || rest[0] == '=' || rest[0] == '>')) return rest.substr(1);
  if (!rest.empty() && (is_ascii_digit(rest[0]) || rest[0] == '$' || rest[0] == '-' ||
                        rest.starts_with("\\[") || rest.starts_with("\\("))) {
    return rest;
  }
  // "the answer to the first part is 5"
  if (starts_with_word(rest, "to") || starts_with_word(rest, "for") ||
      starts_with_word(rest, "of")) {
    constexpr std::size_t kFarthest = 120;
    const std::string_view line = sentence(rest.substr(0, kFarthest));
    const std::size_t is = find_ignoring_case(line, " is ", 0);
    if (is != kNone) return rest.substr(is + 4);
  }
  return {};
}

// Drops a leading "not 42, it is": the part after the denial, or nothing.
std::string_view after_denial(std::string_view text) {
  for (const std::string_view turn : {" it is ", " it's ", " but ", " rather "}) {
    const std::size_t place = find_ignoring_case(text, turn, 0);
    if (place != kNone) return text.substr(place + turn.size());
  }
  return {};
}

// Whether a denial stands among the words, as a word of its own or at the end of one (isn't).
bool has_denial(std::string_view words) {
  for (const std::string_view denial : {"not", "never", "n't", "unlikely", "cannot"}) {
    for (std::size_t place = 0; (place = find_ignoring_case(words, denial, place)) != kNone;
         ++place) {
      const std::size_t end = place + denial.size();
      const bool starts = place == 0 || denial == "n't" || !is_ascii_letter(words[place - 1]);
      if (starts && (end == words.size() || !is_ascii_letter(words[end]))) return true;
    }
  }
  return false;
}

// Whether the words before the first value deny it: "not 42", "definitely not $42$".
bool is_denied(std::string_view text) {
  return has_denial(text.substr(0, text.find_first_of("0123456789\\$.,\n")));
}

// Whether the clause that leads up to the announcement denies it: "it is wrong that the answer is".
bool is_denied_before(std::string_view text, std::size_t place) {
  constexpr std::size_t kWindowBytes = 60;
  std::string_view before = text.substr(0, place);
  if (before.size() > kWindowBytes) before.remove_prefix(before.size() - kWindowBytes);
  const std::size_t border = before.find_last_of(".,;:\n!?");
  if (border != kNone) before.remove_prefix(border + 1);
  for (const std::string_view denial : {"wrong that", "false that", "incorrect that", "not true",
                                        "not the case", "don't think", "do not think", "doubt"}) {
    if (find_ignoring_case(before, denial, 0) != kNone) return true;
  }
  return false;
}

// Bounds are no answers: "at least 42", "between 41 and 43".
bool is_bound(std::string_view text) {
  text = without_wrapping(text);
  for (const std::string_view word : {"at least", "at most", "less than", "more than", "fewer than",
                                      "greater than", "between", "no more than", "no less than"}) {
    if (starts_with_word(text, word)) return true;
  }
  return false;
}

// What follows the last words that take an answer back; the whole text where there are none.
std::string_view after_retraction(std::string_view text) {
  std::size_t last = kNone;
  for (const std::string_view words :
       {"just kidding", "no, wait", "scratch that", "i was wrong", "i made a mistake",
        "i made an error", "actually, it is", "actually, it's", "actually it is", "that is wrong",
        "that's wrong"}) {
    for (std::size_t place = 0; (place = find_ignoring_case(text, words, place)) != kNone;
         place += words.size()) {
      if (last == kNone || place + words.size() > last) last = place + words.size();
    }
  }
  return last == kNone ? text : text.substr(last);
}

// Whether a statement in words could be an answer at all.
bool says_something(std::string_view text) {
  constexpr std::size_t kWordsBytesMax = 40;
  text = without_wrapping(text);
  if (text.empty()) return false;
  if (has_digit(text) || text.find('\\') != kNone || text.find('$') != kNone) return true;
  for (const std::string_view word : {"correct", "right", "wrong", "above", "below", "in the box",
                                      "boxed", "as follows", "found"}) {
    if (find_ignoring_case(text, word, 0) != kNone) return false;
  }
  return text.size() <= kWordsBytesMax;
}

// Reading an announcement may take the whole rest of the text, so a text that announces an answer
// thousands of times and never gives one must not be read thousands of times.
constexpr std::size_t kAnnouncementsMax = 16;

std::optional<Statement> last_announced(std::string_view text) {
  constexpr std::string_view kWord = "answer";
  std::vector<std::size_t> places;
  for (std::size_t place = 0; (place = find_ignoring_case(text, kWord, place)) != kNone;
       place += kWord.size()) {
    places.push_back(place);
  }
  std::optional<Statement> last;
  std::size_t read_count = 0;
  for (auto place = places.rbegin();
       place != places.rend() && !last && read_count < kAnnouncementsMax; ++place) {
    if (*place > 0 && text[*place - 1] == '/') continue;  // </answer>
    const auto rest = announced(text.substr(*place + kWord.size()));
    if (!rest) continue;
    ++read_count;
    Statement statement{*place, sentence(*rest), false, is_denied(*rest)};
    if (is_denied_before(text, *place)) {
      statement.text = {};
      statement.is_negated = true;
    }
    if (statement.is_negated) statement.text = after_denial(statement.text);
    if (statement.is_negated || says_something(statement.text)) last = statement;
  }
  const std::size_t mark = text.rfind("####");
  if (mark != kNone && (!last || mark > last->start)) {
    const Statement statement{mark, sentence(text.substr(mark + 4)), false, false};
    if (says_something(statement.text)) last = statement;
  }
  return last;
}

// Ends of the value at the start of a sentence, latest first: the whole of it, then up to a comma,
// a bracket or a word that goes on with something else.
void add_prefixes(std::string_view text, std::vector<std::string>& readings) {
  constexpr std::size_t kCutsMax = 16;
  std::vector<std::size_t> cuts;
  for (const std::string_view border :
       {", ",    "; ",   " (",      " because ", " since ", " which ", " where ",
        " as ",  " so ", " after ", " when ",    " with ",  " for ",   " in ",
        " per ", " if ", " by ",    " \\text{",  " - ",     ": "}) {
    for (std::size_t place = 0; (place = find_ignoring_case(text, border, place)) != kNone;
         ++place) {
      // What goes on with "or" is a hedge; cutting it off would pick one of two answers.
      const std::string_view rest = without_leading_space(text.substr(place + 1));
      const std::string_view next =
          rest.starts_with(",") ? without_leading_space(rest.substr(1)) : rest;
      const bool is_hedge = starts_with_word(next, "or") || starts_with_word(next, "maybe") ||
                            starts_with_word(next, "perhaps") ||
                            starts_with_word(next, "possibly") || starts_with_word(next, "and") ||
                            starts_with_word(next, "alternatively");
      const bool is_number_next = !next.empty() && is_ascii_digit(next[0]);
      if (place > 0 && !is_hedge && !(border == ", " && is_number_next)) cuts.push_back(place);
    }
  }
  std::sort(cuts.rbegin(), cuts.rend());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  if (cuts.size() > kCutsMax) cuts.erase(cuts.begin(), cuts.end() - kCutsMax);
  for (const std::size_t cut : cuts) readings.emplace_back(without_wrapping(text.substr(0, cut)));
}

bool is_number_part(char character) {
  return is_ascii_digit(character) || character == '.' || character == ',';
}

// The last number with the arithmetic written around it: 2/3, 5-3, 50%, 1e3, 3.5 \times 10^4.
std::string_view last_number(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !is_ascii_digit(text[end - 1])) --end;
  if (end == 0) return {};
  std::size_t start = end;
  constexpr std::size_t kReachMax = 256;
  const std::size_t least = end > kReachMax ? end - kReachMax : 0;
  while (start > least) {
    const char before = text[start - 1];
    const bool is_operator = before == '/' || before == '+' || before == '-' || before == '*' ||
                             before == '^' || before == '(' || before == ')';
    const bool is_exponent =
        (before == 'e' || before == 'E') && start > least + 1 && is_ascii_digit(text[start - 2]);
    if (!is_number_part(before) && !is_operator && !is_exponent) break;
    --start;
  }
  while (start < end && (text[start] == ',' || text[start] == '*' || text[start] == ')' ||
                         text[start] == '/' || text[start] == '^' || text[start] == '+')) {
    ++start;
  }
  // A hyphen after a letter joins words ("step-2"), it is no sign.
  if (start > 0 && start < end && text[start] == '-' && is_ascii_letter(text[start - 1])) ++start;
  while (end < text.size() && (text[end] == '%' || text[end] == ')' || text[end] == '!')) ++end;
  if (text.substr(end).starts_with("\\%")) end += 2;
  return text.substr(start, end - start);
}

struct Formula {
  std::size_t end = 0;
  std::string_view content;
};

// The last closed formula between math delimiters.
std::optional<Formula> last_formula(std::string_view text) {
  std::optional<Formula> last;
  std::string_view unclosed[4];  // delimiters that close nowhere in the rest of the text
  std::size_t unclosed_count = 0;
  std::size_t place = 0;
  while (place < text.size()) {
    const std::string_view rest = text.substr(place);
    std::string_view close;
    std::size_t open_bytes = 2;
    if (rest.starts_with("\\(")) {
      close = "\\)";
    } else if (rest.starts_with("\\[")) {
      close = "\\]";
    } else if (rest.starts_with("$$")) {
      close = "$$";
    } else if (rest.starts_with("$") && (place == 0 || text[place - 1] != '\\')) {
      close = "$";
      open_bytes = 1;
    } else {
      ++place;
      continue;
    }
    const auto unclosed_end = unclosed + unclosed_count;
    const bool is_unclosed = std::find(unclosed, unclosed_end, close) != unclosed_end;
    const std::size_t end = is_unclosed ? kNone : rest.find(close, open_bytes);
    if (end == kNone) {
      if (!is_unclosed) unclosed[unclosed_count++] = close;
      place += open_bytes;
      continue;
    }
    last = Formula{place + end + close.size(), rest.substr(open_bytes, end - open_bytes)};
    place = last->end;
  }
  return last;
}

// The value of a sentence that begins with words: what stands after its last "is" or "=".
void add_sentence_ends(std::string_view text, std::vector<std::string>& readings) {
  for (const std::string_view verb :
       {" is ", " are ", " equals ", " get ", " gives ", " obtain ", " have ", " of ", "="}) {
    std::size_t last = kNone;
    for (std::size_t place = 0; (place = find_ignoring_case(text, verb, place)) != kNone; ++place) {
      last = place;
    }
    if (last == kNone) continue;
    const std::string_view value = text.substr(last + verb.size());
    if (is_denied(value) || !has_digit(value)) continue;
    // "12 (5+7)": in a sentence the brackets explain the number.
    const std::size_t bracket = value.find(" (");
    if (bracket != kNone && value.find_first_not_of("0123456789.,") == bracket) {
      readings.emplace_back(value.substr(0, bracket));
    }
    readings.emplace_back(without_wrapping(value));
    std::vector<std::string> prefixes;
    add_prefixes(value, prefixes);
    std::copy_if(prefixes.begin(), prefixes.end(), std::back_inserter(readings), has_digit);
  }
}

ExtractedAnswer from_statement(const Statement& statement) {
  ExtractedAnswer answer;
  answer.is_marked = true;
  const std::string_view text = without_wrapping(statement.text);
  if (is_bound(text)) {
    answer.reason = "only a bound is stated";
    return answer;
  }
  if (text.empty()) {
    answer.reason = statement.is_negated ? "the answer is only denied" : "the answer is empty";
    return answer;
  }
  if (statement.is_box) {
    answer.readings.emplace_back(statement.text);
    const std::size_t end = statement.text.find_last_not_of(" \n.,;:");
    if (end + 1 < statement.text.size()) answer.readings.emplace_back(statement.text, 0, end + 1);
    return answer;
  }
  answer.readings.emplace_back(text);
  add_prefixes(text, answer.readings);
  const std::size_t cut = text.find_first_of("0123456789\\$-");
  const bool begins_with_words = cut != kNone && cut > 0 && is_ascii_letter(text[0]);
  if (begins_with_words && find_ignoring_case(text, " or ", 0) == kNone) {
    add_sentence_ends(text, answer.readings);
    if (const auto formula = last_formula(text); formula && has_digit(formula->content)) {
      answer.readings.emplace_back(formula->content);
    }
    answer.readings.emplace_back(last_number(text));
  }
  return answer;
}

// What follows the last full stop or line break before the end.
std::string_view last_sentence(std::string_view text) {
  constexpr std::size_t kReachMax = 400;
  if (text.size() > kReachMax) text.remove_prefix(text.size() - kReachMax);
  const std::size_t line = text.rfind('\n');
  if (line != kNone) text.remove_prefix(line + 1);
  const std::size_t stop = text.rfind(". ");
  if (stop != kNone) text.remove_prefix(stop + 2);
  return text;
}

// Whether the few words before a number of the text, in the same clause, deny it.
bool is_number_denied(std::string_view text, std::string_view number) {
  constexpr std::size_t kWindowBytes = 24;
  const auto start = static_cast<std::size_t>(number.data() - text.data());
  std::string_view before = text.substr(0, start);
  if (before.size() > kWindowBytes) before.remove_prefix(before.size() - kWindowBytes);
  const std::size_t border = before.find_last_of(".,;:\n0123456789=");
  return has_denial(border == kNone ? before : before.substr(border + 1));
}

ExtractedAnswer from_bare_text(std::string_view text) {
  constexpr std::size_t kWholeBytesMax = 400;
  ExtractedAnswer answer;
  const std::string_view whole = without_wrapping(text);
  if (whole.empty()) {
    answer.reason = "the completion is empty";
    return answer;
  }
  const auto formula = last_formula(text);
  std::size_t number_end = text.find_last_of("0123456789");
  number_end = number_end == kNone ? 0 : number_end + 1;
  const std::string_view number = last_number(text);
  if (!number.empty() && is_number_denied(text, number)) {
    answer.reason = "the last number is only denied";
    return answer;
  }
  const bool has_formula = formula && (formula->end >= number_end || number.empty());
  // "We find that $x = 3$": the words before a formula are no part of it.
  const bool begins_with_words =
      whole.size() > 1 && is_ascii_letter(whole[0]) && is_ascii_letter(whole[1]);
  // "The roots are $2$ and $3$.": what the last sentence ends with, where that is more than a
  // number.
  if (begins_with_words) add_sentence_ends(last_sentence(whole), answer.readings);
  if (has_formula && begins_with_words) answer.readings.emplace_back(formula->content);
  if (whole.size() <= kWholeBytesMax) answer.readings.emplace_back(whole);
  if (has_formula && !begins_with_words) answer.readings.emplace_back(formula->content);
  answer.is_last_resort = !number.empty();
  if (!number.empty()) answer.readings.emplace_back(number);
  if (answer.readings.empty()) answer.reason = "no number or formula was found";
  return answer;
}

}  // namespace

std::string_view unclosed_box(std::string_view text) {
  const std::size_t place = text.rfind("\\boxed{");
  if (place == kNone || group_end(text, place + 6) != kNone) return {};
  return text.substr(place + 7);
}

ExtractedAnswer extract_answer(std::string_view completion) {
  std::string_view visible = completion;
  if (const std::size_t closed = visible.rfind("</think>"); closed != kNone) {
    visible.remove_prefix(closed + 8);
  } else if (without_leading_space(visible).starts_with("<think>")) {
    ExtractedAnswer answer;
    answer.reason = "the completion ends inside its reasoning";
    return answer;
  }
  // An answer that was taken back is none; one that follows the retraction is.
  const std::string_view rest = after_retraction(visible);
  if (rest.size() < visible.size() && has_digit(rest)) visible = rest;
  std::string joined;
  const auto boxed = last_boxed(visible, joined);
  const auto announced_last = last_announced(visible);
  const std::string_view broken = unclosed_box(visible);
  if (!broken.empty() && (!announced_last || announced_last->text.data() < broken.data())) {
    ExtractedAnswer answer;
    answer.reason = "the last box is never closed";
    return answer;
  }
  if (boxed && (!announced_last || announced_last->start < boxed->start)) {
    return from_statement(*boxed);
  }
  if (announced_last) return from_statement(*announced_last);
  return from_bare_text(visible);
}

}  // namespace assay::verifiers
