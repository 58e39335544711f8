// The ledger's file format: its tables, its marks, and how events and header lie in them.
//
// Internal: included by the .cpp files of this room only.
#pragma once

#include <string>

#include "runtime/core/result.h"
#include "runtime/store/ledger_event.h"
#include "runtime/store/sqlite.h"

namespace assay::store {

inline constexpr std::int64_t kApplicationId = 0x41535359;  // "ASSY"
inline constexpr std::int64_t kFormatVersion = 1;

// Creates every table and writes the header, in one transaction. Ids are stored as their 64 bits;
// the views show them in hex for people with a sqlite3 prompt.
Result<void> create_tables(Connection& connection, const LedgerHeader& header);

// Refuses foreign files and other format versions. Errors: kCorrupt.
Result<void> check_format(const Connection& connection);

Result<LedgerHeader> read_header(const Connection& connection);

// The columns of `events` in the order that event_at() and bind_event() use.
inline constexpr const char* kEventColumns =
    "seq, t_ms, kind, grp, idx, attempt, actor, fence, policy_version, hash, stored, reason, step, "
    "chain, details";
Result<LedgerEvent> event_at(const Statement& row);

// Binds positions 1 to 15. `details` must outlive the statement's run.
void bind_event(Statement& statement, const LedgerEvent& event, const std::string& details);

}  // namespace assay::store
