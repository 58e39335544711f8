#include "verifiers/sql/sql_text.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

#include "verifiers/sql/sql_names.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers::sql {

namespace {

constexpr std::string_view kFence = "```";

// The first words of statements that are no query, of both dialects. Sorted.
constexpr auto kStatements = std::to_array<std::string_view>(
    {"abort",      "alter",    "analyse",   "analyze",  "attach",  "begin",   "call",
     "checkpoint", "close",    "cluster",   "comment",  "commit",  "copy",    "create",
     "deallocate", "declare",  "delete",    "detach",   "discard", "do",      "drop",
     "end",        "execute",  "explain",   "fetch",    "grant",   "import",  "insert",
     "listen",     "load",     "lock",      "merge",    "move",    "notify",  "pragma",
     "prepare",    "reassign", "refresh",   "reindex",  "release", "replace", "reset",
     "revoke",     "rollback", "savepoint", "security", "set",     "show",    "start",
     "truncate",   "unlisten", "update",    "vacuum"});
static_assert(std::ranges::is_sorted(kStatements));

// The start of the next line that begins with a fence, white space aside.
std::size_t find_fence(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find(kFence, from); at != std::string_view::npos;
       at = text.find(kFence, at + kFence.size())) {
    const std::size_t line = text.rfind('\n', at) + 1;  // npos + 1 is the first line
    if (trimmed(text.substr(line, at - line)).empty()) return at;
  }
  return std::string_view::npos;
}

bool says_sql(std::string_view label) {
  const std::string_view word = trimmed(label);
  for (const std::string_view known : {"sql", "sqlite", "postgresql", "postgres", "pgsql"}) {
    if (std::ranges::equal(word, known, [](char a, char b) { return (a | 0x20) == b; }))
      return true;
  }
  return false;
}

bool is_direction(const Token& token) {
  return token.is_word("asc") || token.is_word("desc");
}

std::string text_between(std::string_view query, const Token& first, const Token& last) {
  return std::string(query.substr(first.offset, last.offset + last.text.size() - first.offset));
}

std::size_t position_of(std::string_view expression) {
  std::size_t position = 0;
  const char* const end = expression.data() + expression.size();
  const auto [stop, error] = std::from_chars(expression.data(), end, position);
  return error == std::errc() && stop == end ? position : 0;
}

// One term of ORDER BY without ASC, DESC and NULLS FIRST or LAST.
std::optional<OrderKey> key_of(std::string_view query, std::span<const Token> term) {
  if (term.size() > 2 && term[term.size() - 2].is_word("nulls")) term = term.first(term.size() - 2);
  if (!term.empty() && is_direction(term.back())) term = term.first(term.size() - 1);
  if (term.empty()) return {};
  OrderKey key;
  key.expression = text_between(query, term.front(), term.back());
  key.position = position_of(key.expression);
  return key;
}

// Where the outermost ORDER of "ORDER BY" stands; the number of tokens where nowhere.
std::size_t find_order(std::span<const Token> tokens) {
  for (std::size_t i = tokens.size(); i-- > 0;) {
    if (tokens[i].depth == 0 && tokens[i].is_word("order") && i + 1 < tokens.size() &&
        tokens[i + 1].is_word("by")) {
      return i;
    }
  }
  return tokens.size();
}

bool ends_order(const Token& token) {
  if (token.depth != 0) return false;
  for (const std::string_view word : {"limit", "offset", "fetch", "for"}) {
    if (token.is_word(word)) return true;
  }
  return token.is_symbol(';');
}

std::vector<OrderKey> keys_after(std::string_view query, std::span<const Token> terms) {
  std::vector<OrderKey> keys;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= terms.size(); ++i) {
    const bool is_end = i == terms.size() || ends_order(terms[i]);
    if (!is_end && !(terms[i].depth == 0 && terms[i].is_symbol(','))) continue;
    if (const auto key = key_of(query, terms.subspan(start, i - start))) keys.push_back(*key);
    if (is_end) break;
    start = i + 1;
  }
  return keys;
}

// The query with the keys as further columns; empty where it cannot be written so.
std::string with_keys(std::string_view query, std::span<const Token> tokens,
                      const std::vector<OrderKey>& keys) {
  const Token* from = nullptr;
  bool has_select = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.depth != 0) continue;
    for (const std::string_view word : {"union", "intersect", "except", "values"}) {
      if (token.is_word(word)) return {};
    }
    if (token.is_word("select")) {
      if (i + 1 < tokens.size() && tokens[i + 1].is_word("distinct")) return {};
      has_select = true;
    }
    if (has_select && from == nullptr && token.is_word("from")) from = &token;
  }
  if (from == nullptr) return {};
  std::string keyed(query.substr(0, from->offset));
  for (const OrderKey& key : keys) {
    keyed += ", (" + (key.position > 0 ? "NULL" : key.expression) + ") ";
  }
  return keyed += query.substr(from->offset);
}

}  // namespace

std::string_view query_in(std::string_view completion) {
  constexpr std::string_view kThinkEnd = "</think>";
  const std::size_t thought = completion.rfind(kThinkEnd);
  if (thought != std::string_view::npos) completion.remove_prefix(thought + kThinkEnd.size());
  std::optional<std::string_view> any;
  std::optional<std::string_view> labelled;
  for (std::size_t open = find_fence(completion, 0); open != std::string_view::npos;) {
    const std::size_t label = open + kFence.size();
    const std::size_t body = std::min(completion.find('\n', label), completion.size());
    const std::size_t close = std::min(find_fence(completion, body), completion.size());
    any = completion.substr(body, close - body);
    if (says_sql(completion.substr(label, body - label))) labelled = any;
    open = close == completion.size() ? std::string_view::npos
                                      : find_fence(completion, close + kFence.size());
  }
  return trimmed(labelled ? *labelled : any.value_or(completion));
}

std::string other_statement(std::string_view query, Dialect dialect) {
  const std::vector<Token> tokens = tokens_of(query, dialect);
  if (tokens.empty() || tokens[0].kind != TokenKind::kWord) return {};
  const std::string word = lower_case(tokens[0].text);
  return std::ranges::binary_search(kStatements, word) ? word : "";
}

std::string_view without_semicolons(std::string_view query, Dialect dialect) {
  const std::vector<Token> tokens = tokens_of(query, dialect);
  std::size_t count = tokens.size();
  while (count > 0 && tokens[count - 1].is_symbol(';')) --count;
  if (count == 0) return {};
  return query.substr(0, tokens[count - 1].offset + tokens[count - 1].text.size());
}

OutermostOrder outermost_order(std::string_view query, Dialect dialect) {
  const std::vector<Token> tokens = tokens_of(query, dialect);
  const std::size_t order = find_order(tokens);
  OutermostOrder found;
  if (order == tokens.size()) return found;
  found.keys = keys_after(query, std::span(tokens).subspan(order + 2));
  found.keyed_query = with_keys(query, tokens, found.keys);
  return found;
}

}  // namespace assay::verifiers::sql
