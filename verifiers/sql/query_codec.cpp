#include "verifiers/sql/query_codec.h"

#include <bit>
#include <cstring>

namespace assay::verifiers::sql {

namespace {

class Writer {
 public:
  Writer& number(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  Writer& byte(std::uint8_t value) {
    bytes_ += static_cast<char>(value);
    return *this;
  }
  Writer& text(std::string_view value) {
    number(value.size());
    bytes_ += value;
    return *this;
  }
  Writer& texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const std::string& value : values) text(value);
    return *this;
  }
  Writer& value(const Value& cell) {
    byte(static_cast<std::uint8_t>(cell.index()));
    if (const auto* whole = std::get_if<std::int64_t>(&cell)) {
      number(static_cast<std::uint64_t>(*whole));
    } else if (const auto* real = std::get_if<double>(&cell)) {
      number(std::bit_cast<std::uint64_t>(*real));
    } else if (const auto* words = std::get_if<std::string>(&cell)) {
      text(*words);
    } else if (const auto* blob = std::get_if<Blob>(&cell)) {
      text(blob->bytes);
    }
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// After the first mistake every read gives zeros, and is_whole() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    if (!has(8)) return 0;
    for (std::size_t i = 0; i < 8; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes_[i])} << (8 * i);
    }
    bytes_.remove_prefix(8);
    return value;
  }
  std::uint8_t byte() {
    if (!has(1)) return 0;
    const auto value = static_cast<std::uint8_t>(bytes_[0]);
    bytes_.remove_prefix(1);
    return value;
  }
  std::string text() {
    const std::uint64_t size = number();
    if (!has(size)) return {};
    std::string value(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return value;
  }
  // A count of things that take at least `bytes_each`, so no more than the rest can hold.
  std::uint64_t count(std::uint64_t bytes_each) {
    const std::uint64_t value = number();
    if (value > bytes_.size() / bytes_each) is_broken_ = true;
    return is_broken_ ? 0 : value;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> values(count(8));
    for (std::string& value : values) value = text();
    return values;
  }
  Value value() {
    switch (byte()) {
      case 0:
        return {};
      case 1:
        return static_cast<std::int64_t>(number());
      case 2:
        return std::bit_cast<double>(number());
      case 3:
        return text();
      case 4:
        return Blob{text()};
      default:
        is_broken_ = true;
        return {};
    }
  }
  bool is_whole() const { return !is_broken_ && bytes_.empty(); }

 private:
  bool has(std::uint64_t size) {
    is_broken_ = is_broken_ || bytes_.size() < size;
    return !is_broken_;
  }

  std::string_view bytes_;
  bool is_broken_ = false;
};

Error broken(const char* what) {
  return {ErrorCode::kCorrupt, std::string(what) + " of the SQLite companion is broken",
          "use the companion that was built with this program", "", ""};
}

}  // namespace

Digest DatabaseSource::digest() const {
  Hasher hasher;
  hasher.add_field(file).add_field(script).add_u64(allows_double_quoted_text ? 1 : 0);
  for (const std::string& table : allowed_tables) hasher.add_field(table);
  return hasher.finish();
}

std::string encode(const CompanionRequest& request) {
  Writer writer;
  writer.byte(request.is_open ? 1 : 0);
  writer.text({reinterpret_cast<const char*>(request.database.bytes.data()), 32});
  if (request.is_open) {
    writer.text(request.source.file).text(request.source.script);
    writer.texts(request.source.allowed_tables);
    writer.byte(request.source.allows_double_quoted_text ? 1 : 0);
    return writer.take();
  }
  writer.byte(static_cast<std::uint8_t>(request.author)).text(request.query);
  writer.number(static_cast<std::uint64_t>(request.limits.time.count()));
  writer.number(request.limits.steps_max).number(request.limits.rows_max);
  return writer.number(request.limits.bytes_max).take();
}

Result<CompanionRequest> decode_request(std::string_view bytes) {
  Reader reader(bytes);
  CompanionRequest request;
  request.is_open = reader.byte() != 0;
  const std::string digest = reader.text();
  if (digest.size() != request.database.bytes.size()) return broken("a request");
  std::memcpy(request.database.bytes.data(), digest.data(), digest.size());
  if (request.is_open) {
    request.source.file = reader.text();
    request.source.script = reader.text();
    request.source.allowed_tables = reader.texts();
    request.source.allows_double_quoted_text = reader.byte() != 0;
  } else {
    request.author = static_cast<QueryAuthor>(reader.byte());
    request.query = reader.text();
    request.limits.time = std::chrono::milliseconds(reader.number());
    request.limits.steps_max = reader.number();
    request.limits.rows_max = reader.number();
    request.limits.bytes_max = reader.number();
  }
  if (!reader.is_whole()) return broken("a request");
  return request;
}

std::string encode(const CompanionReply& reply) {
  const QueryAnswer& answer = reply.answer;
  Writer writer;
  writer.byte(reply.is_unknown_database ? 1 : 0).byte(static_cast<std::uint8_t>(answer.status));
  writer.text(answer.reason).number(answer.query_us);
  writer.texts(answer.column_names).texts(answer.touched);
  writer.number(answer.table.column_count).number(answer.table.cells.size());
  for (const Value& cell : answer.table.cells) writer.value(cell);
  return writer.take();
}

Result<CompanionReply> decode_reply(std::string_view bytes) {
  Reader reader(bytes);
  CompanionReply reply;
  QueryAnswer& answer = reply.answer;
  reply.is_unknown_database = reader.byte() != 0;
  const std::uint8_t status = reader.byte();
  answer.reason = reader.text();
  answer.query_us = reader.number();
  answer.column_names = reader.texts();
  answer.touched = reader.texts();
  answer.table.column_count = reader.number();
  answer.table.cells.resize(reader.count(1));
  for (Value& cell : answer.table.cells) cell = reader.value();
  const std::size_t columns = answer.table.column_count;
  const bool is_a_table =
      columns == 0 ? answer.table.cells.empty() : answer.table.cells.size() % columns == 0;
  if (!reader.is_whole() || !is_a_table ||
      status > static_cast<std::uint8_t>(QueryStatus::kUnavailable)) {
    return broken("a reply");
  }
  answer.status = static_cast<QueryStatus>(status);
  return reply;
}

std::string time_limit_reason(const QueryLimits& limits) {
  return "the query needs more than " + std::to_string(limits.time.count()) + " ms";
}

}  // namespace assay::verifiers::sql
