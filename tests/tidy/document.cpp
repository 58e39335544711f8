#include "tests/tidy/document.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace assay::tidy {
namespace {

namespace fs = std::filesystem;

void add_folder(const fs::path& folder, const std::string& prefix, std::vector<Document>& all) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".md") continue;
    Document document{prefix + entry.path().filename().string(), prefix, {}};
    std::ifstream stream(entry.path());
    for (std::string line; std::getline(stream, line);) document.lines.push_back(line);
    all.push_back(std::move(document));
  }
}

std::vector<Document> read_documents() {
  std::vector<Document> all;
  const fs::path root(ASSAY_SOURCE_DIR);
  add_folder(root, "", all);
  for (const char* room : {"actors", "runtime", "gpu", "verifiers", "configs", "tests", "cmake"}) {
    add_folder(root / room, std::string(room) + "/", all);
  }
  std::sort(all.begin(), all.end(),
            [](const Document& left, const Document& right) { return left.path < right.path; });
  return all;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

}  // namespace

const std::vector<Document>& documents() {
  static const std::vector<Document> all = read_documents();
  return all;
}

Document document(const std::string& path) {
  for (const Document& one : documents()) {
    if (one.path == path) return one;
  }
  ADD_FAILURE() << path << " does not exist";
  return {};
}

std::vector<std::string> quoted(const std::string& line) {
  std::vector<std::string> words;
  for (std::size_t open = line.find('`'); open != std::string::npos;) {
    const std::size_t close = line.find('`', open + 1);
    if (close == std::string::npos) break;
    if (close > open + 1) words.push_back(line.substr(open + 1, close - open - 1));
    open = line.find('`', close + 1);
  }
  return words;
}

std::vector<std::string> commands(const Document& document) {
  std::vector<std::string> lines;
  bool is_inside = false;
  for (const std::string& line : document.lines) {
    if (line.starts_with("```")) {
      is_inside = !is_inside;
    } else if (is_inside) {
      lines.push_back(trimmed(line.substr(0, line.find("  #"))));
    }
  }
  return lines;
}

std::vector<std::string> expanded(const std::string& name) {
  const std::size_t open = name.find('{'), close = name.find('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {name};
  std::vector<std::string> names;
  for (std::size_t start = open + 1; start <= close;) {
    const std::size_t end = std::min(name.find(',', start), close);
    names.push_back(name.substr(0, open) + name.substr(start, end - start) +
                    name.substr(close + 1));
    start = end + 1;
  }
  return names;
}

bool is_path(const std::string& word) {
  if (word.empty() || word.find_first_of(" <>*=|()'\"…:") != std::string::npos) return false;
  if (word.starts_with("-") || word.starts_with("@")) return false;
  for (const char* elsewhere : {"outputs/", "build/", "../", "logs/", "/"}) {
    if (word.starts_with(elsewhere)) return false;
  }
  if (word.find('/') != std::string::npos) return true;
  for (const char* extension : {".h", ".cpp", ".toml", ".txt", ".cmake", ".md", ".sh"}) {
    if (word.ends_with(extension) && word.size() > std::string_view(extension).size()) return true;
  }
  return false;
}

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> all;
  if (!line.starts_with("|") || line.starts_with("|--")) return all;
  for (std::size_t start = 1; start < line.size();) {
    const std::size_t end = line.find('|', start);
    if (end == std::string::npos) break;
    all.push_back(trimmed(line.substr(start, end - start)));
    start = end + 1;
  }
  return all;
}

}  // namespace assay::tidy
