#include "runtime/store/ledger_reader.h"

#include <unistd.h>

#include <utility>

#include "runtime/core/file.h"
#include "runtime/store/ledger_tables.h"
#include "runtime/wire/codec.h"

namespace assay::store {

namespace {

Error not_found(std::string message) {
  return Error{ErrorCode::kNotFound, std::move(message), {}, {}, {}};
}

Error placed(Error error, const std::string& place) {
  error.message = place + ": " + error.message;
  return error;
}

// A read-only connection. Readers of a WAL file share its -shm file; where they may not write one
// and no writer left a log behind, the file is as good as constant.
Result<Connection> open_to_read(const std::string& path) {
  constexpr int kFlags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
  Result<Connection> connection = Connection::open(path, kFlags);
  if (!connection) return connection;
  if (connection->read_integer("SELECT count(*) FROM sqlite_schema")) return connection;
  if (path_exists(path + "-wal") || ::access(path.c_str(), R_OK) != 0) return connection;
  return Connection::open("file:" + path + "?immutable=1", kFlags | SQLITE_OPEN_URI);
}

}  // namespace

struct LedgerReader::State {
  Connection connection;
  LedgerHeader header;
  // For the lookups that a check makes once an event.
  Statement prompt_bytes, rollout_bytes, verdict_bytes, group_place;

