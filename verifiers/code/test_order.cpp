#include "verifiers/code/test_order.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>

#include "runtime/core/rng.h"

namespace assay::verifiers {

namespace {

// What an assertion may say beside the program's name: words of the language that bind nothing, and
// built-in functions without effects.
constexpr auto kKnownWords = std::to_array<std::string_view>(
    {"False",     "None",      "True",   "abs",  "all",    "and",     "any",        "assert",
     "bin",       "bool",      "bytes",  "chr",  "float",  "complex", "dict",       "divmod",
     "else",      "enumerate", "if",     "in",   "filter", "int",     "isinstance", "is",
     "frozenset", "hex",       "len",    "list", "map",    "max",     "min",        "not",
     "oct",       "or",        "ord",    "pow",  "range",  "repr",    "round",      "set",
     "reversed",  "str",       "sorted", "sum",  "tuple",  "type",    "zip"});

struct Name {
  std::string_view text;
  bool is_called = false;
};

// One logical line: a statement, the head of one, or nothing but a comment.
struct Statement {
  std::string_view text;  // whole lines, the last line's end included
  std::string_view indent;
  std::vector<Name> names;  // attributes and the names of arguments aside
  bool is_empty = true;
  bool is_simple = true;  // one statement, no text with expressions in it, no assignment inside

