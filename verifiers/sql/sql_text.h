// The little of a query's text that has to be understood: its tokens, the query inside a
// completion, and what the outermost SELECT orders by.
//
// Nothing here decides what a query may do: engines decide that from the parsed statement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::verifiers::sql {

enum class Dialect : std::uint8_t { kSqlite, kPostgresql };

enum class TokenKind : std::uint8_t { kWord, kQuotedName, kText, kNumber, kSymbol };

struct Token {
  TokenKind kind = TokenKind::kSymbol;
  std::string_view text;  // with its quotes
  std::size_t offset = 0;
  std::size_t depth = 0;  // of parentheses around it; a parenthesis has the depth outside itself

  bool is_word(std::string_view lower_case_word) const;
  bool is_symbol(char symbol) const { return kind == TokenKind::kSymbol && text[0] == symbol; }
};

// The tokens without comments and white space. Never fails: what is not closed ends with the text.
std::vector<Token> tokens_of(std::string_view query, Dialect dialect);

// The query in a completion: the last fenced block that says sql, else the last fenced block, else
// all of it; after </think> where that occurs. Without white space around it.
std::string_view query_in(std::string_view completion);

// The first word, in lower case, where it begins a statement that is no query; else empty. For
// statements that an engine cannot even parse.
std::string other_statement(std::string_view query, Dialect dialect);

// The query without the semicolons at its end.
std::string_view without_semicolons(std::string_view query, Dialect dialect);

// One key that the outermost SELECT orders by.
struct OrderKey {
  std::string expression;    // as written, without ASC, DESC and NULLS
  std::size_t position = 0;  // 1-based column, where it is written as a number; else 0
};

struct OutermostOrder {
  std::vector<OrderKey> keys;  // empty: the query orders nothing
  // The query with every key as one more column at its end, or empty where it cannot be written so
  // (UNION, DISTINCT, no FROM).
  std::string keyed_query;
};

// What the outermost SELECT of a query orders by: not its subqueries, WITH tables or windows.
OutermostOrder outermost_order(std::string_view query, Dialect dialect);

}  // namespace assay::verifiers::sql
