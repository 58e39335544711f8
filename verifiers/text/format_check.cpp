#include "verifiers/text/format_check.h"
#include "verifiers/verdict_text.h"

#include <algorithm>
#include <utility>

namespace assay::verifiers {

namespace {

constexpr std::string_view kSpace = " \t\r\n\v\f";
constexpr std::size_t kTagsMax = 16;
constexpr std::size_t kTagBytesMax = 40;

std::size_t count_of(std::string_view text, std::string_view piece) {
  std::size_t count = 0;
  for (std::size_t place = 0; (place = text.find(piece, place)) != std::string_view::npos;
       place += piece.size()) {
    ++count;
  }
  return count;
}

std::optional<std::string> tags_complaint(std::string_view text,
                                          const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) {
    for (const std::string& mark : {"<" + tag + ">", "</" + tag + ">"}) {
      const std::size_t count = count_of(text, mark);
      if (count != 1) return mark + " occurs " + std::to_string(count) + " times, not once";
    }
  }
  std::string_view rest = trimmed(text);
  for (const std::string& tag : tags) {
    const std::string open = "<" + tag + ">", close = "</" + tag + ">";
    if (!rest.starts_with(open)) return open + " does not stand where it belongs";
    const std::size_t end = rest.find(close);
    if (end == std::string_view::npos) return close + " stands before " + open;
    if (trimmed(rest.substr(open.size(), end - open.size())).empty()) {
      return "there is nothing between " + open + " and " + close;
    }
    rest = trimmed(rest.substr(end + close.size()));
  }
  if (!rest.empty()) return "text follows the last tag";
  return {};
}

// One past the brace that closes the one at `open`; npos where none does.
std::size_t brace_end(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

std::optional<std::string> boxed_complaint(std::string_view text) {
  constexpr std::string_view kBox = "\\boxed{";
  const std::size_t count = count_of(text, kBox);
  if (count != 1) return "\\boxed{ occurs " + std::to_string(count) + " times, not once";
  const std::size_t open = text.find(kBox) + kBox.size() - 1;
  const std::size_t end = brace_end(text, open);
  if (end == std::string_view::npos) return "the box is not closed";
  if (trimmed(text.substr(open + 1, end - open - 2)).empty()) return "the box is empty";
  return {};
}

std::optional<std::string> number_complaint(std::string_view text) {
  std::string_view rest = trimmed(text);
  if (rest.starts_with("-") || rest.starts_with("+")) rest.remove_prefix(1);
  const auto digits_end = [](std::string_view part) {
    const std::size_t end = part.find_first_not_of("0123456789");
    return end == std::string_view::npos ? part.size() : end;
  };
  const std::size_t whole = digits_end(rest);
  rest.remove_prefix(whole);
  std::size_t decimals = 0;
  if (rest.starts_with(".")) {
    decimals = digits_end(rest.substr(1));
    rest.remove_prefix(1 + decimals);
    if (decimals == 0) return "a digit is missing after the point";
  }
  if (whole + decimals == 0 || !rest.empty()) return "it is not a decimal number";
  return {};
}

std::optional<std::string> code_block_complaint(std::string_view text) {
  constexpr std::string_view kFence = "```";
  bool is_open = false, has_block = false, has_content = false;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = trimmed(text.substr(start, end - start));
    start = end + 1;
    if (line.starts_with(kFence)) {
      if (is_open && !has_content) return "a code block is empty";
      has_block = has_block || is_open;
      is_open = !is_open;
      has_content = false;
    } else {
      has_content = has_content || !line.empty();
    }
  }
  if (is_open) return "a code block is not closed";
  if (!has_block) return "there is no code block";
  return {};
}

bool is_tag_name(const std::string& tag) {
  return !tag.empty() && tag.size() <= kTagBytesMax &&
         std::all_of(tag.begin(), tag.end(), [](char letter) {
           return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                  (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
         });
}

}  // namespace

const std::vector<std::string>& format_names() {
  static const std::vector<std::string> names = {
      "think_answer", "tags", "json", "boxed", "number", "code_block", "single_line"};
  return names;
}

Result<FormatCheck> FormatCheck::make(std::string_view name, std::vector<std::string> tags,
                                      std::string_view schema_json) {
  FormatCheck check;
  check.name_ = name;
  check.tags_ =
      name == "think_answer" ? std::vector<std::string>{"think", "answer"} : std::move(tags);
  if (name == "tags" && (check.tags_.empty() || check.tags_.size() > kTagsMax ||
                         !std::all_of(check.tags_.begin(), check.tags_.end(), is_tag_name))) {
    return Error{ErrorCode::kInvalidInput, "the format \"tags\" needs 1 to 16 names in \"tags\"",
                 R"(for example "tags": ["plan", "answer"])", "", ""};
  }
  if (!schema_json.empty()) {
    auto schema = JsonSchema::compile(schema_json);
    if (!schema) return schema.error();
    check.schema_ = std::move(*schema);
  }
  return check;
}

std::optional<std::string> FormatCheck::complaint_about(std::string_view text) const {
  if (name_ == "json") return schema_ ? schema_->complaint_about(text) : json_complaint(text);
  if (name_ == "boxed") return boxed_complaint(text);
  if (name_ == "number") return number_complaint(text);
  if (name_ == "code_block") return code_block_complaint(text);
  if (name_ == "single_line") {
    const bool is_single = trimmed(text).find('\n') == std::string_view::npos;
    return is_single ? std::nullopt : std::optional<std::string>("it has more than one line");
  }
  return tags_complaint(text, tags_);
}

}  // namespace assay::verifiers
