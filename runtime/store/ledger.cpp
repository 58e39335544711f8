#include "runtime/store/ledger.h"

#include <cstdio>
#include <filesystem>
#include <utility>

#include "runtime/core/check.h"
#include "runtime/core/file.h"
#include "runtime/core/limits.h"
#include "runtime/store/file_lock.h"
#include "runtime/store/ledger_tables.h"
#include "runtime/wire/codec.h"

namespace assay::store {

namespace {

// An event on its way to disk with the bytes that must land with it.
struct Queued {
  LedgerEvent event;
  std::string bytes;  // encoded prompt, rollout or verdict; empty where the kind has none
  IssuedGroup issued;
  PromptId prompt;
};

struct Statements {
  Statement event;
  Statement group;
  Statement prompt;
  Statement rollout;
  Statement verdict;
};

Result<Statements> prepare_all(const Connection& connection) {
  const std::string insert_event = std::string("INSERT INTO events (") + kEventColumns +
                                   ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
  Result<Statement> event = connection.prepare(insert_event);
  if (!event) return event.error();
  Result<Statement> group = connection.prepare("INSERT INTO groups VALUES (?,?,?,?,?,?,?,?)");
  if (!group) return group.error();
  Result<Statement> prompt = connection.prepare("INSERT OR IGNORE INTO prompts VALUES (?,?,?,?)");
  if (!prompt) return prompt.error();
  Result<Statement> rollout = connection.prepare("INSERT INTO rollouts VALUES (?,?,?,?)");
  if (!rollout) return rollout.error();
  Result<Statement> verdict = connection.prepare("INSERT INTO verdicts VALUES (?,?,?,?,?)");
  if (!verdict) return verdict.error();
  return Statements{std::move(*event), std::move(*group), std::move(*prompt), std::move(*rollout),
                    std::move(*verdict)};
}

Error invalid(std::string message) {
  return Error{ErrorCode::kInvalidInput, std::move(message), {}, {}, {}};
}

Result<void> check_header(const LedgerHeader& header) {
  if (header.run.empty() || header.arm.empty()) return invalid("a ledger needs a run and an arm");
  if (header.group_size == 0 || header.group_size > limits::kGroupSizeMax)
    return invalid("a ledger's group_size must be in [1, " + std::to_string(limits::kGroupSizeMax) +
                   "]");
  if (header.attempts_max == 0) return invalid("a ledger's attempts_max must be at least 1");
  return {};
}

// The whole file under a temporary name, so that a ledger that exists has its header.
Result<void> build_file(const std::string& path, const LedgerHeader& header) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  Result<Connection> connection =
      Connection::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX);
  if (!connection) return connection.error();
  return create_tables(*connection, header);
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// The event row number is ours to give, so a collision means that somebody else gave it.
Error explain_event_failure(const Error& error, sqlite3* connection, const LedgerEvent& event) {
  if (sqlite3_extended_errcode(connection) != SQLITE_CONSTRAINT_UNIQUE &&
      sqlite3_extended_errcode(connection) != SQLITE_CONSTRAINT_PRIMARYKEY)
    return error;
  Error explained = error;
  explained.code = ErrorCode::kUnavailable;
  explained.message = "append event " + std::to_string(event.seq) + " (" +
                      std::string(to_string(event.kind)) +
                      "): the ledger already has it; another writer took over, or a group ended "
                      "or a step happened twice (" +
                      error.message + ")";
  explained.remedy = "stop this process and resume the run";
  return explained;
}

LedgerEvent event_of(EventKind kind, const EventOrigin& origin) {
  LedgerEvent event;
  event.kind = kind;
  event.t_ms = origin.t_ms;
  event.actor = origin.actor;
  event.attempt = origin.attempt;
  return event;
}

}  // namespace

struct Ledger::State {
  FileDescriptor lock;
  Connection connection;
  Statements statements;
  LedgerHeader header;
  std::uint64_t fence = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t last_step = 0;
  Digest chain;
  std::vector<Queued> queue;
  std::optional<Error> failure;  // a failed commit is final

  Result<void> load();
  void push(Queued queued);
  Result<void> write(Queued& queued);
  Result<void> write_bytes(const Queued& queued);
  Result<void> write_all_queued();
  Result<std::uint64_t> commit();
};

Result<void> Ledger::State::load() {
  const std::string select =
      std::string("SELECT ") + kEventColumns + " FROM events ORDER BY seq DESC LIMIT 1";
  Result<Statement> newest = connection.prepare(select);
  if (!newest) return newest.error();
  Result<bool> row = newest->step();
  if (!row) return row.error();
  chain = chain_start(header);
  if (*row) {
    Result<LedgerEvent> event = event_at(*newest);
    if (!event) return event.error();
    last_seq = event->seq;
    chain = event->chain;
    fence = event->fence;
  }
  Result<std::int64_t> step =
      connection.read_integer("SELECT max(step) FROM events WHERE kind = 10");
  if (!step) return step.error();
  last_step = static_cast<std::uint64_t>(*step);
  return {};
}

