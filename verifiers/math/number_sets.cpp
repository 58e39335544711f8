#include "verifiers/math/number_sets.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "verifiers/math/evaluation.h"
#include "verifiers/math/expression_parser.h"

namespace assay::verifiers {

namespace {

constexpr std::size_t kPiecesMax = 200;

// An end of a piece: a number or an infinity.
struct End {
  int infinity = 0;  // -1, 0, 1
  ExactNumber number = {};

  friend bool operator==(const End& a, const End& b) {
    return a.infinity == b.infinity && (a.infinity != 0 || a.number == b.number);
  }
  friend bool operator<(const End& a, const End& b) {
    if (a.infinity != b.infinity) return a.infinity < b.infinity;
    return a.infinity == 0 && a.number < b.number;
  }
};

struct Piece {
  End low, high;
  bool has_low = false, has_high = false;  // whether the ends belong to it

  bool is_empty() const { return high < low || (low == high && !(has_low && has_high)); }
};

using Pieces = std::vector<Piece>;

std::optional<End> end_of(const Node& node, WorkBudget& budget) {
  const bool is_negative = node.kind == NodeKind::kNegation;
  const Node& inner = is_negative ? node.children[0] : node;
  if (inner.kind == NodeKind::kSymbol && inner.name == "infty") return End{is_negative ? -1 : 1};
  const Evaluation value = evaluate(node, budget);
  if (value.kind != ValueKind::kExact) return {};
  return End{0, value.number};
}

bool is_interval(const Node& node) {
  return node.kind == NodeKind::kList && node.children.size() == 2 && node.name.size() == 2 &&
         node.name != "{}";
}

bool is_real_line(const Node& node) {
  return node.kind == NodeKind::kSymbol && (node.name == "R" || node.name == "\\Reals");
}

bool is_operation(const Node& node) {
  return node.kind == NodeKind::kUnion ||
         (node.kind == NodeKind::kFunction && node.children.size() == 2 &&
          (node.name == "setminus" || node.name == "cap"));
}

Pieces merged(Pieces pieces) {
  std::erase_if(pieces, [](const Piece& piece) { return piece.is_empty(); });
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    if (!(a.low == b.low)) return a.low < b.low;
    return a.has_low > b.has_low;
  });
  Pieces result;
  for (Piece& piece : pieces) {
    Piece* last = result.empty() ? nullptr : &result.back();
    const bool touches =
        last != nullptr &&
        (piece.low < last->high || (piece.low == last->high && (piece.has_low || last->has_high)));
    if (!touches) {
      result.push_back(std::move(piece));
    } else if (last->high < piece.high) {
      last->high = piece.high;
      last->has_high = piece.has_high;
    } else if (last->high == piece.high) {
      last->has_high = last->has_high || piece.has_high;
    }
  }
  return result;
}

Pieces intersection(const Pieces& a, const Pieces& b) {
  Pieces result;
  for (const Piece& one : a) {
    for (const Piece& other : b) {
      const bool is_low_of_one = other.low < one.low || (other.low == one.low && !one.has_low);
      const bool is_high_of_one =
          one.high < other.high || (other.high == one.high && !one.has_high);
      const Piece& low = is_low_of_one ? one : other;
      const Piece& high = is_high_of_one ? one : other;
      result.push_back({low.low, high.high, low.has_low, high.has_high});
    }
  }
  return merged(std::move(result));
}

// `pieces` are merged.
Pieces complement(const Pieces& pieces) {
  Pieces result;
  Piece gap{End{-1}, End{1}, false, false};
  for (const Piece& piece : pieces) {
    gap.high = piece.low;
    gap.has_high = !piece.has_low && piece.low.infinity == 0;
    result.push_back(gap);
    gap = {piece.high, End{1}, !piece.has_high && piece.high.infinity == 0, false};
  }
  result.push_back(gap);
  return merged(std::move(result));
}

std::optional<Pieces> pieces_of(const Node& node, WorkBudget& budget);

std::optional<Pieces> points_of(const Node& set, WorkBudget& budget) {
  Pieces points;
  for (const Node& element : set.children) {
    const auto end = end_of(element, budget);
    if (!end || end->infinity != 0) return {};
    points.push_back({*end, *end, true, true});
  }
  return merged(std::move(points));
}

