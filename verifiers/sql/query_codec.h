// The bytes between the SQL verifier and its SQLite companion: fixed-width little-endian numbers
// and texts with their length. Both ends are built together, so there is no version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/digest.h"
#include "runtime/core/result.h"
#include "verifiers/sql/query_answer.h"

namespace assay::verifiers::sql {

// A database to be opened: a file, or a script that makes one in memory.
struct DatabaseSource {
  std::string file;                         // empty: the script
  std::string script;                       // DDL and INSERTs
  std::vector<std::string> allowed_tables;  // empty: all
  bool allows_double_quoted_text = false;   // "Bob" is text where no column has that name

  Digest digest() const;  // equal for equal sources
};

// Stands behind a request to open a source that has a file, with the descriptor of that beside it.
inline constexpr char kFileComes[] = {'f'};

struct CompanionRequest {
  bool is_open = false;   // open `source`; else run `query`
  Digest database;        // of the source
  DatabaseSource source;  // where is_open
  QueryAuthor author = QueryAuthor::kCompletion;
  std::string query;
  QueryLimits limits;
};

struct CompanionReply {
  bool is_unknown_database = false;  // send the source first
  QueryAnswer answer;                // of an opening: kDone or kUnavailable
};

std::string encode(const CompanionRequest& request);
std::string encode(const CompanionReply& reply);
// Errors: kCorrupt when the bytes are not a whole message.
Result<CompanionRequest> decode_request(std::string_view bytes);
Result<CompanionReply> decode_reply(std::string_view bytes);

}  // namespace assay::verifiers::sql
