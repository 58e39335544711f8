#include "verifiers/sql/postgres_policy.h"

#include <algorithm>
#include <span>
#include <vector>

#include "verifiers/sql/sql_names.h"
#include "verifiers/sql/sql_text.h"

namespace assay::verifiers::sql {

namespace {

using Names = std::span<const std::string_view>;

// Sorted, as are the lists below.
// clang-format off
constexpr std::string_view kPureFunctions[] = {
    "abs", "acos", "array_agg", "array_append", "array_cat", "array_length", "array_position",
    "array_prepend", "array_remove", "array_replace", "array_to_json", "array_to_string",
    "array_upper", "ascii", "asin", "atan", "atan2", "avg", "bit_and", "bit_length", "bit_or",
    "bool_and", "bool_or", "btrim", "cardinality", "cbrt", "ceil", "ceiling", "char_length",
    "character_length", "chr", "coalesce", "concat", "concat_ws", "corr", "cos", "cosh", "cot",
    "count", "covar_pop", "covar_samp", "cume_dist", "date_bin", "date_part", "date_trunc",
    "decode", "degrees", "dense_rank", "div", "encode", "every", "exp", "extract", "factorial",
    "first_value", "floor", "format", "gcd", "generate_series", "generate_subscripts", "greatest",
    "grouping", "initcap", "isfinite", "json_agg", "json_array_elements",
    "json_array_elements_text", "json_array_length", "json_build_array", "json_build_object",
    "json_each", "json_each_text", "json_extract_path", "json_extract_path_text",
    "json_object_agg", "json_object_keys", "json_typeof", "jsonb_agg", "jsonb_array_elements",
    "jsonb_array_elements_text", "jsonb_array_length", "jsonb_build_array", "jsonb_build_object",
    "jsonb_each", "jsonb_each_text", "jsonb_extract_path", "jsonb_extract_path_text",
    "jsonb_object_agg", "jsonb_object_keys", "jsonb_typeof", "justify_days", "justify_hours",
    "justify_interval", "lag", "last_value", "lcm", "lead", "least", "left", "length", "ln",
    "log", "log10", "lower", "lpad", "ltrim", "make_date", "make_interval", "make_time",
    "make_timestamp", "max", "md5", "min", "min_scale", "mod", "mode", "nth_value", "ntile",
    "nullif", "num_nonnulls", "num_nulls", "octet_length", "overlay", "percent_rank",
    "percentile_cont", "percentile_disc", "pi", "position", "power", "quote_literal", "radians",
    "rank", "regexp_match", "regexp_matches", "regexp_replace", "regexp_split_to_array",
    "regexp_split_to_table", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2",
    "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "repeat", "replace", "reverse", "right",
    "round", "row_number", "row_to_json", "rpad", "rtrim", "scale", "sign", "sin", "sinh",
    "split_part", "sqrt", "starts_with", "stddev", "stddev_pop", "stddev_samp", "string_agg",
    "string_to_array", "strpos", "substr", "substring", "sum", "tan", "tanh", "to_char",
    "to_date", "to_json", "to_jsonb", "to_number", "to_timestamp", "translate", "trim",
    "trim_array", "trim_scale", "trunc", "unnest", "upper", "var_pop", "var_samp", "variance",
    "width_bucket",
};
// clang-format on
static_assert(std::ranges::is_sorted(kPureFunctions));

// Words and types that a parenthesis may follow without making a call.
constexpr auto kBeforeParenthesis = std::to_array<std::string_view>(
    {"all",       "and",     "any",      "array",     "as",          "between", "bit",
     "by",        "case",    "cast",     "char",      "character",   "cross",   "cube",
     "dec",       "decimal", "distinct", "else",      "except",      "exists",  "filter",
     "float",     "from",    "group",    "having",    "ilike",       "in",      "intersect",
     "interval",  "is",      "join",     "lateral",   "like",        "limit",   "materialized",
     "not",       "numeric", "offset",   "on",        "or",          "over",    "precision",
     "recursive", "rollup",  "row",      "select",    "sets",        "similar", "some",
     "symmetric", "then",    "time",     "timestamp", "timestamptz", "to",      "union",
     "using",     "values",  "varchar",  "varying",   "when",        "where",   "with",
     "zone"});
static_assert(std::ranges::is_sorted(kBeforeParenthesis));

// Unquoted words that read the clock, the session or chance.
constexpr auto kUnsteadyWords = std::to_array<std::string_view>(
    {"current_catalog", "current_date", "current_role", "current_schema", "current_time",
     "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user",
     "tablesample", "user"});
static_assert(std::ranges::is_sorted(kUnsteadyWords));

// Names of the server itself, wherever they stand.
constexpr std::string_view kServerPrefixes[] = {
    "pg_",
    "lo_",
    "dblink",
    "information_schema",
    "set_config",
    "current_setting",
    "query_to_xml",
    "cursor_to_xml",
    "table_to_xml",
    "schema_to_xml",
    "database_to_xml",
    "ts_stat",
    "ts_rewrite",
    "txid_",
    "inet_client",
    "inet_server",
};

bool holds(Names names, std::string_view name) {
  return std::ranges::binary_search(names, name);
}

// A name in the letters that PostgreSQL would look up.
std::string name_of(const Token& token) {
  if (token.kind == TokenKind::kWord) return lower_case(token.text);
  if (token.kind != TokenKind::kQuotedName || token.text.size() < 2) return {};
  return std::string(token.text.substr(1, token.text.size() - 2));
}

std::size_t closing(std::span<const Token> tokens, std::size_t open) {
  for (std::size_t i = open + 1; i < tokens.size(); ++i) {
    if (tokens[i].is_symbol(')') && tokens[i].depth == tokens[open].depth) return i;
  }
  return tokens.size();
}

// name (columns) AS [NOT MATERIALIZED] (query: a WITH table, not a call. A call in FROM may be
// followed by AS ( too, but then columns with their types stand there, never a query.
bool is_with_table(std::span<const Token> tokens, std::size_t open) {
  std::size_t at = closing(tokens, open) + 1;
  if (at >= tokens.size() || !tokens[at].is_word("as")) return false;
  ++at;
  while (at < tokens.size() && (tokens[at].is_word("not") || tokens[at].is_word("materialized"))) {
    ++at;
  }
  if (at + 2 >= tokens.size() || !tokens[at].is_symbol('(')) return false;
  const Token& first = tokens[at + 1];
  return first.is_word("select") || first.is_word("with") ||
         (first.is_word("values") && tokens[at + 2].is_symbol('('));
}

// Whether the name before tokens[open] only names a table's columns: (..) AS t(a, b).
bool is_alias(std::span<const Token> tokens, std::size_t name) {
  return name > 0 && (tokens[name - 1].is_word("as") || tokens[name - 1].is_symbol(')'));
}

std::string refusal_of_name(std::span<const Token> tokens, std::size_t i) {
  const Token& token = tokens[i];
  const std::string name = name_of(token);
  for (const std::string_view prefix : kServerPrefixes) {
    if (name.starts_with(prefix)) return "it names " + name;
  }
  if (token.kind == TokenKind::kWord && holds(kUnsteadyWords, name)) return "it reads " + name;
  if (token.is_word("into")) return "it writes a table";
  const bool is_call = i + 1 < tokens.size() && tokens[i + 1].is_symbol('(');
  if (!is_call || holds(kPureFunctions, name)) return {};
  if (token.kind == TokenKind::kWord && holds(kBeforeParenthesis, name)) return {};
  if (is_alias(tokens, i) || is_with_table(tokens, i + 1)) return {};
  return "it calls the function " + name;
}

// 'now' and its like become a time when they are read as one.
bool is_unsteady_text(std::string_view text) {
  const std::size_t quote = text.find('\'');
  if (quote == std::string_view::npos) return false;
  std::string inside = lower_case(text.substr(quote + 1));
  std::erase_if(inside, [](char letter) { return letter == ' ' || letter == '\''; });
  return inside == "now" || inside == "today" || inside == "tomorrow" || inside == "yesterday";
}

bool is_unicode_name(std::span<const Token> tokens, std::size_t i) {
  return i + 2 < tokens.size() && tokens[i].is_word("u") && tokens[i + 1].is_symbol('&') &&
         tokens[i + 2].kind == TokenKind::kQuotedName;
}

bool starts_write(std::span<const Token> tokens, std::size_t i) {
  if (i == 0 || !tokens[i - 1].is_symbol('(')) return false;
  for (const std::string_view word : {"insert", "update", "delete", "merge"}) {
    if (tokens[i].is_word(word)) return true;
  }
  return false;
}

}  // namespace

std::string postgres_refusal(std::string_view query) {
  const std::vector<Token> list = tokens_of(query, Dialect::kPostgresql);
  const std::span<const Token> tokens = list;
  if (tokens.empty()) return "there is no query";
  if (const std::string other = other_statement(query, Dialect::kPostgresql); !other.empty()) {
    return "it is not a plain query but " + other;
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.is_symbol(';')) return "it is several statements";
    if (token.kind == TokenKind::kText && is_unsteady_text(token.text)) return "it reads the clock";
    if (is_unicode_name(tokens, i)) return "it hides a name";
    if (starts_write(tokens, i)) return "it writes";
    if (token.kind != TokenKind::kWord && token.kind != TokenKind::kQuotedName) continue;
    if (std::string refusal = refusal_of_name(tokens, i); !refusal.empty()) return refusal;
  }
  return {};
}

}  // namespace assay::verifiers::sql