void Ledger::State::push(Queued queued) {
  ASSAY_CHECK(queued.event.actor.size() <= kActorBytesMax, "an actor's name is short");
  if (queued.event.reason.size() > limits::kReasonBytesMax)
    queued.event.reason.resize(limits::kReasonBytesMax);
  if (queued.event.fence == 0) queued.event.fence = fence;
  queue.push_back(std::move(queued));
}

Result<void> Ledger::State::write_bytes(const Queued& queued) {
  const LedgerEvent& event = queued.event;
  switch (event.kind) {
    case EventKind::kIssued: {
      Statement& prompt = statements.prompt;
      prompt.bind(1, event.seq);
      prompt.bind(2, queued.prompt.value);
      prompt.bind(3, event.stored);
      prompt.bind_blob(4, queued.bytes);
      if (Result<void> written = prompt.run(); !written) return written;
      Statement& group = statements.group;
      group.bind(1, event.group.value);
      group.bind(2, event.seq);
      group.bind(3, queued.prompt.value);
      group.bind(4, event.stored);
      group.bind(5, queued.issued.epoch);
      group.bind(6, queued.issued.index);
      group.bind(7, queued.issued.repeat);
      group.bind(8, queued.issued.version.value);
      return group.run();
    }
    case EventKind::kGenerated: {
      Statement& rollout = statements.rollout;
      rollout.bind(1, event.seq);
      rollout.bind(2, event.group.value);
      rollout.bind(3, std::int64_t{*event.index});
      rollout.bind_blob(4, queued.bytes);
      return rollout.run();
    }
    case EventKind::kVerified:
    case EventKind::kUnscored: {
      Statement& verdict = statements.verdict;
      verdict.bind(1, event.seq);
      verdict.bind(2, event.group.value);
      verdict.bind(3, std::int64_t{*event.index});
      verdict.bind(4, std::int64_t{event.attempt});
      verdict.bind_blob(5, queued.bytes);
      return verdict.run();
    }
    default:
      return {};
  }
}

Result<void> Ledger::State::write(Queued& queued) {
  LedgerEvent& event = queued.event;
  event.seq = last_seq + 1;
  event.chain = chain_next(chain, event);
  const std::string details = event.details ? to_json(*event.details) : std::string();
  bind_event(statements.event, event, details);
  Result<bool> row = statements.event.step();
  if (!row) {
    const Error error = explain_event_failure(row.error(), connection.get(), event);
    statements.event.reset();
    return error;
  }
  statements.event.reset();
  last_seq = event.seq;
  chain = event.chain;
  return write_bytes(queued);
}

Result<void> Ledger::State::write_all_queued() {
  if (Result<void> begun = connection.run("BEGIN IMMEDIATE"); !begun) return begun;
  for (Queued& queued : queue) {
    if (Result<void> written = write(queued); !written) return written;
  }
  return connection.run("COMMIT");
}

Result<std::uint64_t> Ledger::State::commit() {
  if (failure) return *failure;
  if (queue.empty()) return last_seq;
  const std::uint64_t durable_seq = last_seq;
  const Digest durable_chain = chain;
  Result<void> written = write_all_queued();
  if (!written) {
    failure = written.error();
    last_seq = durable_seq;
    chain = durable_chain;
    return *failure;
  }
  queue.clear();
  return last_seq;
}

Result<Ledger> Ledger::create(const std::string& path, const LedgerHeader& header,
                              const EventOrigin& origin) {
  if (Result<void> checked = check_header(header); !checked) return checked.error();
  if (path_exists(path)) {
    Error error = invalid("create ledger " + path + ": it exists");
    error.remedy = "resume the run, or start it with --clean or another --run.name";
    return error;
  }
  const std::string temporary = path + ".new";
  if (Result<void> built = build_file(temporary, header); !built) return built.error();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("rename onto", path);
  if (Result<void> synced = sync_folder(folder_of(path)); !synced) return synced.error();
  return open(path, origin);
}

Result<Ledger> Ledger::open(const std::string& path, const EventOrigin& origin) {
  if (!path_exists(path))
    return Error{ErrorCode::kNotFound, "open ledger " + path + ": it does not exist", {}, {}, {}};
  auto state = std::make_unique<State>();
  Result<FileDescriptor> lock = take_lock(path + ".lock", "ledger " + path);
  if (!lock) return lock.error();
  state->lock = std::move(*lock);
  Result<Connection> connection =
      Connection::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
  if (!connection) return connection.error();
  state->connection = std::move(*connection);
  if (Result<void> checked = check_format(state->connection); !checked) return checked.error();
  Result<void> durable =
      state->connection.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  if (!durable) return durable.error();
  Result<LedgerHeader> header = read_header(state->connection);
  if (!header) return header.error();
  state->header = std::move(*header);
  if (Result<void> loaded = state->load(); !loaded) return loaded.error();
  Result<Statements> statements = prepare_all(state->connection);
  if (!statements) return statements.error();
  state->statements = std::move(*statements);

  Ledger ledger(std::move(state));
  ledger.state_->fence += 1;
  LedgerEvent raised = event_of(EventKind::kFence, origin);
  raised.attempt = 0;
  ledger.state_->push({std::move(raised), {}, {}, {}});
  if (Result<std::uint64_t> raised_seq = ledger.commit(); !raised_seq) return raised_seq.error();
  return ledger;
}

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ledger::~Ledger() = default;
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;