  bool begins_with(std::string_view word) const {
    return !names.empty() && names[0].text == word && !is_empty;
  }
};

bool is_word(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_' ||
         (letter >= '0' && letter <= '9') || (letter & 0x80) != 0;
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

// Takes text apart into logical lines, as far as Python's brackets, strings and comments go.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  // Nothing where a bracket or a string does not close, or where a line ends in another way.
  std::optional<std::vector<Statement>> split() {
    if (text_.find_first_of("\r\f") != std::string_view::npos) return std::nullopt;
    std::vector<Statement> statements;
    while (at_ < text_.size()) {
      statements.emplace_back();
      if (!read(statements.back())) return std::nullopt;
    }
    return statements;
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  bool read(Statement& statement) {
    const std::size_t start = at_;
    at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size());
    statement.indent = text_.substr(start, at_ - start);
    depth_ = 0;
    last_ = '\0';
    while (at_ < text_.size()) {
      const char letter = peek();
      if (letter == '\n' && depth_ == 0) break;
      if (!step(letter, statement)) return false;
    }
    at_ = std::min(at_ + 1, text_.size());
    statement.text = text_.substr(start, at_ - start);
    return depth_ == 0;
  }

  bool step(char letter, Statement& statement) {
    if (letter == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if (letter == '\\' || letter == '\n' || letter == ' ' || letter == '\t') {
      at_ += letter == '\\' ? 2 : 1;
      return true;
    }
    statement.is_empty = false;
    if (letter == '"' || letter == '\'') return read_string(letter);
    if (is_word(letter)) return read_word(statement);
    if (letter == '(' || letter == '[' || letter == '{') ++depth_;
    if (letter == ')' || letter == ']' || letter == '}') --depth_;
    const bool is_walrus = letter == ':' && peek(1) == '=';
    if (is_walrus || (letter == ';' && depth_ == 0)) statement.is_simple = false;
    last_ = letter;
    ++at_;
    return depth_ >= 0;
  }

  bool read_string(char quote) {
    const std::string_view three(&text_[at_], std::min<std::size_t>(3, text_.size() - at_));
    const bool is_long = three == std::string(3, quote);
    for (at_ += is_long ? 3 : 1; at_ < text_.size(); ++at_) {
      if (peek() == '\\') {
        ++at_;
      } else if (!is_long && peek() == '\n') {
        return false;
      } else if (peek() == quote && (!is_long || (peek(1) == quote && peek(2) == quote))) {
        at_ += is_long ? 3 : 1;
        last_ = quote;
        return true;
      }
    }
    return false;
  }

  bool read_word(Statement& statement) {
    const std::size_t start = at_;
    while (is_word(peek()) || (is_digit(text_[start]) && peek() == '.')) ++at_;
    const std::string_view word = text_.substr(start, at_ - start);
    const bool is_attribute = last_ == '.';
    last_ = 'a';
    if (peek() == '"' || peek() == '\'') {
      if (word.find_first_of("fF") != std::string_view::npos) statement.is_simple = false;
      return true;
    }
    const std::size_t next = std::min(text_.find_first_not_of(" \t", at_), text_.size());
    const std::string_view rest = text_.substr(next, 2);
    const bool is_argument = depth_ > 0 && rest.starts_with('=') && rest != "==";
    if (is_digit(word[0]) || is_attribute || is_argument) return true;
    statement.names.push_back({word, rest.starts_with('(')});
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  char last_ = '\0';  // the last letter that is no blank, of the logical line
};

bool is_import(const Statement& statement) {
  return statement.begins_with("import") || statement.begins_with("from");
}

bool is_head_of_check(const Statement& statement) {
  return statement.begins_with("def") && statement.names.size() >= 3 &&
         statement.names[1].text == "check";
}

// The names that assertions may use and still be moved.
std::set<std::string_view> free_names(const std::vector<Statement>& statements,
                                      std::string_view entry_point) {
  std::set<std::string_view> program = {entry_point};
  std::set<std::string_view> free(kKnownWords.begin(), kKnownWords.end());
  for (const Statement& statement : statements) {
    if (is_head_of_check(statement)) program.insert(statement.names[2].text);
    if (!is_import(statement)) continue;
    for (const Name& name : statement.names) free.insert(name.text);
  }
  // The program under a name that is more than called may be another thing by the next assertion.
  for (const Statement& statement : statements) {
    if (statement.begins_with("assert") || is_head_of_check(statement)) continue;
    for (std::size_t i = 0; i < statement.names.size(); ++i) {
      const bool is_made =
          i > 0 && (statement.names[i - 1].text == "def" || statement.names[i - 1].text == "class");
      if (!statement.names[i].is_called || is_made) program.erase(statement.names[i].text);
    }
  }
  free.insert(program.begin(), program.end());
  return free;
}

bool can_move(const Statement& statement, const std::set<std::string_view>& free) {
  return statement.begins_with("assert") && statement.is_simple &&
         std::all_of(statement.names.begin(), statement.names.end(),
                     [&](const Name& name) { return free.contains(name.text); });
}

// Shuffles among their places the assertions of each run; what is empty stays where it is.
void shuffle_runs(std::vector<std::size_t>& order, const std::vector<Statement>& statements,
                  const std::set<std::string_view>& free, Rng& rng) {
  std::vector<std::size_t> run;
  const auto finish = [&] {
    std::vector<std::size_t> moved = run;
    rng.shuffle(std::span(moved));
    for (std::size_t i = 0; i < run.size(); ++i) order[run[i]] = moved[i];
    run.clear();
  };
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const Statement& statement = statements[i];
    if (statement.is_empty) continue;
    const bool is_movable = can_move(statement, free);
    const bool goes_on =
        is_movable && !run.empty() && statements[run.back()].indent == statement.indent;
    if (!goes_on) finish();
    if (is_movable) run.push_back(i);
  }
  finish();
}

}  // namespace

OrderedTests order_tests(std::string_view tests, std::string_view entry_point, std::uint64_t seed) {
  // The last line ends like the others, so that it can be moved among them.
  std::string text(tests);
  if (!text.ends_with('\n')) text += '\n';
  auto statements = Splitter(text).split();
  if (!statements) statements = {Statement{text, {}, {}, false, false}};
  std::vector<std::size_t> order;
  std::vector<std::uint32_t> first_lines, line_counts;
  std::uint32_t line = 1;
  for (const Statement& statement : *statements) {
    order.push_back(order.size());
    first_lines.push_back(line);
    const auto count = std::count(statement.text.begin(), statement.text.end(), '\n');
    line_counts.push_back(static_cast<std::uint32_t>(count));
    line += line_counts.back();
  }
  Rng rng(seed);
  shuffle_runs(order, *statements, free_names(*statements, entry_point), rng);
  OrderedTests ordered;
  for (const std::size_t index : order) {
    ordered.text += (*statements)[index].text;
    for (std::uint32_t i = 0; i < line_counts[index]; ++i) {
      ordered.lines.push_back(first_lines[index] + i);
    }
  }
  return ordered;
}

}  // namespace assay::verifiers