  Result<void> prepare_lookups();
  Result<std::vector<LedgerEvent>> events_where(const std::string& condition, std::uint64_t group,
                                                std::optional<std::uint32_t> index);
  Result<std::optional<StepRecord>> newest_step(const std::string& condition);
  Result<GroupRecord> group_at(const Statement& row);
  Result<void> fill_rollouts(GroupRecord& record);
  Result<void> fill_verdicts(GroupRecord& record);
  Result<std::vector<GroupRecord>> groups_where(const std::string& condition,
                                                std::uint64_t parameter);
};

namespace {

constexpr const char* kGroupColumns = "grp, seq, prompt, epoch, place, repeat, version";

// Collects rows until the end; `take` returns an error to stop.
template <class Take>
Result<void> for_each_row(Statement& statement, Take take) {
  for (;;) {
    Result<bool> row = statement.step();
    if (!row) return row.error();
    if (!*row) return {};
    if (Result<void> taken = take(statement); !taken) return taken;
  }
}

GroupRecord place_at(const Statement& row) {
  GroupRecord record;
  record.group = GroupId{row.u64(0)};
  record.issued_seq = row.u64(1);
  record.prompt = PromptId{row.u64(2)};
  record.epoch = row.u64(3);
  record.index = row.u64(4);
  record.repeat = row.u64(5);
  record.issued_version = PolicyVersion{row.u64(6)};
  return record;
}

}  // namespace

Result<std::vector<LedgerEvent>> LedgerReader::State::events_where(
    const std::string& condition, std::uint64_t group, std::optional<std::uint32_t> index) {
  Result<Statement> rows = connection.prepare(std::string("SELECT ") + kEventColumns +
                                              " FROM events WHERE " + condition + " ORDER BY seq");
  if (!rows) return rows.error();
  rows->bind(1, group);
  if (index) rows->bind(2, std::int64_t{*index});
  std::vector<LedgerEvent> events;
  Result<void> read = for_each_row(*rows, [&](const Statement& row) -> Result<void> {
    Result<LedgerEvent> event = event_at(row);
    if (!event) return event.error();
    events.push_back(std::move(*event));
    return {};
  });
  if (!read) return read.error();
  return events;
}

Result<void> LedgerReader::State::prepare_lookups() {
  const std::pair<Statement*, std::string> lookups[] = {
      {&prompt_bytes, "SELECT bytes FROM prompts WHERE sha256 = ?"},
      {&rollout_bytes, "SELECT bytes FROM rollouts WHERE seq = ?"},
      {&verdict_bytes, "SELECT bytes FROM verdicts WHERE seq = ?"},
      {&group_place, std::string("SELECT ") + kGroupColumns + " FROM groups WHERE grp = ?"}};
  for (const auto& [statement, sql] : lookups) {
    Result<Statement> prepared = connection.prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return {};
}

Result<std::optional<StepRecord>> LedgerReader::State::newest_step(const std::string& condition) {
  Result<Statement> rows = connection.prepare("SELECT details FROM events WHERE kind = 10" +
                                              condition + " ORDER BY step DESC");
  if (!rows) return rows.error();
  Result<bool> row = rows->step();
  if (!row) return row.error();
  if (!*row) return std::optional<StepRecord>();
  Result<StepRecord> record = parse_step_record(rows->bytes(0));
  if (!record) return placed(record.error(), connection.path());
  return std::optional<StepRecord>(std::move(*record));
}

Result<GroupRecord> LedgerReader::State::group_at(const Statement& row) {
  GroupRecord record = place_at(row);
  record.rollouts.resize(header.group_size);
  record.verdicts.resize(header.group_size);
  record.attempts.resize(header.group_size);
  if (Result<void> filled = fill_rollouts(record); !filled) return filled.error();
  if (Result<void> filled = fill_verdicts(record); !filled) return filled.error();
  return record;
}

Result<void> LedgerReader::State::fill_rollouts(GroupRecord& record) {
  Result<Statement> rows = connection.prepare("SELECT idx, bytes FROM rollouts WHERE grp = ?");
  if (!rows) return rows.error();
  rows->bind(1, record.group.value);
  return for_each_row(*rows, [&](const Statement& row) -> Result<void> {
    const std::uint64_t index = row.u64(0);
    const std::string place = "rollout " + to_string(record.group) + ":" + std::to_string(index);
    if (index >= record.rollouts.size())
      return Error{ErrorCode::kCorrupt, place + " has an index beyond its group", {}, {}, {}};
    Result<wire::Rollout> rollout = wire::decode_rollout(row.bytes(1));
    if (!rollout) return placed(rollout.error(), place);
    record.rollouts[index] = std::move(*rollout);
    return {};
  });
}

Result<void> LedgerReader::State::fill_verdicts(GroupRecord& record) {
  Result<Statement> rows =
      connection.prepare("SELECT idx, bytes, attempt FROM verdicts WHERE grp = ? ORDER BY seq");
  if (!rows) return rows.error();
  rows->bind(1, record.group.value);
  return for_each_row(*rows, [&](const Statement& row) -> Result<void> {
    const std::uint64_t index = row.u64(0);
    const std::string place = "verdict of " + to_string(record.group) + ":" + std::to_string(index);
    if (index >= record.verdicts.size())
      return Error{ErrorCode::kCorrupt, place + " has an index beyond its group", {}, {}, {}};
    Result<wire::Verdict> verdict = wire::decode_verdict(row.bytes(1));
    if (!verdict) return placed(verdict.error(), place);
    std::optional<wire::Verdict>& kept = record.verdicts[index];
    if (kept && kept->is_scored()) return {};
    kept = std::move(*verdict);
    record.attempts[index] = static_cast<std::uint32_t>(row.u64(2));
    return {};
  });
}

Result<std::vector<GroupRecord>> LedgerReader::State::groups_where(const std::string& condition,
                                                                   std::uint64_t parameter) {
  Result<Statement> rows = connection.prepare(std::string("SELECT ") + kGroupColumns +
                                              " FROM groups WHERE " + condition);
  if (!rows) return rows.error();
  rows->bind(1, parameter);
  std::vector<GroupRecord> groups;
  Result<void> read = for_each_row(*rows, [&](const Statement& row) -> Result<void> {
    Result<GroupRecord> record = group_at(row);
    if (!record) return record.error();
    groups.push_back(std::move(*record));
    return {};
  });
  if (!read) return read.error();
  return groups;
}

Result<LedgerReader> LedgerReader::open(const std::string& path) {
  if (!path_exists(path)) {
    Error error = not_found("open ledger " + path + ": it does not exist");
    error.remedy = "name a run that has started";
    return error;
  }
  Result<Connection> connection = open_to_read(path);
  if (!connection) return connection.error();
  if (Result<void> checked = check_format(*connection); !checked) return checked.error();
  Result<LedgerHeader> header = read_header(*connection);
  if (!header) return header.error();
  auto state = std::make_unique<State>();
  state->connection = std::move(*connection);
  state->header = std::move(*header);
  if (Result<void> prepared = state->prepare_lookups(); !prepared) return prepared.error();
  return LedgerReader(std::move(state));
}

LedgerReader::LedgerReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
LedgerReader::~LedgerReader() = default;
LedgerReader::LedgerReader(LedgerReader&&) noexcept = default;
LedgerReader& LedgerReader::operator=(LedgerReader&&) noexcept = default;

const LedgerHeader& LedgerReader::header() const {
  return state_->header;
}

Result<void> LedgerReader::for_each_event(
    const std::function<Result<void>(const LedgerEvent&)>& visit, std::uint64_t after_seq) {
  Result<Statement> rows = state_->connection.prepare(std::string("SELECT ") + kEventColumns +
                                                      " FROM events WHERE seq > ? ORDER BY seq");
  if (!rows) return rows.error();
  rows->bind(1, after_seq);
  return for_each_row(*rows, [&](const Statement& row) -> Result<void> {
    Result<LedgerEvent> event = event_at(row);
    if (!event) return event.error();
    return visit(*event);
  });
}

Result<std::optional<StepRecord>> LedgerReader::last_step() {
  return state_->newest_step("");
}

Result<std::optional<StepRecord>> LedgerReader::last_checkpoint() {
  return state_->newest_step(" AND json_extract(details, '$.checkpoint') <> ''");
}

Result<StepRecord> LedgerReader::step(std::uint64_t number) {
  Result<std::optional<StepRecord>> record =
      state_->newest_step(" AND step = " + std::to_string(number));
  if (!record) return record.error();
  if (!*record) return not_found("step " + std::to_string(number) + " is not in the ledger");
  return std::move(**record);
}

Result<std::vector<GroupRecord>> LedgerReader::open_groups() {
  return state_->groups_where(
      "seq > ? AND grp NOT IN (SELECT grp FROM events WHERE kind IN (8, 9)) ORDER BY seq", 0);
}

Result<std::optional<GroupRecord>> LedgerReader::last_issued() {
  Result<std::vector<GroupRecord>> groups =
      state_->groups_where("seq > ? ORDER BY seq DESC LIMIT 1", 0);
  if (!groups) return groups.error();
  if (groups->empty()) return std::optional<GroupRecord>();
  return std::optional<GroupRecord>(std::move(groups->front()));
}

Result<std::vector<GroupRecord>> LedgerReader::groups_of_step(std::uint64_t number) {
  Result<StepRecord> record = step(number);
  if (!record) return record.error();
  std::vector<GroupRecord> groups;
  for (const GroupId id : record->groups) {
    Result<GroupRecord> found = group(id);
    if (!found) return found.error();
    groups.push_back(std::move(*found));
  }
  return groups;
}

Result<GroupRecord> LedgerReader::group(GroupId id) {
  Result<std::vector<GroupRecord>> groups = state_->groups_where("grp = ?", id.value);
  if (!groups) return groups.error();
  if (groups->empty()) return not_found("group " + to_string(id) + " is not in the ledger");
  return std::move(groups->front());
}

Result<wire::Prompt> LedgerReader::prompt(PromptId id) {
  Result<Statement> rows = state_->connection.prepare("SELECT bytes FROM prompts WHERE prompt = ?");
  if (!rows) return rows.error();
  rows->bind(1, id.value);
  Result<bool> row = rows->step();
  if (!row) return row.error();
  if (!*row) return not_found("prompt " + to_string(id) + " is not in the ledger");
  return wire::decode_prompt(rows->bytes(0));
}

Result<wire::Rollout> LedgerReader::rollout(RolloutId id) {
  Result<Statement> rows =
      state_->connection.prepare("SELECT bytes FROM rollouts WHERE grp = ? AND idx = ?");
  if (!rows) return rows.error();
  rows->bind(1, id.group.value);
  rows->bind(2, std::int64_t{id.index});
  Result<bool> row = rows->step();
  if (!row) return row.error();
  if (!*row) return not_found("rollout " + to_string(id) + " is not in the ledger");
  return wire::decode_rollout(rows->bytes(0));
}

Result<std::vector<GroupId>> LedgerReader::groups_of_prompt(PromptId id) {
  Result<Statement> rows =
      state_->connection.prepare("SELECT grp FROM groups WHERE prompt = ? ORDER BY seq");
  if (!rows) return rows.error();
  rows->bind(1, id.value);
  std::vector<GroupId> groups;
  Result<void> read = for_each_row(*rows, [&](const Statement& row) -> Result<void> {
    groups.push_back(GroupId{row.u64(0)});
    return {};
  });
  if (!read) return read.error();
  return groups;
}

Result<std::vector<LedgerEvent>> LedgerReader::history(GroupId id) {
  return state_->events_where("grp = ?", id.value, std::nullopt);
}

Result<std::vector<LedgerEvent>> LedgerReader::history(RolloutId id) {
  return state_->events_where("grp = ? AND (idx IS NULL OR idx = ?)", id.group.value, id.index);
}

Result<Accounting> LedgerReader::accounting() {
  Result<Statement> rows = state_->connection.prepare(
      "SELECT kind, CASE kind WHEN 9 THEN reason ELSE '' END AS why, count(*) FROM events "
      "GROUP BY kind, why");
  if (!rows) return rows.error();
  Accounting accounting;
  std::uint64_t dropped = 0;
  Result<void> read = for_each_row(*rows, [&](const Statement& row) -> Result<void> {
    const std::uint64_t count = row.u64(2);
    switch (static_cast<EventKind>(row.integer(0))) {
      case EventKind::kIssued:
        accounting.issued = count;
        break;
      case EventKind::kConsumed:
        accounting.consumed = count;
        break;
      case EventKind::kGenerated:
        accounting.generated = count;
        break;
      case EventKind::kVerified:
        accounting.verified = count;
        break;
      case EventKind::kUnscored:
        accounting.unscored = count;
        break;
      case EventKind::kLate:
        accounting.late = count;
        break;
      case EventKind::kDropped: {
        const std::optional<wire::DropReason> reason = wire::parse_drop_reason(row.bytes(1));
        if (!reason) {
          return Error{
              ErrorCode::kCorrupt,
              "groups were dropped for the unknown reason '" + std::string(row.bytes(1)) + "'",
              {},
              {},
              {}};
        }
        accounting.dropped[static_cast<std::size_t>(*reason)] = count;
        dropped += count;
        break;
      }
      default:
        break;
    }
    return {};
  });
  if (!read) return read.error();
  // A damaged ledger may have ended more groups than it issued; open is then none.
  const std::uint64_t ended = accounting.consumed + dropped;
  accounting.open = accounting.issued > ended ? accounting.issued - ended : 0;
  return accounting;
}

Result<std::string> LedgerReader::stored_bytes(const LedgerEvent& event) {
  const bool is_prompt = event.kind == EventKind::kIssued;
  const bool is_rollout = event.kind == EventKind::kGenerated;
  Statement& rows = is_prompt    ? state_->prompt_bytes
                    : is_rollout ? state_->rollout_bytes
                                 : state_->verdict_bytes;
  is_prompt ? rows.bind(1, event.stored) : rows.bind(1, event.seq);
  Result<bool> row = rows.step();
  if (!row) {
    const Error error = row.error();
    rows.reset();
    return error;
  }
  std::string bytes = *row ? std::string(rows.bytes(0)) : std::string();
  rows.reset();
  if (bytes.empty())
    return not_found("the bytes of event " + std::to_string(event.seq) + " are not there");
  return bytes;
}

Result<GroupRecord> LedgerReader::place(GroupId id) {
  Statement& rows = state_->group_place;
  rows.bind(1, id.value);
  Result<bool> row = rows.step();
  if (!row) {
    const Error error = row.error();
    rows.reset();
    return error;
  }
  const GroupRecord record = *row ? place_at(rows) : GroupRecord();
  rows.reset();
  if (!record.group) return not_found("group " + to_string(id) + " is not in the ledger");
  return record;
}

Result<std::string> LedgerReader::structure_problem() {
  Result<Statement> rows = state_->connection.prepare("PRAGMA quick_check(1)");
  if (!rows) return rows.error();
  Result<bool> row = rows->step();
  if (!row) return row.error().message;
  const std::string text = *row ? std::string(rows->bytes(0)) : "no answer";
  return text == "ok" ? std::string() : text;
}

}  // namespace assay::store
