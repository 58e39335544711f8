#include "verifiers/math/math_words.h"

#include <algorithm>
#include <array>

#include "verifiers/math/math_text.h"

namespace assay::verifiers {

namespace {

template <std::size_t kCount>
bool contains(const std::array<std::string_view, kCount>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 34> kFunctions = {
    "sin",    "cos",    "tan",    "sec",  "csc",     "cot",     "arcsin", "arccos", "arctan",
    "arcsec", "arccsc", "arccot", "sinh", "cosh",    "tanh",    "sech",   "csch",   "coth",
    "ln",     "log",    "exp",    "lg",   "abs",     "Gamma",   "gcd",    "lcm",    "max",
    "min",    "det",    "floor",  "ceil", "arcsinh", "arccosh", "arctanh"};

constexpr std::array<std::string_view, 3> kUndefinedWords = {"nan", "null", "indeterminate"};

constexpr std::array<std::string_view, 45> kKnownWords = {
    "pct",  "yrs",  "pts",  "sqft", "cwt",  "mph",  "kph",  "kmph", "lbs", "hrs",  "mins", "secs",
    "gms",  "kgs",  "cms",  "the",  "and",  "for",  "are",  "was",  "but", "not",  "yes",  "all",
    "any",  "one",  "two",  "six",  "ten",  "four", "five", "nine", "odd", "even", "only", "none",
    "true", "hour", "days", "year", "feet", "inch", "mile", "cent", "area"};

// A unit that contains one of these is a sentence or a hedge, not a unit.
constexpr std::array<std::string_view, 26> kNoUnitWords = {
    "not",   "no",    "maybe",  "perhaps", "possibly", "probably", "or",   "and",     "but",
    "is",    "are",   "was",    "it",      "if",       "then",     "so",   "because", "either",
    "could", "might", "should", "wait",    "actually", "instead",  "than", "equals"};

constexpr std::array<std::string_view, 24> kShortEnglish = {
    "is", "it", "of", "in", "to", "at", "as", "by", "be", "we", "if", "so",
    "no", "on", "an", "or", "he", "me", "my", "us", "do", "go", "up", "am"};

constexpr std::array<std::string_view, 24> kShortUnits = {
    "cm", "mm", "km", "kg", "mg", "ml", "mL", "dm", "ft", "in", "yd", "mi",
    "oz", "lb", "hr", "ms", "ns", "Hz", "Pa", "kJ", "kW", "mA", "pm", "um"};

constexpr std::array<std::string_view, 30> kLetters = {
    "alpha",  "beta",  "gamma", "delta",  "epsilon", "zeta",  "eta", "theta", "iota", "kappa",
    "lambda", "mu",    "nu",    "xi",     "rho",     "sigma", "tau", "phi",   "chi",  "psi",
    "omega",  "Delta", "Theta", "Lambda", "Sigma",   "Phi",   "Psi", "Omega", "ell",  "varphi"};

}  // namespace

bool is_function_name(std::string_view word) {
  return contains(kFunctions, word);
}
bool is_undefined_word(std::string_view word) {
  return contains(kUndefinedWords, word);
}
bool is_known_word(std::string_view word) {
  return contains(kKnownWords, word);
}
bool is_short_english(std::string_view word) {
  return contains(kShortEnglish, word);
}
bool is_greek_letter_name(std::string_view name) {
  return contains(kLetters, name);
}

bool may_be_unit(std::string_view word, bool is_first) {
  if (word.size() == 1) return !is_first;
  if (word.size() == 2) {
    return contains(kShortUnits, word) || (!is_first && !contains(kNoUnitWords, lower_case(word)));
  }
  return !is_function_name(word) && !contains(kNoUnitWords, lower_case(word)) && word != "pi" &&
         !is_undefined_word(lower_case(word)) && word != "sqrt" && word != "infinity";
}

std::string lower_case(std::string_view word) {
  std::string text(word);
  for (char& character : text) character = ascii_lower(character);
  return text;
}

std::string singular(std::string word) {
  if (word.size() > 3 && word.ends_with("s") && !word.ends_with("ss")) word.pop_back();
  return word;
}

}  // namespace assay::verifiers
