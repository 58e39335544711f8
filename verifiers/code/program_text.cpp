#include "verifiers/code/program_text.h"

#include <algorithm>
#include <vector>

namespace assay::verifiers {

namespace {

constexpr std::string_view kFence = "```";

struct Block {
  std::string_view tag;
  std::string_view text;
};

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool is_equal(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Whether the line opens or closes a block: a fence with at most three spaces before it.
bool is_fence(std::string_view line) {
  const std::size_t first = line.find_first_not_of(' ');
  return first <= 3 && line.substr(first).starts_with(kFence);
}

std::string_view tag_of(std::string_view line) {
  line.remove_prefix(line.find('`'));
  line.remove_prefix(std::min(line.find_first_not_of('`'), line.size()));
  const std::string_view tag = trimmed(line);
  return tag.substr(0, tag.find_first_of(" \t{"));
}

std::vector<Block> blocks_of(std::string_view text) {
  std::vector<Block> blocks;
  bool is_open = false;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const std::size_t next = std::min(end + 1, text.size());
    if (is_fence(line)) {
      if (is_open) {
        blocks.back().text = text.substr(start, at - start);
      } else {
        blocks.push_back({tag_of(line), text.substr(next)});
      }
      is_open = !is_open;
      start = next;
    }
    at = end + 1;
  }
  return blocks;
}

bool is_of(std::string_view language, std::string_view tag) {
  static constexpr std::string_view kPython[] = {"", "python", "py", "python3"};
  static constexpr std::string_view kCpp[] = {"", "cpp", "c++", "cc", "cxx"};
  const auto fits = [&](std::string_view known) { return is_equal(tag, known); };
  if (language == "cpp") return std::any_of(std::begin(kCpp), std::end(kCpp), fits);
  return std::any_of(std::begin(kPython), std::end(kPython), fits);
}

}  // namespace

std::string continued_program(std::string_view prompt, std::string_view completion,
                              std::string_view program, std::string_view entry_point) {
  const auto defines = [&](std::string_view text) {
    return text.find("def " + std::string(entry_point) + "(") != std::string_view::npos;
  };
  if (entry_point.empty() || !defines(prompt) || defines(program)) return std::string(program);
  return std::string(prompt) + std::string(completion);
}

std::string_view extract_program(std::string_view completion, std::string_view language,
                                 std::string_view entry_point) {
  constexpr std::string_view kThought = "</think>";
  const std::size_t thought = completion.rfind(kThought);
  if (thought != std::string_view::npos) completion.remove_prefix(thought + kThought.size());
  std::string_view chosen, fitting;
  for (const Block& block : blocks_of(completion)) {
    if (!is_of(language, block.tag) || trimmed(block.text).empty()) continue;
    fitting = block.text;
    const bool has_entry = block.text.find(entry_point) != std::string_view::npos;
    if (has_entry) chosen = block.text;
  }
  if (!chosen.empty()) return chosen;
  return fitting.empty() ? completion : fitting;
}

}  // namespace assay::verifiers
