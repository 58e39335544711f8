// Expression: the parsed form of an answer, and its bounded parser.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/math/exact_number.h"

namespace assay::verifiers {

inline constexpr std::size_t kAnswerBytesMax = 4096;
inline constexpr int kExpressionDepthMax = 64;
inline constexpr int kExpressionNodesMax = 2000;

enum class NodeKind {
  kNumber,     // number
  kSymbol,     // name, case kept: x, e, pi, infty, x_1
  kText,       // name, lower case: words that are not mathematics
  kUndefined,  // NaN and its like: never equal to anything
  kSum,        // children
  kProduct,    // children
  kQuotient,   // two children
  kPower,      // two children
  kNegation,   // one child
  kFactorial,  // one child
  kPlusMinus,  // two children: a +- b
  kFunction,   // name, children: sin x; log x or log of x to a base; mod, cap, setminus of two
  kQuantity,   // one child and its unit in `name`: "%", "degree", "cm^2", "apples"
  kList,       // children; brackets in `name`: "" (bare), "()", "[)", "{}", ...
  kMatrix,     // rows, each a bare list
  kUnion,      // children
  kRatio,      // children: a : b, a : b : c
  kRelation,   // children a, b, c and in `name` the operators between them, one letter each
};

// The letters of relations in Node::name.
inline constexpr char kEquals = '=';
inline constexpr char kLess = '<';
inline constexpr char kGreater = '>';
inline constexpr char kAtMost = 'l';
inline constexpr char kAtLeast = 'g';
inline constexpr char kUnequal = 'n';
inline constexpr char kRoughly = '~';
inline constexpr char kElementOf = 'e';
inline constexpr char kCongruent = 'c';

struct Node {
  NodeKind kind = NodeKind::kUndefined;
  std::string name = {};
  ExactNumber number = {};
  int decimals = -1;       // of a number written with a point; -1 for an integer
  int digits = 0;          // significant digits of a number as written
  bool is_padded = false;  // a whole number of two digits with a zero in front: 05, 00
  std::vector<Node> children = {};
};

// What a comma between two digits is.
enum class CommaMeaning { kThousands, kSeparator, kDecimalPoint };

enum class ParseFailure { kSyntax, kTooLarge };

struct ParseOutcome {
  std::optional<Node> node;
  ParseFailure failure = ParseFailure::kSyntax;  // where there is no node
};

// Parses plain_math() text as one answer: a number, expression, list, interval, relation, quantity
// or a few words. The whole text must be one. Takes time linear in the text, within the limits
// above; what exceeds them is kTooLarge.
ParseOutcome parse_answer(std::string_view plain, CommaMeaning comma, WorkBudget& budget);

}  // namespace assay::verifiers
