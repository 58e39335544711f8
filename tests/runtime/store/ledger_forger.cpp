#include "tests/runtime/store/ledger_forger.h"

#include <utility>

#include "runtime/core/check.h"
#include "runtime/store/ledger_reader.h"
#include "runtime/store/ledger_tables.h"
#include "runtime/store/sqlite.h"
#include "runtime/wire/codec.h"

namespace assay::store::testing {

namespace {

Connection open_to_write(const std::string& path) {
  Result<Connection> connection =
      Connection::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  ASSAY_CHECK(connection, "the file of a test opens");
  return std::move(*connection);
}

void run(Connection& connection, const std::string& sql) {
  const Result<void> done = connection.run(sql.c_str());
  ASSAY_CHECK(done, "the statement of a test runs");
}

Statement prepare(const Connection& connection, const std::string& sql) {
  Result<Statement> statement = connection.prepare(sql);
  ASSAY_CHECK(statement, "the statement of a test is valid");
  return std::move(*statement);
}

}  // namespace

void run_sql(const std::string& path, const std::string& sql) {
  Connection connection = open_to_write(path);
  run(connection, sql);
}

LedgerForger::LedgerForger(std::string path) : path_(std::move(path)) {
  Result<LedgerReader> reader = LedgerReader::open(path_);
  ASSAY_CHECK(reader, "the ledger to forge opens");
  header = reader->header();
  const auto keep = [this](const LedgerEvent& event) -> Result<void> {
    events.push_back(event);
    return {};
  };
  ASSAY_CHECK(reader->for_each_event(keep), "the ledger to forge is read");
}

std::size_t LedgerForger::at(EventKind kind, std::size_t nth) const {
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind == kind && nth-- == 0) return i;
  }
  ASSAY_CHECK(false, "the ledger to forge has such an event");
  return 0;
}

std::size_t LedgerForger::at(EventKind kind, RolloutId rollout) const {
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind == kind && events[i].rollout() == rollout) return i;
  }
  ASSAY_CHECK(false, "the ledger to forge has such an event");
  return 0;
}

std::string LedgerForger::bytes_of(const LedgerEvent& event) const {
  Result<LedgerReader> reader = LedgerReader::open(path_);
  Result<std::string> bytes = reader->stored_bytes(event);
  ASSAY_CHECK(bytes, "the event to forge has stored bytes");
  return std::move(*bytes);
}

wire::Rollout LedgerForger::rollout(const LedgerEvent& event) const {
  return *wire::decode_rollout(bytes_of(event));
}
wire::Verdict LedgerForger::verdict(const LedgerEvent& event) const {
  return *wire::decode_verdict(bytes_of(event));
}

void LedgerForger::replace(LedgerEvent& event, const wire::Rollout& rollout) {
  replaced_[event.seq] = wire::encode(rollout);
  event.stored = sha256(replaced_[event.seq]);
  event.hash = sha256(rollout.completion);
  event.policy_version = oldest_version(rollout);
}

void LedgerForger::replace(LedgerEvent& event, const wire::Verdict& verdict) {
  replaced_[event.seq] = wire::encode(verdict);
  event.stored = sha256(replaced_[event.seq]);
  event.hash = verdict.judged;
}

void LedgerForger::save() {
  Connection connection = open_to_write(path_);
  run(connection, "BEGIN IMMEDIATE; DELETE FROM events; CREATE TEMP TABLE kept (seq INTEGER)");
  Statement base = prepare(connection, "UPDATE header SET value = ? WHERE key = 'weights_base'");
  const std::string hex = header.weights_base.hex();
  base.bind(1, std::string_view(hex));
  ASSAY_CHECK(base.run(), "the header is rewritten");
  Statement keep = prepare(connection, "INSERT INTO kept VALUES (?)");
  for (const LedgerEvent& event : events) {
    keep.bind(1, event.seq);
    ASSAY_CHECK(keep.run(), "an event is kept");
  }
  for (const char* table : {"rollouts", "verdicts"}) {
    const std::string name(table);
    run(connection, "DELETE FROM " + name + " WHERE seq NOT IN (SELECT seq FROM kept)");
    for (const auto& [seq, bytes] : replaced_) {
      Statement update = prepare(connection, "UPDATE " + name + " SET bytes = ? WHERE seq = ?");
      update.bind_blob(1, bytes);
      update.bind(2, seq);
      ASSAY_CHECK(update.run(), "bytes are replaced");
    }
  }
  const std::string columns(kEventColumns);
  Statement insert = prepare(
      connection, "INSERT INTO events (" + columns + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  Digest chain = chain_start(header);
  std::uint64_t seq = 0;
  for (LedgerEvent& event : events) {
    const std::uint64_t old_seq = std::exchange(event.seq, ++seq);
    event.chain = chain_next(chain, event);
    chain = event.chain;
    const std::string details = event.details ? to_json(*event.details) : std::string();
    bind_event(insert, event, details);
    ASSAY_CHECK(insert.run(), "an event is written");
    if (old_seq == event.seq) continue;
    // Numbers only fall, in order, so none is taken yet.
    for (const char* table : {"rollouts", "verdicts", "groups"}) {
      run(connection, std::string("UPDATE ") + table + " SET seq = " + std::to_string(event.seq) +
                          " WHERE seq = " + std::to_string(old_seq));
    }
  }
  run(connection, "COMMIT");
}

}  // namespace assay::store::testing