std::optional<Pieces> pieces_of(const Node& node, WorkBudget& budget) {
  if (!budget.take(1000)) return {};
  if (is_real_line(node)) return Pieces{{End{-1}, End{1}, false, false}};
  if (node.kind == NodeKind::kList && node.name == "{}") return points_of(node, budget);
  if (is_interval(node)) {
    const auto low = end_of(node.children[0], budget), high = end_of(node.children[1], budget);
    if (!low || !high || high->infinity < 0 || low->infinity > 0) return {};
    return merged({{*low, *high, node.name[0] == '[' && low->infinity == 0,
                    node.name[1] == ']' && high->infinity == 0}});
  }
  if (!is_operation(node)) return {};
  std::optional<Pieces> total = pieces_of(node.children[0], budget);
  for (std::size_t i = 1; i < node.children.size() && total; ++i) {
    const auto next = pieces_of(node.children[i], budget);
    if (!next || total->size() * next->size() > kPiecesMax * kPiecesMax) return {};
    if (node.kind == NodeKind::kUnion) {
      total->insert(total->end(), next->begin(), next->end());
      total = merged(std::move(*total));
    } else {
      total = intersection(*total, node.name == "cap" ? *next : complement(*next));
    }
    if (total->size() > kPiecesMax) return {};
  }
  return total;
}

std::string end_text(const End& end) {
  constexpr std::size_t kDigitsMax = 10'000;
  if (end.infinity != 0) return end.infinity < 0 ? "-oo" : "oo";
  return end.number.fraction_text(kDigitsMax).value_or("");
}

Node interval(Node low, Node high, bool has_low, bool has_high) {
  return make_node(NodeKind::kList, nodes_of(std::move(low), std::move(high)),
                   std::string{has_low ? '[' : '(', has_high ? ']' : ')'});
}

Node infinity(bool is_negative) {
  Node symbol = make_named(NodeKind::kSymbol, "infty");
  return is_negative ? make_node(NodeKind::kNegation, nodes_of(std::move(symbol))) : symbol;
}

bool is_upward(char letter) {
  return letter == kLess || letter == kAtMost;
}
bool is_downward(char letter) {
  return letter == kGreater || letter == kAtLeast;
}
bool is_closed(char letter) {
  return letter == kAtMost || letter == kAtLeast;
}

std::optional<Node> one_sided(const Node& left, const Node& right, char letter) {
  const bool is_name_left = left.kind == NodeKind::kSymbol && left.name != "pi";
  const Node& name = is_name_left ? left : right;
  const Node& bound = is_name_left ? right : left;
  if (name.kind != NodeKind::kSymbol) return {};
  if (letter == kUnequal) {
    return make_node(NodeKind::kUnion, nodes_of(interval(infinity(true), bound, false, false),
                                                interval(bound, infinity(false), false, false)));
  }
  if (letter == kElementOf && is_name_left) return right;
  if (letter == kEquals) return make_node(NodeKind::kList, nodes_of(bound), "{}");
  if (!is_upward(letter) && !is_downward(letter)) return {};
  if (is_upward(letter) == is_name_left) {
    return interval(infinity(true), bound, false, is_closed(letter));
  }
  return interval(bound, infinity(false), is_closed(letter), false);
}

}  // namespace

bool may_be_number_set(const Node& node) {
  if (is_real_line(node) || is_interval(node)) return true;
  return is_operation(node);
}

std::optional<std::string> set_form(const Node& node, WorkBudget& budget) {
  const auto pieces = pieces_of(node, budget);
  if (!pieces) return {};
  std::string text;
  for (const Piece& piece : *pieces) {
    text += piece.has_low ? "[" : "(";
    text += end_text(piece.low) + "," + end_text(piece.high);
    text += piece.has_high ? "]" : ")";
  }
  return text;
}

std::optional<Node> solution_set(const Node& relation) {
  if (relation.kind == NodeKind::kList && relation.name.empty()) {
    std::vector<Node> parts;
    for (const Node& element : relation.children) {
      auto part = element.kind == NodeKind::kRelation ? solution_set(element) : std::nullopt;
      if (!part) return {};
      parts.push_back(std::move(*part));
    }
    return make_node(NodeKind::kUnion, std::move(parts));
  }
  if (relation.kind != NodeKind::kRelation) return {};
  const std::string& letters = relation.name;
  const std::vector<Node>& sides = relation.children;
  if (letters.size() == 1) return one_sided(sides[0], sides[1], letters[0]);
  if (letters.size() != 2 || sides[1].kind != NodeKind::kSymbol) return {};
  if (is_upward(letters[0]) && is_upward(letters[1])) {
    return interval(sides[0], sides[2], is_closed(letters[0]), is_closed(letters[1]));
  }
  if (is_downward(letters[0]) && is_downward(letters[1])) {
    return interval(sides[2], sides[0], is_closed(letters[1]), is_closed(letters[0]));
  }
  return {};
}

}  // namespace assay::verifiers
