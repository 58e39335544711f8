#include "verifiers/text/prose.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace assay::verifiers {

namespace {

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::size_t different_words(const std::vector<std::string>& words) {
  return std::set<std::string>(words.begin(), words.end()).size();
}

// Whether `words` holds the words of `phrase` in a row; the last may have an s more.
bool holds(const std::vector<std::string>& words, const std::vector<std::string>& phrase) {
  if (phrase.empty()) return false;
  for (std::size_t i = 0; i + phrase.size() <= words.size(); ++i) {
    bool is_match = true;
    for (std::size_t j = 0; j < phrase.size() && is_match; ++j) {
      const std::string& word = words[i + j];
      is_match = word == phrase[j] ||
                 (j + 1 == phrase.size() && (word == phrase[j] + "s" || word == phrase[j] + "'s"));
    }
    if (is_match) return true;
  }
  return false;
}

constexpr std::array<std::string_view, 24> kCommonWords = {
    "the", "a",  "an", "and", "or",  "of",   "to",  "in", "is",   "are", "it", "that",
    "for", "on", "as", "we",  "you", "with", "was", "be", "this", "by",  "at", "i"};

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const bool is_apostrophe = i < text.size() && text[i] == '\'' && !word.empty() &&
                               i + 1 < text.size() && is_word_byte(text[i + 1]);
    if (i < text.size() && (is_word_byte(text[i]) || is_apostrophe)) {
      word += lower(text[i]);
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

Prose::Prose(std::string_view text) {
  std::size_t start = 0, paragraph_start = 0, paragraph_end = 0;
  bool is_code = false;
  const auto flush = [&] {
    if (paragraph_end > paragraph_start) {
      add_paragraph(text.substr(paragraph_start, paragraph_end - paragraph_start), paragraph_start);
    }
  };
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    const std::size_t first = line.find_first_not_of(" \t\r");
    const bool is_fence = first != std::string_view::npos && line.substr(first).starts_with("```");
    const bool is_heading = first != std::string_view::npos && line[first] == '#';
    if (is_fence || is_code || is_heading || first == std::string_view::npos) {
      flush();
      paragraph_start = paragraph_end = end + 1;
      if (is_heading && !is_code) add_sentence(line, start, true);
    } else {
      paragraph_end = end;
    }
    is_code = is_code != is_fence;
    start = end + 1;
  }
  flush();
}

void Prose::add_paragraph(std::string_view text, std::size_t offset) {
  ++paragraph_count_;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_stop = (text[i] == '.' || text[i] == '!' || text[i] == '?') &&
                         (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n' ||
                          text[i + 1] == '"' || text[i + 1] == ')');
    // A line that ends with a colon announces what follows.
    const bool is_title = text[i] == ':' && i + 1 < text.size() && text[i + 1] == '\n';
    if (!is_stop && !is_title) continue;
    add_sentence(text.substr(start, i - start), offset + start, is_title);
    start = i + 1;
  }
  add_sentence(text.substr(start), offset + start, text.substr(start).ends_with(":"));
}

void Prose::add_sentence(std::string_view text, std::size_t offset, bool is_heading) {
  std::vector<std::string> words = words_of(text);
  if (words.empty()) return;
  word_count_ += words.size();
  // "Introduction", alone in its paragraph's line, is a title too.
  constexpr std::size_t kTitleWordsMax = 3;
  const bool is_title = words.size() <= kTitleWordsMax && text.find('.') == std::string_view::npos;
  sentences_.push_back({offset, std::move(words), is_heading || is_title});
}

std::size_t Prose::sentence_count() const {
  return static_cast<std::size_t>(std::count_if(
      sentences_.begin(), sentences_.end(), [](const Sentence& one) { return !one.is_heading; }));
}

std::size_t Prose::uses_of(const std::string& phrase, std::size_t first_bytes) const {
  constexpr std::size_t kDifferentLeast = 4;
  const std::vector<std::string> wanted = words_of(phrase);
  std::set<std::vector<std::string>> said;
  for (std::size_t i = 0; i < sentences_.size(); ++i) {
    const Sentence& sentence = sentences_[i];
    if (sentence.start >= first_bytes || !holds(sentence.words, wanted)) continue;
    const bool is_followed = sentence.is_heading && i + 1 < sentences_.size() &&
                             different_words(sentences_[i + 1].words) >= kDifferentLeast;
    if (is_followed || different_words(sentence.words) >= kDifferentLeast) {
      said.insert(sentence.words);
    }
  }
  return said.size();
}

std::optional<std::string> Prose::stuffing_sign() const {
  constexpr std::size_t kWordsLeast = 20;       // less says nothing either way
  constexpr std::size_t kRunMax = 3;            // the same word so often in a row
  constexpr double kWordShareMax = 0.15;        // of one word that is not a common one
  constexpr std::size_t kWindow = 100;          // words
  constexpr double kDifferentShareLeast = 0.3;  // of the words in a window
  constexpr std::size_t kSentenceWordsMax = 120;
  constexpr double kRepeatedShareMax = 0.3;  // of the sentences
  if (word_count_ < kWordsLeast) return {};
  std::vector<std::string> words;
  std::map<std::string, std::size_t> count_of;
  std::map<std::vector<std::string>, std::size_t> times_said;
  std::size_t repeated = 0;
  for (const Sentence& sentence : sentences_) {
    if (sentence.words.size() > kSentenceWordsMax) return "a sentence never ends";
    words.insert(words.end(), sentence.words.begin(), sentence.words.end());
    if (times_said[sentence.words]++ > 0) ++repeated;
  }
  if (static_cast<double>(repeated) > kRepeatedShareMax * static_cast<double>(sentences_.size())) {
    return "its sentences repeat each other";
  }
  std::size_t run = 1;
  for (std::size_t i = 0; i < words.size(); ++i) {
    ++count_of[words[i]];
    run = i > 0 && words[i] == words[i - 1] ? run + 1 : 1;
    if (run > kRunMax) return "the word \"" + words[i].substr(0, 40) + "\" stands again and again";
  }
  for (const auto& [word, count] : count_of) {
    const bool is_common =
        std::find(kCommonWords.begin(), kCommonWords.end(), word) != kCommonWords.end();
    if (!is_common &&
        static_cast<double>(count) > kWordShareMax * static_cast<double>(words.size())) {
      return "every " + std::to_string(words.size() / count) + "th word is \"" +
             word.substr(0, 40) + "\"";
    }
  }
  for (std::size_t start = 0; start + kWindow <= words.size(); start += kWindow) {
    const auto first = words.begin() + static_cast<std::ptrdiff_t>(start);
    const std::set<std::string> different(first, first + kWindow);
    if (static_cast<double>(different.size()) < kDifferentShareLeast * kWindow) {
      return "it has few different words";
    }
  }
  return {};
}

}  // namespace assay::verifiers
