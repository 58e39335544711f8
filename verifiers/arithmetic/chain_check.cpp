#include "verifiers/arithmetic/chain_check.h"

#include <optional>
#include <string>
#include <vector>

namespace assay::verifiers {

namespace {

constexpr std::size_t kPromptBytesMax = 1024;

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

// The states of a problem `ddodod=`; nothing where the text is not one.
std::optional<std::vector<int>> states_of(std::string_view text) {
  if (text.size() < 5 || text.size() > kPromptBytesMax || text.size() % 2 == 0) return {};
  if (!is_digit(text[0]) || !is_digit(text[1]) || text.back() != '=') return {};
  int state = (text[0] - '0') * 10 + (text[1] - '0');
  std::vector<int> states;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
    if (!is_digit(text[i + 1])) return {};
    const int operand = text[i + 1] - '0';
    switch (text[i]) {
      case '+':
        state = (state + operand) % 100;
        break;
      case '-':
        state = (state + 100 - operand) % 100;
        break;
      case '*':
        state = state * operand % 100;
        break;
      default:
        return {};
    }
    states.push_back(state);
  }
  return states;
}

// The numbers of `dd;dd;dd`, with one optional end symbol; nothing where the form is another.
std::optional<std::vector<int>> written_states(std::string_view completion, std::size_t count_max) {
  if (completion.ends_with('.')) completion.remove_suffix(1);
  // `dd` and then `;dd` any number of times: 2, 5, 8, ... characters.
  if (completion.size() % 3 != 2 || completion.size() / 3 + 1 > count_max) return {};
  std::vector<int> states;
  for (std::size_t i = 0; i < completion.size(); i += 3) {
    if (i > 0 && completion[i - 1] != ';') return {};
    if (!is_digit(completion[i]) || !is_digit(completion[i + 1])) return {};
    states.push_back((completion[i] - '0') * 10 + (completion[i + 1] - '0'));
  }
  return states;
}

}  // namespace

Result<ChainCheck> check_chain(std::string_view prompt_text, std::string_view completion) {
  const auto expected = states_of(prompt_text);
  if (!expected) {
    return Error{ErrorCode::kInvalidInput,
                 "the prompt \"" + std::string(prompt_text.substr(0, 80)) +
                     "\" is not a chain-arithmetic problem",
                 "a problem looks like 47+8-5*2=", "", ""};
  }
  const auto written = written_states(completion, kPromptBytesMax);
  if (!written) return ChainCheck{};
  ChainCheck check;
  check.is_well_formed = true;
  check.is_chain = written->size() > 1;
  check.is_answer_correct = written->back() == expected->back();
  check.is_chain_correct = *written == *expected;
  return check;
}

}  // namespace assay::verifiers
