#include "runtime/store/ledger_tables.h"

#include <charconv>
#include <map>

namespace assay::store {

namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE header (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, t_ms INTEGER NOT NULL, kind INTEGER NOT NULL, grp INTEGER NOT NULL,
  idx INTEGER, attempt INTEGER NOT NULL, actor TEXT NOT NULL, fence INTEGER NOT NULL,
  policy_version INTEGER NOT NULL, hash BLOB, stored BLOB, reason TEXT NOT NULL,
  step INTEGER NOT NULL, chain BLOB NOT NULL, details TEXT);
CREATE UNIQUE INDEX step_events ON events (step) WHERE kind = 10;
CREATE UNIQUE INDEX end_events ON events (grp) WHERE kind IN (8, 9);
CREATE TABLE groups (
  grp INTEGER PRIMARY KEY, seq INTEGER NOT NULL, prompt INTEGER NOT NULL, prompt_sha256 BLOB,
  epoch INTEGER NOT NULL, place INTEGER NOT NULL, repeat INTEGER NOT NULL,
  version INTEGER NOT NULL);
CREATE TABLE prompts (
  seq INTEGER PRIMARY KEY, prompt INTEGER NOT NULL, sha256 BLOB NOT NULL UNIQUE,
  bytes BLOB NOT NULL);
CREATE TABLE rollouts (
  seq INTEGER PRIMARY KEY, grp INTEGER NOT NULL, idx INTEGER NOT NULL, bytes BLOB NOT NULL,
  UNIQUE (grp, idx));
CREATE TABLE verdicts (
  seq INTEGER PRIMARY KEY, grp INTEGER NOT NULL, idx INTEGER NOT NULL, attempt INTEGER NOT NULL,
  bytes BLOB NOT NULL);
CREATE INDEX verdict_of ON verdicts (grp, idx);
CREATE VIEW readable_events AS SELECT seq, datetime(t_ms / 1000, 'unixepoch') AS time,
  CASE kind WHEN 1 THEN 'issued' WHEN 2 THEN 'leased' WHEN 3 THEN 'lease_expired'
    WHEN 4 THEN 'generated' WHEN 5 THEN 'verified' WHEN 6 THEN 'unscored' WHEN 7 THEN 'late'
    WHEN 8 THEN 'consumed' WHEN 9 THEN 'dropped' WHEN 10 THEN 'step' ELSE 'fence' END AS kind,
  printf('%016x', grp) AS "group", idx AS "index", attempt, actor, fence, policy_version,
  lower(hex(hash)) AS hash, reason, step FROM events;
)sql";

Error not_a_ledger(const Connection& connection, const std::string& why) {
  return Error{ErrorCode::kCorrupt,
               connection.path() + " is not a ledger of this program: " + why,
               "name the ledger.sqlite of a run",
               {},
               {}};
}

using Values = std::map<std::string, std::string>;

Values values_of(const LedgerHeader& header) {
  return {{"run", header.run},
          {"arm", header.arm},
          {"seed", std::to_string(header.seed)},
          {"config_sha256", header.config_sha256.hex()},
          {"group_size", std::to_string(header.group_size)},
          {"staleness_max", std::to_string(header.staleness_max)},
          {"attempts_max", std::to_string(header.attempts_max)},
          {"open_groups_max", std::to_string(header.open_groups_max)},
          {"weights_base", header.weights_base.hex()}};
}

template <class T>
bool take_number(const Values& values, const std::string& key, T& number) {
  const auto found = values.find(key);
  if (found == values.end()) return false;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool take_text(const Values& values, const std::string& key, std::string& text) {
  const auto found = values.find(key);
  if (found != values.end()) text = found->second;
  return found != values.end();
}

bool take_digest(const Values& values, const std::string& key, Digest& digest) {
  const auto found = values.find(key);
  if (found == values.end()) return false;
  const Result<Digest> parsed = parse_digest(found->second);
  if (parsed) digest = *parsed;
  return parsed.has_value();
}

}  // namespace

