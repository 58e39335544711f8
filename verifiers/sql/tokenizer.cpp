#include <algorithm>

#include "verifiers/sql/sql_text.h"

namespace assay::verifiers::sql {

namespace {

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool is_name_start(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_' ||
         static_cast<unsigned char>(letter) >= 0x80;
}

bool is_name_part(char letter) {
  return is_name_start(letter) || is_digit(letter) || letter == '$';
}

class Tokenizer {
 public:
  Tokenizer(std::string_view query, Dialect dialect) : query_(query), dialect_(dialect) {}

  std::vector<Token> run() {
    while (skip_space_and_comments(), at_ < query_.size()) read_token();
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < query_.size() ? query_[at_ + ahead] : '\0';
  }

  void skip_space_and_comments() {
    while (at_ < query_.size()) {
      if (std::string_view(" \t\r\n\f\v").find(query_[at_]) != std::string_view::npos) {
        ++at_;
      } else if (peek() == '-' && peek(1) == '-') {
        at_ = std::min(query_.find('\n', at_), query_.size());
      } else if (peek() == '/' && peek(1) == '*') {
        skip_block_comment();
      } else {
        return;
      }
    }
  }

  // PostgreSQL's nest, SQLite's do not.
  void skip_block_comment() {
    at_ += 2;
    for (std::size_t open = 1; open > 0 && at_ < query_.size();) {
      if (peek() == '*' && peek(1) == '/') {
        --open;
        at_ += 2;
      } else if (dialect_ == Dialect::kPostgresql && peek() == '/' && peek(1) == '*') {
        ++open;
        at_ += 2;
      } else {
        ++at_;
      }
    }
    at_ = std::min(at_, query_.size());
  }

  void read_token() {
    const std::size_t start = at_;
    const char first = peek();
    TokenKind kind = TokenKind::kSymbol;
    if (first == '\'') {
      kind = TokenKind::kText;
      skip_quoted('\'', false);
    } else if (first == '"' || (dialect_ == Dialect::kSqlite && first == '`')) {
      kind = TokenKind::kQuotedName;
      skip_quoted(first, false);
    } else if (dialect_ == Dialect::kSqlite && first == '[') {
      kind = TokenKind::kQuotedName;
      at_ = std::min(query_.find(']', at_), query_.size() - 1) + 1;
    } else if (is_prefixed_text()) {
      kind = TokenKind::kText;
      const bool has_escapes = first == 'e' || first == 'E';
      ++at_;
      skip_quoted('\'', has_escapes);
    } else if (is_name_start(first)) {
      kind = TokenKind::kWord;
      while (at_ < query_.size() && is_name_part(query_[at_])) ++at_;
    } else if (is_digit(first) || (first == '.' && is_digit(peek(1)))) {
      kind = TokenKind::kNumber;
      skip_number();
    } else if (first == '$' && skip_dollar_text()) {
      kind = TokenKind::kText;
    } else {
      ++at_;
    }
    add(kind, start);
  }

  // x'..' of both; e'..', b'..' and n'..' of PostgreSQL.
  bool is_prefixed_text() const {
    if (peek(1) != '\'') return false;
    const std::string_view prefixes = dialect_ == Dialect::kSqlite ? "xX" : "xXeEbBnN";
    return prefixes.find(peek()) != std::string_view::npos;
  }

  void skip_quoted(char quote, bool has_escapes) {
    for (++at_; at_ < query_.size(); ++at_) {
      if (has_escapes && query_[at_] == '\\') {
        ++at_;
      } else if (query_[at_] == quote) {
        if (peek(1) != quote) break;
        ++at_;
      }
    }
    at_ = std::min(at_ + 1, query_.size());
  }

  void skip_number() {
    while (at_ < query_.size() && (is_name_part(query_[at_]) || query_[at_] == '.')) {
      const bool is_exponent = query_[at_] == 'e' || query_[at_] == 'E';
      ++at_;
      if (is_exponent && (peek() == '+' || peek() == '-') && is_digit(peek(1))) ++at_;
    }
  }

  // $tag$ ... $tag$ of PostgreSQL.
  bool skip_dollar_text() {
    if (dialect_ != Dialect::kPostgresql) return false;
    std::size_t end = at_ + 1;
    while (end < query_.size() && is_name_part(query_[end]) && query_[end] != '$') ++end;
    if (end >= query_.size() || query_[end] != '$' || is_digit(peek(1))) return false;
    const std::string_view tag = query_.substr(at_, end - at_ + 1);
    const std::size_t close = query_.find(tag, end + 1);
    at_ = close == std::string_view::npos ? query_.size() : close + tag.size();
    return true;
  }

  void add(TokenKind kind, std::size_t start) {
    Token token{kind, query_.substr(start, at_ - start), start, depth_};
    if (token.is_symbol('(')) ++depth_;
    if (token.is_symbol(')')) token.depth = depth_ = depth_ > 0 ? depth_ - 1 : 0;
    tokens_.push_back(token);
  }

  std::string_view query_;
  Dialect dialect_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

bool Token::is_word(std::string_view lower_case_word) const {
  return kind == TokenKind::kWord &&
         std::ranges::equal(text, lower_case_word, [](char letter, char wanted) {
           return (letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter) == wanted;
         });
}

std::vector<Token> tokens_of(std::string_view query, Dialect dialect) {
  return Tokenizer(query, dialect).run();
}

}  // namespace assay::verifiers::sql
