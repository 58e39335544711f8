#include "runtime/store/ledger_event.h"

#include <array>

#include "runtime/core/check.h"
#include "runtime/core/json.h"

namespace assay::store {

namespace {

constexpr std::array<std::string_view, 12> kKindNames = {
    "",         "issued", "leased",   "lease_expired", "generated", "verified",
    "unscored", "late",   "consumed", "dropped",       "step",      "fence"};

// Bytes for hashing: integers little endian, texts with their length.
class Canonical {
 public:
  Canonical() { bytes_.reserve(320); }
  void add(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8)
      bytes_.push_back(static_cast<char>(value >> shift & 255));
  }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    bytes_.append(text);
  }
  void add(const Digest& digest) {
    bytes_.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  }
  Digest finish() const { return sha256(bytes_); }

 private:
  std::string bytes_;
};

std::string json_string(std::string_view text) {
  return json_text(Json(text));
}

std::string hex_or_null(const Digest& digest) {
  return digest.is_zero() ? "null" : '"' + digest.hex() + '"';
}

std::string number_or_null(std::uint64_t value) {
  return value == 0 ? "null" : std::to_string(value);
}

Digest digest_at(const nlohmann::json& object, const char* key) {
  const Result<Digest> digest = parse_digest(object.at(key).get<std::string>());
  if (!digest) throw std::runtime_error(digest.error().message);
  return *digest;
}

StepRecord record_of(const nlohmann::json& object) {
  StepRecord record;
  record.step = object.at("step").get<std::uint64_t>();
  record.version_in.value = object.at("version_in").get<std::uint64_t>();
  record.version_out.value = object.at("version_out").get<std::uint64_t>();
  record.weights_in = digest_at(object, "weights_in");
  record.weights_out = digest_at(object, "weights_out");
  record.optimiser = digest_at(object, "optimiser");
  record.checkpoint = object.at("checkpoint").get<std::string>();
  for (const nlohmann::json& entry : object.at("groups")) {
    const Result<std::uint64_t> group = parse_hex(entry.get<std::string>());
    if (!group) throw std::runtime_error(group.error().message);
    record.groups.push_back(GroupId{*group});
  }
  return record;
}

std::string list_of(const std::vector<GroupId>& groups) {
  std::string text = "[";
  for (const GroupId group : groups) {
    if (text.size() > 1) text += ',';
    text += '"' + to_string(group) + '"';
  }
  return text + "]";
}

}  // namespace

std::string_view to_string(EventKind kind) {
  return kKindNames.at(static_cast<std::size_t>(kind));
}

std::optional<EventKind> parse_event_kind(std::string_view text) {
  for (std::size_t i = 1; i < kKindNames.size(); ++i) {
    if (kKindNames[i] == text) return static_cast<EventKind>(i);
  }
  return std::nullopt;
}

Digest chain_start(const LedgerHeader& header) {
  Canonical bytes;
  bytes.add("assay ledger 1");
  bytes.add(header.run);
  bytes.add(header.arm);
  bytes.add(header.seed);
  bytes.add(header.config_sha256);
  bytes.add(std::uint64_t{header.group_size});
  bytes.add(header.staleness_max);
  bytes.add(std::uint64_t{header.attempts_max});
  bytes.add(header.open_groups_max);
  bytes.add(header.weights_base);
  return bytes.finish();
}

Digest chain_next(const Digest& previous, const LedgerEvent& event) {
  Canonical bytes;
  bytes.add(previous);
  bytes.add(event.seq);
  bytes.add(static_cast<std::uint64_t>(event.t_ms));
  bytes.add(static_cast<std::uint64_t>(event.kind));
  bytes.add(event.group.value);
  bytes.add(event.index ? std::uint64_t{*event.index} + 1 : std::uint64_t{0});
  bytes.add(std::uint64_t{event.attempt});
  bytes.add(event.actor);
  bytes.add(event.fence);
  bytes.add(event.policy_version.value);
  bytes.add(event.hash);
  bytes.add(event.stored);
  bytes.add(event.reason);
  bytes.add(event.step);
  if (event.details) bytes.add(to_json(*event.details));
  return bytes.finish();
}

std::string to_json_line(const LedgerEvent& event) {
  std::string line;
  line.reserve(448);
  line += "{\"seq\":" + std::to_string(event.seq) + ",\"t_ms\":" + std::to_string(event.t_ms);
  line += ",\"kind\":\"";
  line += to_string(event.kind);
  line += "\",\"group\":" + (event.group ? '"' + to_string(event.group) + '"' : "null");
  line += ",\"rollout\":" + (event.index ? '"' + to_string(*event.rollout()) + '"' : "null");
  line += ",\"attempt\":" + number_or_null(event.attempt);
  line += ",\"actor\":" + json_string(event.actor) + ",\"fence\":" + std::to_string(event.fence);
  line += ",\"policy_version\":" + std::to_string(event.policy_version.value);
  line += ",\"hash\":" + hex_or_null(event.hash);
  line += ",\"reason\":" + (event.reason.empty() ? "null" : json_string(event.reason));
  line += ",\"step\":" + number_or_null(event.step);
  line += ",\"chain\":\"" + event.chain.hex() + '"';
  if (event.details) {
    const StepRecord& record = *event.details;
    line += ",\"version_in\":" + std::to_string(record.version_in.value);
    line += ",\"version_out\":" + std::to_string(record.version_out.value);
    line += ",\"weights_in\":" + hex_or_null(record.weights_in);
    line += ",\"weights_out\":" + hex_or_null(record.weights_out);
    line += ",\"optimiser\":" + hex_or_null(record.optimiser);
    line +=
        ",\"checkpoint\":" + (record.checkpoint.empty() ? "null" : json_string(record.checkpoint));
    line += ",\"groups\":" + list_of(record.groups);
  }
  return line + "}";
}

std::string to_json(const StepRecord& record) {
  std::string text = "{\"step\":" + std::to_string(record.step);
  text += ",\"version_in\":" + std::to_string(record.version_in.value);
  text += ",\"version_out\":" + std::to_string(record.version_out.value);
  text += ",\"weights_in\":\"" + record.weights_in.hex() + '"';
  text += ",\"weights_out\":\"" + record.weights_out.hex() + '"';
  text += ",\"optimiser\":\"" + record.optimiser.hex() + '"';
  text += ",\"checkpoint\":" + json_string(record.checkpoint);
  return text + ",\"groups\":" + list_of(record.groups) + "}";
}

Result<StepRecord> parse_step_record(std::string_view json) {
  try {
    return record_of(parse_json(json));
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kCorrupt,
                 std::string("the details of a step cannot be read: ") + failure.what(),
                 {},
                 {},
                 {}};
  }
}

}  // namespace assay::store