Result<void> create_tables(Connection& connection, const LedgerHeader& header) {
  if (Result<void> begun = connection.run("BEGIN IMMEDIATE"); !begun) return begun;
  const std::string marks = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                            "; PRAGMA user_version = " + std::to_string(kFormatVersion);
  if (Result<void> marked = connection.run(marks.c_str()); !marked) return marked;
  if (Result<void> made = connection.run(kTables); !made) return made;
  Result<Statement> insert = connection.prepare("INSERT INTO header VALUES (?, ?)");
  if (!insert) return insert.error();
  for (const auto& [key, value] : values_of(header)) {
    insert->bind(1, std::string_view(key));
    insert->bind(2, std::string_view(value));
    if (Result<void> written = insert->run(); !written) return written;
  }
  return connection.run("COMMIT");
}

Result<void> check_format(const Connection& connection) {
  const Result<std::int64_t> id = connection.read_integer("PRAGMA application_id");
  // A disk that fails or is full says nothing about the file.
  if (!id && id.error().code != ErrorCode::kCorrupt) return id.error();
  if (!id) return not_a_ledger(connection, id.error().message);
  if (*id != kApplicationId) return not_a_ledger(connection, "it carries another program's mark");
  const Result<std::int64_t> version = connection.read_integer("PRAGMA user_version");
  if (!version) return version.error();
  if (*version != kFormatVersion) {
    return not_a_ledger(connection, "it has format " + std::to_string(*version) +
                                        ", this program reads " + std::to_string(kFormatVersion));
  }
  return {};
}

Result<LedgerHeader> read_header(const Connection& connection) {
  Result<Statement> rows = connection.prepare("SELECT key, value FROM header");
  if (!rows) return rows.error();
  Values values;
  for (;;) {
    Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    values[std::string(rows->bytes(0))] = std::string(rows->bytes(1));
  }
  LedgerHeader header;
  const bool is_whole = take_text(values, "run", header.run) &&
                        take_text(values, "arm", header.arm) &&
                        take_number(values, "seed", header.seed) &&
                        take_digest(values, "config_sha256", header.config_sha256) &&
                        take_number(values, "group_size", header.group_size) &&
                        take_number(values, "staleness_max", header.staleness_max) &&
                        take_number(values, "attempts_max", header.attempts_max) &&
                        take_number(values, "open_groups_max", header.open_groups_max) &&
                        take_digest(values, "weights_base", header.weights_base);
  if (!is_whole) return not_a_ledger(connection, "its header is damaged");
  return header;
}

Result<LedgerEvent> event_at(const Statement& row) {
  LedgerEvent event;
  event.seq = row.u64(0);
  event.t_ms = row.integer(1);
  const std::int64_t kind = row.integer(2);
  if (kind < 1 || kind > static_cast<std::int64_t>(EventKind::kFence)) {
    return Error{ErrorCode::kCorrupt,
                 "event " + std::to_string(event.seq) + " has unknown kind " + std::to_string(kind),
                 {},
                 {},
                 {}};
  }
  event.kind = static_cast<EventKind>(kind);
  event.group = GroupId{row.u64(3)};
  if (!row.is_null(4)) event.index = static_cast<std::uint32_t>(row.u64(4));
  event.attempt = static_cast<std::uint32_t>(row.u64(5));
  event.actor = row.bytes(6);
  event.fence = row.u64(7);
  event.policy_version.value = row.u64(8);
  event.hash = row.digest(9);
  event.stored = row.digest(10);
  event.reason = row.bytes(11);
  event.step = row.u64(12);
  event.chain = row.digest(13);
  if (!row.is_null(14)) {
    Result<StepRecord> details = parse_step_record(row.bytes(14));
    if (!details) return details.error();
    event.details = std::move(*details);
  }
  return event;
}

void bind_event(Statement& statement, const LedgerEvent& event, const std::string& details) {
  statement.bind(1, event.seq);
  statement.bind(2, event.t_ms);
  statement.bind(3, static_cast<std::int64_t>(event.kind));
  statement.bind(4, event.group.value);
  event.index ? statement.bind(5, std::int64_t{*event.index}) : statement.bind_null(5);
  statement.bind(6, std::int64_t{event.attempt});
  statement.bind(7, std::string_view(event.actor));
  statement.bind(8, event.fence);
  statement.bind(9, event.policy_version.value);
  statement.bind(10, event.hash);
  statement.bind(11, event.stored);
  statement.bind(12, std::string_view(event.reason));
  statement.bind(13, event.step);
  statement.bind(14, event.chain);
  event.details ? statement.bind(15, std::string_view(details)) : statement.bind_null(15);
}

}  // namespace assay::store
