#include "verifiers/sql/postgres_connection.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cmath>
#include <string_view>
#include <utility>

namespace assay::verifiers::sql {

struct PostgresConnection::State {
  explicit State(PGconn* opened) : connection(opened) {}
  ~State() { ::PQfinish(connection); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  PGconn* connection;
};

namespace {

struct Clearer {
  void operator()(PGresult* result) const { ::PQclear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, Clearer>;

// Types whose text is more than text; from the server's catalogue, where they never change.
enum TypeId : unsigned {
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kOid = 26,
  kFloat4 = 700,
  kFloat8 = 701,
  kNumeric = 1700,
};

Error gone() {
  return {ErrorCode::kUnavailable, "the PostgreSQL server is away",
          "start it, or correct \"connection\"", "", ""};
}

Value real_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  if (text == "NaN") return std::nan("");
  if (text == "Infinity") return HUGE_VAL;
  if (text == "-Infinity") return -HUGE_VAL;
  return std::string(text);  // a numeric beyond all doubles
}

// An integer that fits 64 bits; beyond them its digits, which are compared exactly as text.
Value whole_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return std::string(text);
}

int hex_digit(char letter) {
  return letter <= '9' ? letter - '0' : (letter | 0x20) - 'a' + 10;
}

Value blob_of(std::string_view text) {
  Blob blob;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2) {  // after \x
    blob.bytes += static_cast<char>(hex_digit(text[i]) * 16 + hex_digit(text[i + 1]));
  }
  return blob;
}

Value value_of(unsigned type, std::string_view text) {
  switch (type) {
    case kBool:
      return std::int64_t{text == "t"};
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid:
      return whole_of(text);
    case kNumeric:
      return text.find_first_not_of("-0123456789") == std::string_view::npos ? whole_of(text)
                                                                             : real_of(text);
    case kFloat4:
    case kFloat8:
      return real_of(text);
    case kBytea:
      return blob_of(text);
    default:
      return std::string(text);
  }
}

// Adds the rows of one piece of the result.
void add_rows(const PGresult* result, const QueryLimits& limits, std::uint64_t& kept_bytes,
              PostgresOutcome& outcome) {
  constexpr std::uint64_t kCellBytes = 16;
  const int columns = ::PQnfields(result);
  if (outcome.column_names.empty()) {
    outcome.table.column_count = static_cast<std::size_t>(columns);
    for (int i = 0; i < columns; ++i) outcome.column_names.emplace_back(::PQfname(result, i));
  }
  for (int row = 0; row < ::PQntuples(result); ++row) {
    for (int i = 0; i < columns; ++i) {
      const std::string_view text(::PQgetvalue(result, row, i),
                                  static_cast<std::size_t>(::PQgetlength(result, row, i)));
      kept_bytes += kCellBytes + text.size();
      outcome.table.cells.push_back(
          ::PQgetisnull(result, row, i) != 0 ? Value() : value_of(::PQftype(result, i), text));
    }
  }
  outcome.is_over_limit =
      outcome.table.row_count() > limits.rows_max || kept_bytes > limits.bytes_max;
}

void add_refusal(const PGresult* result, PostgresOutcome& outcome) {
  const char* state = ::PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* message = ::PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  outcome.sqlstate = state == nullptr ? "XX000" : state;
  outcome.message = message == nullptr ? "no message" : message;
}

}  // namespace

PostgresConnection::PostgresConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}

PostgresConnection::~PostgresConnection() = default;

Result<void> PostgresConnection::wait(short events, SteadyTime deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - SystemClock().now()).count();
  pollfd waited{::PQsocket(state_->connection), events, 0};
  const int ready =
      left <= 0 ? 0 : ::poll(&waited, 1, static_cast<int>(std::min<std::int64_t>(left, INT_MAX)));
  if (ready == 0) {
    return Error{ErrorCode::kTimedOut, "the PostgreSQL server does not answer", "", "", ""};
  }
  return ready > 0 || errno == EINTR ? Result<void>() : gone();
}

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const std::string& connection,
                                                                     SteadyTime deadline) {
  PGconn* const started = ::PQconnectStart(connection.c_str());
  if (started == nullptr) return gone();
  std::unique_ptr<PostgresConnection> opened(
      new PostgresConnection(std::make_unique<State>(started)));
  if (::PQstatus(started) == CONNECTION_BAD) return gone();
  for (PostgresPollingStatusType next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;) {
    if (next == PGRES_POLLING_FAILED) return gone();
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (auto ready = opened->wait(events, deadline); !ready) return ready.error();
    next = ::PQconnectPoll(started);
  }
  ::PQsetnonblocking(started, 1);
  // Notices would go to standard error.
  ::PQsetNoticeReceiver(
      started, [](void*, const PGresult*) {}, nullptr);
  return opened;
}

Result<PostgresOutcome> PostgresConnection::collect(const QueryLimits& limits,
                                                    SteadyTime deadline) {
  PGconn* const connection = state_->connection;
  PostgresOutcome outcome;
  std::uint64_t kept_bytes = 0;
  std::uint64_t seen_bytes = 0;
  for (int unsent = 1; unsent != 0;) {
    unsent = ::PQflush(connection);
    if (unsent < 0) return gone();
    if (unsent == 0) break;
    if (auto ready = wait(POLLIN | POLLOUT, deadline); !ready) return ready.error();
    if (::PQconsumeInput(connection) == 0) return gone();
  }
  while (true) {
    while (::PQisBusy(connection) != 0) {
      if (auto ready = wait(POLLIN, deadline); !ready) return ready.error();
      // libpq keeps a whole row before it shows it. What waits is counted before it is read, which
      // cuts most of what is too large; it may read more at once, and then the row is counted.
      int waiting = 0;
      ::ioctl(::PQsocket(connection), FIONREAD, &waiting);
      seen_bytes += static_cast<std::uint64_t>(std::max(waiting, 0));
      outcome.is_over_limit = outcome.is_over_limit || seen_bytes > 2 * limits.bytes_max;
      if (outcome.is_over_limit) return outcome;
      if (::PQconsumeInput(connection) == 0) return gone();
    }
    const PostgresResult result(::PQgetResult(connection));
    if (result == nullptr) break;
    switch (::PQresultStatus(result.get())) {
      case PGRES_SINGLE_TUPLE:
      case PGRES_TUPLES_OK:
        add_rows(result.get(), limits, kept_bytes, outcome);
        break;
      case PGRES_COMMAND_OK:
        break;
      default:
        add_refusal(result.get(), outcome);
    }
    if (outcome.is_over_limit) return outcome;
  }
  return ::PQstatus(connection) == CONNECTION_OK ? Result<PostgresOutcome>(std::move(outcome))
                                                 : Result<PostgresOutcome>(gone());
}

Result<PostgresOutcome> PostgresConnection::command(const std::string& statements,
                                                    SteadyTime deadline) {
  if (::PQsendQuery(state_->connection, statements.c_str()) == 0) return gone();
  return collect({}, deadline);
}

Result<PostgresOutcome> PostgresConnection::query(const std::string& statement,
                                                  const QueryLimits& limits, SteadyTime deadline) {
  if (::PQsendQueryParams(state_->connection, statement.c_str(), 0, nullptr, nullptr, nullptr,
                          nullptr, 0) == 0) {
    return gone();
  }
  ::PQsetSingleRowMode(state_->connection);
  return collect(limits, deadline);
}

}  // namespace assay::verifiers::sql
