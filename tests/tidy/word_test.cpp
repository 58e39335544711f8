#include <gtest/gtest.h>

#include <cctype>
#include <map>

#include "tests/tidy/source_tree.h"

namespace assay::tidy {
namespace {

// Words the glossary has another word for, as parts of names or in comments.
const std::map<std::string, std::string> kForbiddenWords = {
    {"manager", "say what it does"},
    {"managers", "say what it does"},
    {"helper", "say what it does"},
    {"helpers", "say what it does"},
    {"util", "say what it does"},
    {"utils", "say what it does"},
    {"utility", "say what it does"},
    {"handler", "say what it does"},
    {"handlers", "say what it does"},
    {"hyperparams", "options"},
    {"hyperparameter", "option"},
    {"hyperparameters", "options"},
    {"episode", "rollout"},
    {"episodes", "rollouts"},
    {"trajectory", "rollout"},
    {"trajectories", "rollouts"},
    {"params", "weights or options"},
    {"todo", "do it or leave it out"},
    {"fixme", "do it or leave it out"},
    {"xxx", "do it or leave it out"},
};

// What no source may hold, whatever the language allows.
const std::map<std::string, std::string> kForbiddenTexts = {
    {"std::regex", "backtracks without bound on foreign text"},
    {"pickle", "runs what it reads"},
    {"popen(", "starts a shell"},
    {"std::system(", "starts a shell"},
    {"= system(", "starts a shell"},
    {"PyRun_", "runs what it reads"},
    {"/home/", "a path of one machine"},
    {"/root/", "a path of one machine"},
    {"using namespace std;", "hides where names come from"},
};

// This folder quotes the words; a contract of a library may force one elsewhere.
bool is_exempt(const SourceFile& file) {
  return file.is_below("tests/tidy/");
}

// Names that a library or a cited source chose.
bool is_foreign(const std::string& line) {
  for (const char* name : {"error_handler_t", "sa_handler", "set_down_handler", "set_exit_handler",
                           "sqlite3_progress_handler", "PQsendQueryParams", "arXiv:"}) {
    if (line.find(name) != std::string::npos) return true;
  }
  return false;
}

bool is_macro_word(const std::string& word) {
  for (const char letter : word) {
    if (std::islower(static_cast<unsigned char>(letter)) != 0) return false;
  }
  return true;
}

// "PolicyVersion group_size" -> policy, version, group, size.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words(1);
  bool was_lower = false;
  for (const char letter : line) {
    const auto code = static_cast<unsigned char>(letter);
    const bool starts_word = std::isupper(code) != 0 && was_lower;
    if (std::isalpha(code) == 0 || starts_word) words.emplace_back();
    if (std::isalpha(code) != 0) words.back() += letter;
    was_lower = std::islower(code) != 0;
  }
  return words;
}

std::string lower(std::string word) {
  for (char& letter : word) {
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return word;
}

TEST(Words, OneWordAThing) {
  for (const SourceFile& file : source_files()) {
    if (is_exempt(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (!included(file.lines[i]).empty() || is_foreign(file.lines[i])) continue;
      for (const std::string& word : words_of(file.lines[i])) {
        if (is_macro_word(word) && word != "TODO" && word != "FIXME" && word != "XXX") continue;
        const auto found = kForbiddenWords.find(lower(word));
        if (found == kForbiddenWords.end()) continue;
        ADD_FAILURE() << place(file, i) << ": `" << word << "`: " << found->second << "\n  "
                      << file.lines[i];
      }
    }
  }
}

TEST(Words, NothingDangerousIsCalled) {
  for (const SourceFile& file : source_files()) {
    if (is_exempt(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      for (const auto& [text, reason] : kForbiddenTexts) {
        EXPECT_EQ(file.lines[i].find(text), std::string::npos)
            << place(file, i) << ": `" << text << "` " << reason;
      }
    }
  }
}

TEST(Words, NamesAreSplitAtCaseAndUnderscore) {
  const std::vector<std::string> words = words_of("TokenManager group_size");

  EXPECT_EQ(words, (std::vector<std::string>{"Token", "Manager", "group", "size"}));
}

}  // namespace
}  // namespace assay::tidy
