#include "runtime/store/quarantine.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <utility>

#include "runtime/core/json.h"
#include "runtime/wire/codec.h"

namespace assay::store {

namespace {

constexpr std::size_t kCompletionBytesShown = 8 * 1024;
constexpr std::size_t kReasonBytesShown = 1024;
// Of the line that says that the file is full.
constexpr std::size_t kLastLineBytes = 256;

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// What a line says of where the file stands.
struct Mark {
  std::uint64_t seq = 0;
  bool is_full = false;
};

// The mark of the last line that can be read. Lines in between that a person changed are theirs.
Mark last_mark(std::string_view text) {
  while (!text.empty()) {
    text.remove_suffix(1);  // the line break
    const std::size_t before = text.rfind('\n');
    const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
    const Json line = parse_json(text.substr(start));
    const auto seq = line.is_object() ? line.find("seq") : line.end();
    if (line.is_object() && seq != line.end() && seq->is_number_unsigned()) {
      return {seq->get<std::uint64_t>(), line.contains("is_full")};
    }
    text = text.substr(0, start);
  }
  return {};
}

std::string last_line(std::uint64_t seq, std::size_t bytes_max) {
  OrderedJson line;
  line["seq"] = seq;
  line["is_full"] = true;
  line["bytes_max"] = bytes_max;
  line["note"] = "more was tripped from this event on; the ledger has it";
  return json_text(line) + "\n";
}

}  // namespace

Result<Quarantine> Quarantine::open(const std::string& path, const std::string& ledger_path,
                                    std::size_t bytes_max) {
  Result<LedgerReader> ledger = LedgerReader::open(ledger_path);
  if (!ledger) return ledger.error();
  Quarantine quarantine(path, std::move(*ledger), bytes_max);
  if (auto recalled = quarantine.recall(); !recalled) return recalled.error();
  if (auto done = quarantine.catch_up(); !done) return done.error();
  return quarantine;
}

// Where the file that is there ends.
Result<void> Quarantine::recall() {
  if (!path_exists(path_)) return {};
  if (auto opened = open_file(); !opened) return opened;
  // A line goes past the bound at most by the one that says that the file is full.
  Result<std::string> text = read_file(path_, bytes_max_ + kLastLineBytes);
  if (!text) return text.error();
  const std::size_t end = text->rfind('\n');
  bytes_ = end == std::string::npos ? 0 : end + 1;
  text->resize(bytes_);
  if (::ftruncate(file_.get(), static_cast<off_t>(bytes_)) != 0) {
    return errno_error("remove the unfinished last line of", path_);
  }
  const Mark mark = last_mark(*text);
  last_seq_ = mark.seq;
  is_full_ = mark.is_full;
  return {};
}

Result<void> Quarantine::catch_up() {
  if (is_full_) return {};
  std::vector<TrippedVerdict> missing;
  const auto visit = [&](const LedgerEvent& event) -> Result<void> {
    if (event.kind != EventKind::kVerified || !event.index) return {};
    Result<std::string> bytes = ledger_.stored_bytes(event);
    if (!bytes) return bytes.error();
    // Names are stored as they are: most verdicts need not be decoded to know that none is there.
    if (bytes->find(wire::kTripwirePrefix) == std::string::npos) return {};
    Result<wire::Verdict> verdict = wire::decode_verdict(*bytes);
    if (!verdict) return verdict.error();
    if (wire::tripped_wires(*verdict).empty()) return {};
    missing.push_back({event.seq, {event.group, *event.index}, std::move(*verdict)});
    return {};
  };
  if (auto read = ledger_.for_each_event(visit, last_seq_); !read) return read;
  return add(missing);
}

Result<void> Quarantine::open_file() {
  constexpr int kFlags = O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  file_ = FileDescriptor(::open(path_.c_str(), kFlags, 0644));
  if (!file_.is_open()) return errno_error("open", path_);
  return sync_folder(folder_of(path_));
}

Result<std::string> Quarantine::line_of(const TrippedVerdict& tripped) {
  Result<wire::Rollout> rollout = ledger_.rollout(tripped.rollout);
  if (!rollout) return rollout.error();
  const std::vector<std::uint32_t>& versions = rollout->versions;
  const wire::Verdict& verdict = tripped.verdict;
  OrderedJson line;
  line["seq"] = tripped.seq;
  line["rollout"] = to_string(tripped.rollout);
  line["prompt_id"] = to_string(rollout->prompt);
  line["version_min"] = wire::oldest_version(*rollout).value;
  line["version_max"] = versions.empty() ? 0 : *std::max_element(versions.begin(), versions.end());
  line["tripwires"] = wire::tripped_wires(verdict);
  line["reward"] = *verdict.reward;
  line["reason"] = verdict.reason.substr(0, kReasonBytesShown);
  line["verifier"] = verdict.verifier;
  line["judged"] = verdict.judged.hex();
  line["completion_bytes"] = rollout->completion.size();
  line["completion"] = rollout->completion.substr(0, kCompletionBytesShown);
  return json_text(line) + "\n";
}

Result<void> Quarantine::add(const std::vector<TrippedVerdict>& tripped) {
  std::string text;
  for (const TrippedVerdict& one : tripped) {
    if (is_full_) break;
    Result<std::string> line = line_of(one);
    if (!line) return line.error();
    is_full_ = bytes_ + text.size() + line->size() > bytes_max_;
    text += is_full_ ? last_line(one.seq, bytes_max_) : *line;
    last_seq_ = one.seq;
  }
  if (text.empty()) return {};
  if (!file_.is_open()) {
    if (auto opened = open_file(); !opened) return opened;
  }
  if (auto written = write_all(file_.get(), std::as_bytes(std::span(text)), path_); !written) {
    return written;
  }
  if (::fdatasync(file_.get()) != 0) return errno_error("sync", path_);
  bytes_ += text.size();
  return {};
}

}  // namespace assay::store