const LedgerHeader& Ledger::header() const {
  return state_->header;
}
std::uint64_t Ledger::fence() const {
  return state_->fence;
}
std::uint64_t Ledger::last_seq() const {
  return state_->last_seq;
}
Digest Ledger::chain_head() const {
  return state_->chain;
}
std::size_t Ledger::queued_events() const {
  return state_->queue.size();
}

void Ledger::append(LedgerEvent event) {
  const EventKind kind = event.kind;
  ASSAY_CHECK(kind == EventKind::kLeased || kind == EventKind::kLeaseExpired ||
                  kind == EventKind::kLate || kind == EventKind::kDropped,
              "append() takes only events that have no bytes of their own");
  state_->push({std::move(event), {}, {}, {}});
}

void Ledger::append_issued(const IssuedGroup& group, const wire::Prompt& prompt,
                           const EventOrigin& origin) {
  Queued queued{event_of(EventKind::kIssued, origin), wire::encode(prompt), group, prompt.id};
  queued.event.group = group.group;
  queued.event.policy_version = group.version;
  queued.event.stored = sha256(queued.bytes);
  queued.event.hash = queued.event.stored;
  state_->push(std::move(queued));
}

void Ledger::append_generated(const wire::Rollout& rollout, const EventOrigin& origin) {
  ASSAY_CHECK(rollout.finish != wire::FinishReason::kCancelled,
              "a cancelled rollout is never accepted");
  Queued queued{event_of(EventKind::kGenerated, origin), wire::encode(rollout), {}, {}};
  queued.event.group = rollout.id.group;
  queued.event.index = rollout.id.index;
  queued.event.policy_version = oldest_version(rollout);
  queued.event.hash = sha256(rollout.completion);
  queued.event.stored = sha256(queued.bytes);
  state_->push(std::move(queued));
}

void Ledger::append_verdict(RolloutId rollout, const wire::Verdict& verdict,
                            const EventOrigin& origin) {
  const EventKind kind = verdict.is_scored() ? EventKind::kVerified : EventKind::kUnscored;
  Queued queued{event_of(kind, origin), wire::encode(verdict), {}, {}};
  queued.event.group = rollout.group;
  queued.event.index = rollout.index;
  queued.event.hash = verdict.judged;
  queued.event.stored = sha256(queued.bytes);
  queued.event.reason = verdict.is_scored() ? "" : std::string(to_string(verdict.code));
  state_->push(std::move(queued));
}

void Ledger::append_dropped(const DroppedGroup& dropped, const EventOrigin& origin) {
  LedgerEvent event = event_of(EventKind::kDropped, origin);
  event.attempt = 0;
  event.group = dropped.group;
  event.reason = to_string(dropped.reason);
  append(std::move(event));
}

Result<std::uint64_t> Ledger::commit() {
  return state_->commit();
}

Result<std::uint64_t> Ledger::commit_step(const StepCommit& commit, const EventOrigin& origin) {
  const StepRecord& record = commit.record;
  if (record.step != state_->last_step + 1) {
    return invalid("commit step " + std::to_string(record.step) + ": the ledger's last step is " +
                   std::to_string(state_->last_step));
  }
  for (const GroupId group : record.groups) {
    LedgerEvent event = event_of(EventKind::kConsumed, origin);
    event.attempt = 0;
    event.group = group;
    event.policy_version = record.version_in;
    event.step = record.step;
    state_->push({std::move(event), {}, {}, {}});
  }
  for (const DroppedGroup& dropped : commit.dropped) {
    append_dropped(dropped, origin);
    state_->queue.back().event.step = record.step;
  }
  LedgerEvent event = event_of(EventKind::kStep, origin);
  event.attempt = 0;
  event.policy_version = record.version_out;
  event.hash = record.weights_out;
  event.step = record.step;
  event.details = record;
  state_->push({std::move(event), {}, {}, {}});
  Result<std::uint64_t> seq = state_->commit();
  if (seq) state_->last_step = record.step;
  return seq;
}

Result<std::uint64_t> Ledger::finish(const EventOrigin& origin) {
  LedgerEvent event = event_of(EventKind::kFence, origin);
  event.attempt = 0;
  event.reason = "finished";
  state_->push({std::move(event), {}, {}, {}});
  return state_->commit();
}

}  // namespace assay::store
