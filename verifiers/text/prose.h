// Prose: a text taken apart into words, sentences and paragraphs, and the signs of stuffing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::verifiers {

struct Sentence {
  std::size_t start = 0;           // byte offset in the text
  std::vector<std::string> words;  // in lower case
  bool is_heading = false;  // a line that begins with # or ends with a colon, or a title line
};

// The text without its ``` blocks, taken apart. A sentence ends at . ! ? or an empty line; a
// heading is a sentence of its own.
class Prose {
 public:
  explicit Prose(std::string_view text);

  const std::vector<Sentence>& sentences() const { return sentences_; }
  std::size_t word_count() const { return word_count_; }
  std::size_t paragraph_count() const { return paragraph_count_; }
  std::size_t sentence_count() const;  // headings left out

  // In how many sentences the phrase (lower case) is used in earnest: as whole words, an s or 's
  // more allowed, in a sentence of at least four different words, or in a heading that text
  // follows. A sentence that says again what another said does not count.
  std::size_t uses_of(const std::string& phrase, std::size_t first_bytes) const;

  // Why the text looks written for a counter of words and not for a reader; nothing where it does
  // not: one word over and over, few different words, no ends of sentences, sentences repeated.
  std::optional<std::string> stuffing_sign() const;

 private:
  void add_paragraph(std::string_view text, std::size_t offset);
  void add_sentence(std::string_view text, std::size_t offset, bool is_heading);

  std::vector<Sentence> sentences_;
  std::size_t word_count_ = 0;
  std::size_t paragraph_count_ = 0;
};

// The words of a text, in lower case.
std::vector<std::string> words_of(std::string_view text);

}  // namespace assay::verifiers
