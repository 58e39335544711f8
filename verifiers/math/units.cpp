#include "verifiers/math/units.h"

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "verifiers/math/math_words.h"

namespace assay::verifiers {

namespace {

struct KnownUnit {
  std::string_view names;  // singular spellings, in lower case, between blanks
  std::string_view dimension;
  std::int64_t numerator = 1;
  std::int64_t denominator = 1;
};

constexpr std::array<KnownUnit, 39> kUnits = {{
    {" mm millimeter millimetre ", "length", 1, 1000},
    {" cm centimeter centimetre ", "length", 1, 100},
    {" dm decimeter decimetre ", "length", 1, 10},
    {" m meter metre ", "length"},
    {" km kilometer kilometre ", "length", 1000},
    {" in inch inches inche ", "length", 254, 10'000},
    {" ft foot feet ", "length", 3048, 10'000},
    {" yd yard ", "length", 9144, 10'000},
    {" mi mile ", "length", 1'609'344, 1000},
    {" ms millisecond ", "time", 1, 1000},
    {" s sec second ", "time"},
    {" min minute ", "time", 60},
    {" h hr hour ", "time", 3600},
    {" day ", "time", 86'400},
    {" week ", "time", 604'800},
    {" month ", "month"},
    {" yr year ", "month", 12},
    {" mg milligram ", "mass", 1, 1'000'000},
    {" g gram gramme ", "mass", 1, 1000},
    {" kg kilogram ", "mass"},
    {" tonne ", "mass", 1000},
    {" oz ounce ", "weight"},
    {" lb lbs pound ", "weight", 16},
    {" ml milliliter millilitre ", "volume", 1, 1000},
    {" l liter litre ", "volume"},
    {" dollar usd buck ", "money"},
    {" cent ", "money", 1, 100},
    {" euro eur ", "euro"},
    {" pounds gbp ", "pound sterling"},
    {" degree deg ", "angle"},
    {" mph ", "length/time", 1'609'344, 3'600'000},
    {" kph kmph ", "length/time", 1000, 3600},
    {" hz hertz ", "frequency"},
    {" n newton ", "force"},
    {" j joule ", "energy"},
    {" w watt ", "power"},
    {" kw kilowatt ", "power", 1000},
    {" v volt ", "voltage"},
    {" unit ", "unit"},
}};

const KnownUnit* find_unit(std::string_view word) {
  const std::string framed = " " + std::string(word) + " ";
  for (const KnownUnit& unit : kUnits) {
    if (unit.names.find(framed) != std::string_view::npos) return &unit;
  }
  return nullptr;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char character : text) {
    if (character == ' ') {
      words.emplace_back();
    } else {
      words.back() += character;
    }
  }
  std::erase(words, "");
  return words;
}

// scale^power, for the small powers that units have.
ExactNumber scaled(const KnownUnit& unit, int power, WorkBudget& budget) {
  const ExactResult ratio =
      divide(ExactNumber(unit.numerator), ExactNumber(unit.denominator), budget);
  if (std::holds_alternative<NumberFailure>(ratio)) return ExactNumber(1);
  const ExactResult raised =
      assay::verifiers::power(std::get<ExactNumber>(ratio), ExactNumber(power), budget);
  const auto* number = std::get_if<ExactNumber>(&raised);
  return number == nullptr ? ExactNumber(1) : *number;
}

}  // namespace

Unit unit_of(std::string_view text, WorkBudget& budget) {
  Unit unit;
  int next_power = 1;
  bool is_below = false;  // after "per"
  for (std::string& word : words_of(text)) {
    if (word == "square" || word == "sq" || word == "cubic") {
      next_power = word == "cubic" ? 3 : 2;
      continue;
    }
    if (word == "per" || word == "of" || word == "the" || word == "a") {
      is_below = is_below || word == "per";
      unit.dimension += word == "per" ? "/" : "";
      continue;
    }
    int power = std::exchange(next_power, 1);
    const std::size_t caret = word.find('^');
    if (caret != std::string::npos && caret + 2 == word.size()) {
      power = word[caret + 1] - '0';
      word.resize(caret);
    }
    const KnownUnit* known = find_unit(word);
    if (known == nullptr) known = find_unit(singular(word));
    if (!unit.dimension.empty() && !unit.dimension.ends_with("/")) unit.dimension += "*";
    unit.dimension += known == nullptr ? word : std::string(known->dimension);
    if (power != 1) unit.dimension += "^" + std::to_string(power);
    if (known == nullptr) continue;
    const ExactResult scale =
        multiply(unit.scale, scaled(*known, is_below ? -power : power, budget), budget);
    if (const auto* number = std::get_if<ExactNumber>(&scale)) unit.scale = *number;
  }
  return unit;
}

}  // namespace assay::verifiers
