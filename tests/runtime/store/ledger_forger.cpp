#include "tests/runtime/store/ledger_forger.h"

#include <sqlite3.h>

#include <optional>
#include <utility>
#include <variant>

#include "runtime/core/check.h"
#include "runtime/store/ledger_reader.h"
#include "runtime/wire/codec.h"

namespace assay::store::testing {

namespace {

// One value of a row: a number, bytes or, as an empty optional, nothing.
using Value = std::variant<std::uint64_t, std::optional<std::string>>;

class Database {
 public:
  explicit Database(const std::string& path) {
    ASSAY_CHECK(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK, "the file of a test opens");
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql) {
    ASSAY_CHECK(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
                "the statement of a test runs");
  }

  // Bytes are bound as blobs, or all of them as text.
  void run(const std::string& sql, const std::vector<Value>& values, bool is_text = false) {
    sqlite3_stmt* statement = nullptr;
    ASSAY_CHECK(sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK,
                "the statement of a test is valid");
    for (std::size_t i = 0; i < values.size(); ++i) {
      bind(statement, static_cast<int>(i) + 1, values[i], is_text);
    }
    ASSAY_CHECK(sqlite3_step(statement) == SQLITE_DONE, "the statement of a test runs");
    sqlite3_finalize(statement);
  }

 private:
  static void bind(sqlite3_stmt* statement, int position, const Value& value, bool is_text) {
    if (const auto* number = std::get_if<std::uint64_t>(&value)) {
      sqlite3_bind_int64(statement, position, static_cast<std::int64_t>(*number));
      return;
    }
    const std::optional<std::string>& bytes = std::get<1>(value);
    if (!bytes) return;  // null
    const int size = static_cast<int>(bytes->size());
    is_text ? sqlite3_bind_text(statement, position, bytes->data(), size, SQLITE_TRANSIENT)
            : sqlite3_bind_blob(statement, position, bytes->data(), size, SQLITE_TRANSIENT);
  }

  sqlite3* handle_ = nullptr;
};

std::optional<std::string> blob_of(const Digest& digest) {
  if (digest.is_zero()) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
}

}  // namespace

void run_sql(const std::string& path, const std::string& sql) {
  Database(path).run(sql);
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
  Database database(path_);
  database.run("BEGIN IMMEDIATE; CREATE TEMP TABLE kept (seq INTEGER PRIMARY KEY)");
  database.run("UPDATE header SET value = ? WHERE key = 'weights_base'",
               {header.weights_base.hex()}, true);
  for (const LedgerEvent& event : events) {
    database.run("INSERT INTO kept VALUES (?)", {event.seq});
  }
  for (const char* table : {"events", "rollouts", "verdicts"}) {
    database.run(std::string("DELETE FROM ") + table + " WHERE seq NOT IN (SELECT seq FROM kept)");
  }
  for (const auto& [seq, bytes] : replaced_) {
    for (const char* table : {"rollouts", "verdicts"}) {
      database.run(std::string("UPDATE ") + table + " SET bytes = ? WHERE seq = ?", {bytes, seq});
    }
  }
  Digest chain = chain_start(header);
  std::uint64_t seq = 0;
  for (LedgerEvent& event : events) {
    const std::uint64_t old_seq = std::exchange(event.seq, ++seq);
    event.chain = chain = chain_next(chain, event);
    // Numbers only fall, in order, so none is taken yet.
    for (const char* table : {"events", "rollouts", "verdicts", "groups"}) {
      if (old_seq == event.seq) break;
      database.run(std::string("UPDATE ") + table + " SET seq = ? WHERE seq = ?",
                   {event.seq, old_seq});
    }
    database.run(
        "UPDATE events SET policy_version = ?, hash = ?, stored = ?, chain = ? WHERE seq = ?",
        {event.policy_version.value, blob_of(event.hash), blob_of(event.stored), blob_of(chain),
         event.seq});
    if (!event.details) continue;
    database.run("UPDATE events SET details = ? WHERE seq = ?",
                 {to_json(*event.details), event.seq}, true);
  }
  database.run("COMMIT");
}

}  // namespace assay::store::testing
