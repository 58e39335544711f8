// The project's documents as text, for tests that compare them with the tree.
#pragma once

#include <string>
#include <vector>

namespace assay::tidy {

struct Document {
  std::string path;    // from the project's root, e.g. "actors/README.md"
  std::string folder;  // where it stands, "" or "actors/"
  std::vector<std::string> lines;
};

// Every *.md at the root and in the root's rooms.
const std::vector<Document>& documents();

// The document at `path`; fails the test and is empty when there is none.
Document document(const std::string& path);

// What stands between backquotes in a line.
std::vector<std::string> quoted(const std::string& line);

// The lines inside ``` fences, without a trailing comment.
std::vector<std::string> commands(const Document& document);

// "a/b.{h,cpp}" -> "a/b.h", "a/b.cpp"; anything else is itself.
std::vector<std::string> expanded(const std::string& name);

// Whether a word looks like the name of a file or folder of the tree: it has a slash or an
// extension of ours, no placeholder, and does not lie in a run's or a build's folder.
bool is_path(const std::string& word);

// The cells of a table's row `| a | b |`, trimmed; empty for other lines and for the rule `|---|`.
std::vector<std::string> cells(const std::string& line);

}  // namespace assay::tidy
